"""Makes a submission of Blender's scene and the panel, and checks it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from . import devices, preferences, targets, values
from .core.checks import Finding, NotSubmittable, check
from .core.job_types import JobType
from .core.manager_info import ManagerInfo
from .core.project import NoProject, Project, find_project
from .core.setting_values import Value
from .core.submission import Submission
from .scene_facts import read_scene
from .session import session
from .targets import Target

#: The job's setting that keeps frames that are there, other jobs' frames included.
KEEPS_FRAMES = "keep_existing_frames"


def findings_now(
    context: Any, job_name: str = "", target: "Target | None" = None
) -> "list[Finding]":
    """Return what is wrong as far as Blender alone can tell. This is quick.

    Args:
        target: the scene and the camera to render; None: the window's scene as it is set up. The
            choices for the job are those of the window's scene.
    """
    scene = context.scene
    job_type = session.job_type(scene.tablao.job_type)
    settings, failures = _gathered(context, job_type, job_name, target) if job_type else ({}, [])
    facts = read_scene(scene if target is None else bpy.data.scenes[target.scene])
    if target is not None and target.camera:
        facts = replace(facts, has_camera=True)
    found = check(
        facts,
        job_type,
        _without_looking(session.info),
        settings,
        job_name=values.job_name_of(scene, job_name) or "a file that was never saved",
        worker_tag=scene.tablao.worker_tag,
        priority=scene.tablao.priority,
        failures=failures,
    )
    return [
        *devices.problems(scene.tablao.device, job_type, session.info),
        *targets.problems(target, job_type, session.info),
        *found,
    ]


def _gathered(
    context: Any, job_type: JobType, job_name: str, target: "Target | None"
) -> "tuple[dict[str, Value], list[Exception]]":
    scene = context.scene
    with targets.rendering(context, target) as of_target:
        return values.gathered(of_target, scene, job_type, job_name)


def _without_looking(info: "ManagerInfo | None") -> "ManagerInfo | None":
    """Pretend that the manager takes uploads, so that the check skips the shared storage.

    To look for the storage may take long, so a thread does it.
    """
    return replace(info, storage=replace(info.storage, shaman_enabled=True)) if info else None


def submission_of(
    context: Any,
    job_name: str = "",
    target: "Target | None" = None,
    metadata: "Mapping[str, str] | None" = None,
) -> Submission:
    """Make a submission of what the panel says.

    Args:
        target: see `findings_now`.
        metadata: further texts to keep with the job.

    Raises:
        NotSubmittable: a finding blocks it.
    """
    found = findings_now(context, job_name, target)
    blocking = [each for each in found if each.is_blocking]
    if blocking:
        raise NotSubmittable(blocking)
    scene, chosen = context.scene, context.scene.tablao
    job_type = session.job_type(chosen.job_type)
    assert job_type is not None  # otherwise a finding has blocked it
    settings, _ = _gathered(context, job_type, job_name, target)
    blendfile = values.blendfile_path()
    project = project_of(context, blendfile)
    return Submission(
        name=values.job_name_of(scene, job_name),
        job_type=job_type.name,
        settings={
            **devices.chosen(settings, chosen.device),
            **_kept_frames(chosen),
            **targets.chosen(target),
        },
        blendfile=blendfile,
        project_root=project.root if project else None,
        priority=chosen.priority,
        worker_tag=chosen.worker_tag,
        is_paused=chosen.is_paused,
        comment=chosen.comment,
        project=project.name if project else chosen.project.strip(),
        user_name=preferences.user_name_of(context),
        blender_version=bpy.app.version_string,
        metadata=metadata or {},
    )


def _kept_frames(chosen: Any) -> "dict[str, Value]":
    """Return the setting that keeps frames that are there. Flamenco always keeps them."""
    is_asked = chosen.keeps_frames and session.info is not None and session.info.is_tablao
    return {KEEPS_FRAMES: True} if is_asked else {}


def project_of(context: Any, blendfile: "Path | None") -> "Project | None":
    """Find the file's project as the preferences say.

    Raises:
        NotSubmittable: the typed folder does not exist, or does not hold the file.
    """
    if blendfile is None:
        return None
    chosen = context.scene.tablao
    try:
        return find_project(
            blendfile,
            preferences.finder_of(context),
            typed_root=bpy.path.abspath(chosen.project_root),
            typed_name=chosen.project,
        )
    except NoProject as problem:
        finding = Finding("no-project", str(problem).rstrip("."), "Choose the folder again")
        raise NotSubmittable([finding]) from problem


def save_file() -> None:
    """Save the file, if it has changes and has been saved before.

    Raises:
        NotSubmittable: the file cannot be saved.
    """
    if not bpy.data.is_dirty or not bpy.data.filepath:
        return
    try:
        bpy.ops.wm.save_mainfile()
    except RuntimeError as problem:
        reason = str(problem).strip().removeprefix("Error: ").rstrip(".")
        finding = Finding(
            "not-writable", f"The file cannot be saved: {reason}", "Save it elsewhere"
        )
        raise NotSubmittable([finding]) from problem
