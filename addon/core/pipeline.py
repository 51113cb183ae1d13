"""Submits a blend file without Blender: one call for scripts. docs/pipelines.md shows it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .checks import Finding, NotSubmittable, SceneFacts, check, needs_blendfile
from .evaluation import EvaluationFailed, SettingsInUse, evaluate_all, namespace_for
from .files import MissingFile, missing_files
from .job_types import JobType, Setting
from .manager import Manager
from .manager_info import ManagerInfo, fetch
from .progress import IsCanceled, Progress, never, quiet
from .project import ProjectFinder, find_project
from .scene_asking import Told, ask_blender
from .setting_values import NotAValue, Value
from .submission import Submission, submit


def submit_blend_file(
    manager_address: str,
    blendfile: str | Path,
    job_type: str = "simple-blender-render",
    settings: Mapping[str, Any] | None = None,
    *,
    name: str = "",
    token: str = "",
    priority: int = 50,
    worker_tag: str = "",
    is_paused: bool = False,
    comment: str = "",
    user_name: str = "",
    blender: str = "",
    project_finder: ProjectFinder = ProjectFinder.NONE,
    metadata: Mapping[str, str] | None = None,
    allow_missing: bool = False,
    progress: Progress = quiet,
    is_canceled: IsCanceled = never,
) -> dict[str, Any]:
    """Check a saved blend file's job, deliver its files and submit it. Blocks.

    Args:
        settings: by key. What is left out is what the job type's expression gives, else its
            default.
        name: of the job; empty: the file's.
        worker_tag: its name or id; empty: all workers.
        blender: the program that tells what expressions ask of the scene; empty: those that
            ask have no value.
        user_name: whose job; empty: whoever is logged in.
        allow_missing: submit although files are missing that the blend file uses.

    Returns:
        The job, as the manager answers it; `["id"]` is its id.

    Raises:
        NotSubmittable: nothing was sent; `findings` say why.
        ManagerError: the manager is not reached, or refuses.
        FilesError: files could not be delivered.
        Canceled: by `is_canceled`.
    """
    file = Path(blendfile).expanduser().absolute()
    manager = Manager(manager_address, token)
    progress("Asking the manager", 0, 0)
    info = fetch(manager)
    chosen = info.job_type(job_type)
    job_name = name or file.stem
    failures: list[EvaluationFailed] = []
    values: Mapping[str, Value] = {}
    facts = SceneFacts(file, is_dirty=False, has_camera=True)
    if chosen is not None:
        _refuse_bad(chosen, settings or {})
        told = _told(blender, file, info, chosen, settings or {}, job_name, is_canceled)
        values = told.values
        # Most of what only Blender can tell is a convenience; a required setting is none.
        failures = [
            EvaluationFailed(each.label, told.failures[each.key])
            for each in chosen.settings
            if each.required and each.key in told.failures
        ]
        facts = replace(told.facts, missing=_missing(file, chosen, progress, is_canceled))
    tag = _tag_id(info, worker_tag)
    findings = check(
        facts,
        chosen,
        info,
        values,
        job_name=job_name,
        worker_tag=tag,
        priority=priority,
        allow_missing=allow_missing,
        failures=failures,
    )
    if blocking := [each for each in findings if each.is_blocking]:
        raise NotSubmittable(blocking)
    project = find_project(file, project_finder)
    submission = Submission(
        name=job_name,
        job_type=job_type,
        settings=values,
        blendfile=file,
        project_root=project.root,
        project=project.name,
        priority=priority,
        worker_tag=tag,
        is_paused=is_paused,
        comment=comment,
        user_name=user_name,
        metadata=metadata or {},
    )
    return submit(manager, info, submission, progress, is_canceled)


def _refuse_bad(job_type: JobType, settings: Mapping[str, Any]) -> None:
    bad = [each for key, value in settings.items() if (each := _problem(job_type, key, value))]
    if bad:
        raise NotSubmittable(bad)


def _problem(job_type: JobType, key: str, value: object) -> Finding | None:
    setting = job_type.setting(key)
    if setting is None:
        advice = f"It has {', '.join(each.key for each in job_type.settings)}"
        sentence = f"{job_type.label} has no setting “{key}”"
        return Finding("unknown-setting", sentence, advice, show=(key,))
    try:
        if value is not None:
            setting.coerce(value)
    except NotAValue as problem:
        return Finding("bad-setting", str(problem), "Choose another value", show=(key,))
    return None


def _told(
    blender: str,
    file: Path,
    info: ManagerInfo,
    job_type: JobType,
    settings: Mapping[str, Any],
    job_name: str,
    is_canceled: IsCanceled,
) -> Told:
    if blender and needs_blendfile(job_type) and file.is_file():
        return ask_blender(blender, file, info, job_type, settings, job_name, is_canceled)
    failures: dict[str, str] = {}

    def keep(setting: Setting, failure: EvaluationFailed) -> None:
        failures[setting.key] = failure.why

    in_use = SettingsInUse(job_type, settings, namespace_for(job_name, file))
    values = evaluate_all(in_use, job_type, keep)
    # Only Blender can tell of a camera; without one, its render fails and says so.
    return Told(values, failures, SceneFacts(file, is_dirty=False, has_camera=True))


def _missing(
    file: Path, job_type: JobType, progress: Progress, is_canceled: IsCanceled
) -> tuple[MissingFile, ...]:
    if not needs_blendfile(job_type) or not file.is_file():
        return ()
    progress("Looking for missing files", 0, 0)
    return missing_files(file, is_canceled)


def _tag_id(info: ManagerInfo, name_or_id: str) -> str:
    return next((each.id for each in info.tags if each.name == name_or_id), name_or_id)
