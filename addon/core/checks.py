"""Finds everything that would go wrong with a submission, before anything is sent."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .evaluation import EvaluationFailed
from .files import MissingFile, outside_storage, path_in_storage
from .findings import Finding, NotSubmittable, finding_of
from .frames import BadFrames, count_frames
from .job_types import JobType
from .manager_info import ManagerInfo
from .setting_values import NotAValue

__all__ = ["Finding", "NotSubmittable", "SceneFacts", "check", "finding_of", "needs_blendfile"]

#: A network drive that takes longer to answer counts as not connected.
_FOLDER_WITHIN_S = 2.0
#: The key of a setting that the add-on sets, not the artist.
BLENDFILE = "blendfile"
#: With these formats Blender writes a single file, which several workers cannot write at once.
VIDEO_FORMATS = frozenset({"FFMPEG", "AVI_RAW", "AVI_JPEG"})
#: Job types that render single images, and no videos.
_RENDERS_IMAGES = frozenset({"simple-blender-render"})
_MOST_FRAMES = 100_000
_HIGHEST_PRIORITY = 100


@dataclass(frozen=True)
class SceneFacts:
    """Facts from Blender about the file and the scene that is to be rendered."""

    blend_path: Path | None
    """None: the file was never saved."""
    is_dirty: bool
    """The file was changed since it was saved."""
    has_camera: bool
    frame_start: int = 1
    frame_end: int = 1
    frame_step: int = 1
    resolution_percentage: int = 100
    has_render_region: bool = False
    """Only a region of the image is rendered."""
    lacks_composite: bool = False
    """The compositor is in use, and has no node that gives the image."""
    output_format: str = "PNG"
    """The file format in Blender's image settings."""
    blender_version: str = ""
    scene: str = "Scene"
    uses_sequencer: bool = False
    """Strips are rendered; they need no camera."""
    view_layers: tuple[str, ...] = ("ViewLayer",)
    """The view layers that are enabled for rendering."""
    missing: tuple[MissingFile, ...] = ()
    unsaved_images: tuple[str, ...] = ()
    """Images that were painted on since they were saved. Saving the file does not save them."""
    unbaked: tuple[str, ...] = ()
    """Simulations that are not baked."""
    used_files: tuple[str, ...] = ()
    """Absolute paths of the files that this and linked .blend files refer to."""


def check(
    facts: SceneFacts,
    job_type: JobType | None,
    info: ManagerInfo | None,
    settings: Mapping[str, Any],
    *,
    job_name: str = "job",
    worker_tag: str = "",
    priority: int = 50,
    allow_missing: bool = False,
    failures: Iterable[Exception] = (),
) -> list[Finding]:
    """Return everything that is wrong; findings that block come first.

    Args:
        job_type: the chosen job type; None: the manager does not have it, or no longer.
        info: None: the manager has never answered.
        settings: evaluated settings; their `blendfile` is not checked.
        worker_tag: the tag's id; empty: all workers.
        allow_missing: the artist has decided to render without the missing files.
        failures: the exceptions that evaluating the settings raised.
    """
    failures = tuple(failures)
    found = [
        *_about_file(facts, job_type),
        *_about_missing(facts, is_blocking=not allow_missing),
        *_about_images(facts),
        *_about_scene(facts, job_type, settings),
        *_about_oddities(facts, job_type, settings),
        *_about_simulations(facts, job_type),
        *_about_places(facts, job_type, info),
        *_about_manager(job_type, info, worker_tag),
        *_about_job(job_name, priority),
        *(
            Finding(
                "setting-not-evaluated", str(failure), "Fix what it asks for, or give it a value"
            )
            for failure in failures
        ),
        *(_about_settings(job_type, settings, failures) if job_type else ()),
    ]
    return sorted(found, key=lambda each: not each.is_blocking)


def is_folder(location: str) -> bool:
    """Return whether the location is a folder. A drive that does not answer soon counts as none.

    The look-up of a lost network drive can take minutes, so a thread does it.
    """
    answers: list[bool] = []
    asking = threading.Thread(target=lambda: answers.append(_is_folder(location)), daemon=True)
    asking.start()
    asking.join(_FOLDER_WITHIN_S)
    return any(answers)


