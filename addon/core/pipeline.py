"""Submits a blend file without Blender: one call for scripts. docs/pipelines.md shows it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .checks import Finding, NotSubmittable, SceneFacts, check, needs_blendfile
from .evaluation import EvaluationFailed, SettingsInUse, evaluate_all, namespace_for
from .files import missing_files
from .job_types import JobType, Setting
from .manager import Manager
from .manager_info import ManagerInfo, fetch
from .progress import IsCanceled, Progress, never, quiet
from .project import ProjectFinder, find_project
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
    project_finder: ProjectFinder = ProjectFinder.NONE,
    metadata: Mapping[str, str] | None = None,
    allow_missing: bool = False,
    progress: Progress = quiet,
    is_canceled: IsCanceled = never,
) -> dict[str, Any]:
    """Check a saved blend file's job, deliver its files and submit it. Blocks.

    Args:
        settings: by key. What is left out is evaluated where that takes no Blender, else the
            job type's default.
        name: of the job; empty: the file's.
        worker_tag: its name or id; empty: all workers.
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
    failures: list[Exception] = []
    values = _values(chosen, settings or {}, job_name, file, failures) if chosen else {}
    tag = _tag_id(info, worker_tag)
    findings = check(
        _facts(file, chosen, values, is_canceled),
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


def _values(
    job_type: JobType,
    settings: Mapping[str, Any],
    job_name: str,
    file: Path,
    failures: list[Exception],
) -> dict[str, Value]:
    if unknown := [each for each in settings if job_type.setting(each) is None]:
        known = ", ".join(each.key for each in job_type.settings)
        raise NotSubmittable(
            [
                Finding(
                    "unknown-setting",
                    f"{job_type.label} has no setting {', '.join(map(repr, unknown))}",
                    f"It has {known}",
                    show=tuple(unknown),
                )
            ]
        )

    def keep_what_is_needed(setting: Setting, failure: EvaluationFailed) -> None:
        # Most of what only Blender can tell is a convenience; a required setting is none.
        if setting.required:
            failures.append(failure)

    in_use = SettingsInUse(job_type, settings, namespace_for(job_name, file))
    try:
        return evaluate_all(in_use, job_type, keep_what_is_needed)
    except NotAValue as problem:
        raise NotSubmittable(
            [Finding("bad-setting", str(problem), "Give another value")]
        ) from problem


def _facts(
    file: Path, job_type: JobType | None, values: Mapping[str, Value], is_canceled: IsCanceled
) -> SceneFacts:
    looked_into = job_type is not None and needs_blendfile(job_type) and file.is_file()
    return SceneFacts(
        blend_path=file,
        is_dirty=False,
        # Only Blender can tell; without one, its render fails and says so.
        has_camera=True,
        output_format=str(values.get("format", "")),
        scene=str(values.get("scene", "")),
        missing=missing_files(file, is_canceled) if looked_into else (),
    )


def _tag_id(info: ManagerInfo, name_or_id: str) -> str:
    return next((each.id for each in info.tags if each.name == name_or_id), name_or_id)
