"""The device that Cycles renders with: the artist's choice, and how a job carries it.

The job's setting `cycles_device` becomes Blender's own option `--cycles-device`. Job types that
support it declare the setting. One exception: `simple-blender-render` of Tablao's managers supports
it without declaring it, because its declared settings are Flamenco's. Other job types would ignore
the setting, so the choice is refused for them.
"""

from collections.abc import Mapping

from .core.checks import Finding
from .core.job_types import JobType
from .core.manager_info import ManagerInfo
from .core.setting_values import Value

KEY = "cycles_device"
_KNOW_IT_UNDECLARED = frozenset({"simple-blender-render"})

_ELSEWHERE = "machines without it fail the task and are not asked again"
#: Value, label, description. With an empty value the job has no such setting.
DEVICES = (
    ("", "As Set Up", "What the file says and each machine's preferences have"),
    ("CPU", "CPU", "Every machine has one"),
    ("CUDA", "CUDA", f"NVIDIA; {_ELSEWHERE}"),
    ("OPTIX", "OptiX", f"NVIDIA RTX; {_ELSEWHERE}"),
    ("HIP", "HIP", f"AMD; {_ELSEWHERE}"),
    ("METAL", "Metal", f"Apple; {_ELSEWHERE}"),
    ("ONEAPI", "oneAPI", f"Intel; {_ELSEWHERE}"),
)


def is_declared(job_type: JobType) -> bool:
    """Return whether the job type declares the setting, and so shows it among its own settings."""
    return job_type.setting(KEY) is not None


def is_known(job_type: JobType, info: ManagerInfo) -> bool:
    return is_declared(job_type) or (info.is_tablao and job_type.name in _KNOW_IT_UNDECLARED)


def problems(
    device: str, job_type: "JobType | None", info: "ManagerInfo | None"
) -> "list[Finding]":
    if not device or job_type is None or info is None or is_known(job_type, info):
        return []
    return [
        Finding(
            "device-unknown",
            f"{job_type.label} on this manager cannot choose the render device",
            "Choose “As Set Up”, or a job type that has the setting cycles_device",
        )
    ]


def chosen(settings: Mapping[str, Value], device: str) -> "dict[str, Value]":
    """Return the settings, with the device if one was chosen."""
    return {**settings, **({KEY: device} if device else {})}