def _is_folder(location: str) -> bool:
    try:
        return bool(location) and Path(location).is_dir()
    except (OSError, ValueError):
        return False


def needs_blendfile(job_type: JobType) -> bool:
    return job_type.setting(BLENDFILE) is not None


def _about_file(facts: SceneFacts, job_type: JobType | None) -> Iterator[Finding]:
    if job_type is not None and not needs_blendfile(job_type):
        return
    if facts.blend_path is None:
        yield Finding("not-saved", "The file was never saved", "Save it")
    elif not facts.blend_path.is_file():
        yield Finding(
            "file-gone",
            "The file is no longer where it was saved",
            "Save it again",
            show=(str(facts.blend_path),),
        )
    elif facts.is_dirty:
        yield Finding(
            "unsaved-changes",
            "The file has changes that are not saved",
            "It is saved when it is submitted; save it yourself to choose when",
            is_blocking=False,
        )


def _about_missing(facts: SceneFacts, *, is_blocking: bool) -> Iterator[Finding]:
    if not facts.missing:
        return
    what = _counted(facts.missing, "A file that the scene uses is", "files of the scene are")
    yield Finding(
        "missing-files",
        f"{what} missing",
        "Find them with File > External Data, or allow missing files to render without them",
        is_blocking=is_blocking,
        show=tuple(f"{each.path} (used by {each.used_by})" for each in facts.missing),
    )


def _about_images(facts: SceneFacts) -> Iterator[Finding]:
    if not facts.unsaved_images:
        return
    what = _counted(facts.unsaved_images, "An image has", "images have")
    yield Finding(
        "unsaved-images",
        f"{what} changes that are not saved, and the farm renders without them",
        "Save them in an image editor: Image > Save All Images",
        is_blocking=False,
        show=facts.unsaved_images,
    )


def _about_scene(
    facts: SceneFacts, job_type: JobType | None, settings: Mapping[str, Any]
) -> Iterator[Finding]:
    if job_type is None or not needs_blendfile(job_type):
        return
    if not facts.has_camera and not facts.uses_sequencer:
        yield Finding(
            "no-camera",
            f"The scene “{facts.scene}” has no camera",
            "Add one, or choose it in the scene's properties",
        )
    if not facts.view_layers and not facts.uses_sequencer:
        yield Finding(
            "no-view-layer",
            f"No view layer of the scene “{facts.scene}” is rendered",
            "Enable “Use for Rendering” for at least one",
        )
    image_format = settings.get("format") or facts.output_format
    if job_type.name in _RENDERS_IMAGES and image_format in VIDEO_FORMATS:
        yield Finding(
            "video-format",
            f"{job_type.label} renders images, not the video format {image_format}",
            "Choose an image format under Output, such as PNG; a video is made of the frames",
        )


def _about_oddities(
    facts: SceneFacts, job_type: JobType | None, settings: Mapping[str, Any]
) -> Iterator[Finding]:
    """Yield what is often left behind by tests, and spoils a night's frames."""
    if job_type is None or not needs_blendfile(job_type) or facts.uses_sequencer:
        return
    whole = f"{facts.frame_start}-{facts.frame_end}"
    if facts.frame_step > 1 and settings.get("frames") == whole:
        yield Finding(
            "frame-step",
            f"The scene renders each {_ordinal(facts.frame_step)} frame, and the job every frame",
            f"Type {whole}x{facts.frame_step} as frames, if you want only those",
            is_blocking=False,
        )
    if facts.resolution_percentage != 100:
        yield Finding(
            "resolution-scaled",
            f"The scene “{facts.scene}” renders at {facts.resolution_percentage} % of its size",
            "Set the resolution to 100 %, if this was for tests",
            is_blocking=False,
        )
    if facts.has_render_region:
        yield Finding(
            "render-region",
            f"The scene “{facts.scene}” renders only a region of its image",
            "Turn the render region off, if this was for tests",
            is_blocking=False,
        )
    if facts.lacks_composite:
        yield Finding(
            "no-composite",
            f"The compositor of the scene “{facts.scene}” has no Composite node",
            "Add one, or turn the compositor off: its work is not in the frames",
            is_blocking=False,
        )


