"""Submits a blend file from a script outside Blender, with one call. See docs/scripting.md."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from .setting_values import NotAValue
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
    authority: str = "",
) -> dict[str, Any]:
    """Check a saved blend file's job, deliver its files and submit it. Blocks.

    Args:
        settings: values by key. Other settings get their expression's value, else their default.
        name: the job's name; empty: the file's name.
        worker_tag: the tag's name or id; empty: all workers.
        blender: the Blender that evaluates expressions in the scene; empty: without Blender.
        user_name: the name of the job's owner; empty: the login name.
        authority: the file of the farm's own certificate authority; empty: the system's count.
        allow_missing: submit although files are missing that the blend file uses.

    Returns:
        The job, as the manager answers it; `["id"]` is its id.

    Raises:
        NotSubmittable: nothing was sent; `findings` say why.
        ManagerError: the manager is not reached, or refuses.
        FilesError: files could not be delivered.
        Canceled: `is_canceled` returned True.
    """
    file = Path(blendfile).expanduser().absolute()
    project = find_project(file, project_finder)
    wanted = Submission(
        name=name or file.stem,
        job_type=job_type,
        settings=settings or {},
        blendfile=file,
        project_root=project.root,
        project=project.name,
        priority=priority,
        worker_tag=worker_tag,
        is_paused=is_paused,
        comment=comment,
        user_name=user_name,
        metadata=metadata or {},
    )
    manager = Manager(manager_address, token, authority=authority)
    info = fetch(manager.cancelable(is_canceled))
    looking = _Looking(blender, file, allow_missing, progress, is_canceled)
    return submit(manager, info, _checked(info, wanted, looking), progress, is_canceled)


@dataclass(frozen=True)
class _Looking:
    """The arguments for looking into the file."""

    blender: str
    file: Path
    allow_missing: bool
    progress: Progress
    is_canceled: IsCanceled


def _checked(info: ManagerInfo, wanted: Submission, looking: _Looking) -> Submission:
    """Check the job, and return it with the values of all its settings.

    Raises:
        NotSubmittable: a finding blocks it.
    """
    told = Told({}, {}, SceneFacts(looking.file, is_dirty=False, has_camera=True))
    failures: list[EvaluationFailed] = []
    if (job_type := info.job_type(wanted.job_type)) is not None:
        _refuse_bad(job_type, wanted.settings)
        told = _told(info, job_type, wanted, looking)
        # Only required settings need a value; most others that need Blender are conveniences.
        failures = [
            EvaluationFailed(each.label, told.failures[each.key])
            for each in job_type.settings
            if each.required and each.key in told.failures
        ]
    tag = _tag_id(info, wanted.worker_tag)
    found = check(
        replace(told.facts, missing=_missing(job_type, looking)),
        job_type,
        info,
        told.values,
        job_name=wanted.name,
        worker_tag=tag,
        priority=wanted.priority,
        allow_missing=looking.allow_missing,
        failures=failures,
    )
    if blocking := [each for each in found if each.is_blocking]:
        raise NotSubmittable(blocking)
    version = told.facts.blender_version
    return replace(wanted, settings=told.values, worker_tag=tag, blender_version=version)


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


def _told(info: ManagerInfo, job_type: JobType, wanted: Submission, looking: _Looking) -> Told:
    if looking.blender and _has_file(job_type, looking):
        return ask_blender(
            looking.blender,
            looking.file,
            info,
            job_type,
            wanted.settings,
            wanted.name,
            looking.is_canceled,
        )
    failures: dict[str, str] = {}

    def keep(setting: Setting, failure: EvaluationFailed) -> None:
        failures[setting.key] = failure.why

    in_use = SettingsInUse(job_type, wanted.settings, namespace_for(wanted.name, looking.file))
    values = evaluate_all(in_use, job_type, keep)
    # Only Blender can tell whether there is a camera. Without one, the render fails and says so.
    return Told(values, failures, SceneFacts(looking.file, is_dirty=False, has_camera=True))


def _missing(job_type: JobType | None, looking: _Looking) -> tuple[MissingFile, ...]:
    if job_type is None or not _has_file(job_type, looking):
        return ()
    looking.progress("Looking for missing files", 0, 0)
    return missing_files(looking.file, looking.is_canceled)


def _has_file(job_type: JobType, looking: _Looking) -> bool:
    return needs_blendfile(job_type) and looking.file.is_file()


def _tag_id(info: ManagerInfo, name_or_id: str) -> str:
    return next((each.id for each in info.tags if each.name == name_or_id), name_or_id)
