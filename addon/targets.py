"""What a job renders of the file: a scene, by its own camera or by one that the artist chose."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy

from .core.checks import Finding
from .core.job_types import JobType
from .core.manager_info import ManagerInfo

#: The job's setting that chooses the camera. Declared by job types that take it; Tablao's
#: `simple-blender-render` takes it undeclared, as it takes `cycles_device` (`devices.py`).
CAMERA = "camera"
_KNOW_IT_UNDECLARED = frozenset({"simple-blender-render"})


@dataclass(frozen=True)
class Target:
    scene: str
    camera: str = ""
    """Empty: the scene's own, and those that its markers bind."""

    def name_of_job(self, name: str) -> str:
        """Return the job's name, which is also a folder of its output in most job types."""
        parts = (name, self.scene, self.camera)
        return " - ".join(part.replace("/", "-").replace("\\", "-") for part in parts if part)

    @property
    def metadata(self) -> "dict[str, str]":
        return {"scene": self.scene, **({"camera": self.camera} if self.camera else {})}


def targets_of_file() -> "list[Target]":
    """Return each scene, followed by its cameras if it has several."""
    found: list[Target] = []
    for scene in bpy.data.scenes:
        found.append(Target(scene.name))
        cameras = sorted(each.name for each in scene.objects if each.type == "CAMERA")
        if len(cameras) > 1:
            found += [Target(scene.name, camera) for camera in cameras]
    return found


@contextmanager
def rendering(context: Any, target: "Target | None") -> Iterator[Any]:
    """Give a context whose scene is the target's; expressions of settings then read that scene."""
    scene = context.scene if target is None else bpy.data.scenes[target.scene]
    if scene == context.scene:
        yield context
        return
    with context.temp_override(scene=scene):
        yield bpy.context


def problems(
    target: "Target | None", job_type: "JobType | None", info: "ManagerInfo | None"
) -> "list[Finding]":
    if target is None or not target.camera or job_type is None or info is None:
        return []
    is_undeclared = info.is_tablao and job_type.name in _KNOW_IT_UNDECLARED
    if is_undeclared or job_type.setting(CAMERA) is not None:
        return []
    return [
        Finding(
            "camera-unknown",
            f"{job_type.label} on this manager cannot choose the camera",
            "Tick scenes only, or choose a job type that has the setting camera",
        )
    ]


def chosen(target: "Target | None") -> "Mapping[str, str]":
    """Return the settings that choose the target's camera."""
    return {CAMERA: target.camera} if target is not None and target.camera else {}