def _about_simulations(facts: SceneFacts, job_type: JobType | None) -> Iterator[Finding]:
    if job_type is None or not needs_blendfile(job_type) or not facts.unbaked:
        return
    what = _counted(facts.unbaked, "A simulation is", "simulations are")
    yield Finding(
        "not-baked",
        f"{what} not baked: each task starts from the beginning, and frames would not fit together",
        "Bake them, under Physics, Cache, and save the file",
        is_blocking=False,
        show=facts.unbaked,
    )


def _about_places(
    facts: SceneFacts, job_type: JobType | None, info: ManagerInfo | None
) -> Iterator[Finding]:
    """Yield what workers may not find. A file that is elsewhere is sent with all that it uses."""
    if job_type is None or not needs_blendfile(job_type) or info is None:
        return
    if facts.blend_path is None or path_in_storage(facts.blend_path, info.storage) is None:
        return
    outside = tuple(outside_storage(facts.used_files, info.storage))
    if not outside:
        return
    what = _counted(outside, "a file that it uses is", "files that it uses are")
    yield Finding(
        "outside-storage",
        f"The .blend file is on the farm's shared storage, but {what} not",
        "Move them there, or make sure that each worker has them in the same place",
        is_blocking=False,
        show=outside,
    )


def _counted(things: Sequence[object], one: str, several: str) -> str:
    return one if len(things) == 1 else f"{len(things)} {several}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ending}"


def _about_manager(
    job_type: JobType | None, info: ManagerInfo | None, worker_tag: str
) -> Iterator[Finding]:
    if info is None:
        yield Finding(
            "manager-unknown", "The manager has not answered yet", "Refresh from the manager"
        )
        return
    if job_type is None:
        yield Finding(
            "no-job-type",
            "No job type is chosen, or the manager no longer has it",
            "Refresh from the manager, and choose one",
        )
    elif needs_blendfile(job_type) and not info.storage.shaman_enabled:
        yield from _about_storage(info)
    if worker_tag and info.tag(worker_tag) is None:
        yield Finding(
            "no-worker-tag",
            "The chosen worker tag is no longer among the manager's",
            "Refresh from the manager, and choose another one, or all workers",
        )


def _about_storage(info: ManagerInfo) -> Iterator[Finding]:
    if is_folder(info.storage.location):
        return
    yield Finding(
        "storage-not-reached",
        f"The farm's shared storage {info.storage.location or 'has no folder and'} "
        "cannot be reached from this machine",
        "Mount it, or have Shaman enabled on the manager, which takes uploads",
        show=(info.storage.location,),
    )


def _about_job(job_name: str, priority: int) -> Iterator[Finding]:
    if not job_name.strip():
        yield Finding("no-name", "The job has no name", "Type one")
    if not 0 <= priority <= _HIGHEST_PRIORITY:
        yield Finding(
            "bad-priority",
            f"A priority is between 0 and {_HIGHEST_PRIORITY}, not {priority}",
            "Choose another one",
        )


def _about_settings(
    job_type: JobType,
    settings: Mapping[str, Any],
    failures: Iterable[Exception],
) -> Iterator[Finding]:
    told = (EvaluationFailed, NotAValue)
    failed = {each.label for each in failures if isinstance(each, told)}
    for setting in job_type.settings:
        value = settings.get(setting.key)
        if setting.key == BLENDFILE or setting.label in failed:
            continue
        if setting.key == "frames" and (value or setting.required):
            yield from _about_frames(str(value or ""))
        elif setting.required and (value is None or value == ""):
            yield Finding(
                "setting-empty",
                f"{setting.label} is empty",
                "The job type needs a value: type one",
                show=(setting.label,),
            )
        elif value is not None:
            try:
                setting.coerce(value)
            except NotAValue as problem:
                yield Finding("bad-setting", str(problem), "Choose another value")


def _about_frames(frames: str) -> Iterator[Finding]:
    try:
        count = count_frames(frames)
    except BadFrames as problem:
        advice = "Type frames such as 1-20 or 1, 5, 10-15"
        yield Finding("bad-frames", str(problem), advice)
        return
    if count > _MOST_FRAMES:
        yield Finding(
            "too-many-frames",
            f"These are {count:,} frames, and a job has at most {_MOST_FRAMES:,}",
            "Submit several jobs",
            show=(frames,),
        )
