"""The job types of a manager: first those of its folder, then the built-in ones."""

from collections.abc import Callable

from manager_api.job_types.exchange import ScriptLimits
from manager_api.job_types.folder import FolderJobTypes
from manager_api.job_types.registry import BuiltInJobTypes, JobTypeRegistry
from manager_api.job_types.sandbox import Sandbox
from manager_api.settings.model import ManagerSettings


def farm_job_types(settings: Callable[[], ManagerSettings]) -> JobTypeRegistry:
    """Return the registry of the manager's job types.

    Args:
        settings: Returns the settings in force; called at each use.
    """
    sandbox = Sandbox(lambda: script_limits(settings()), keeps_spares=True)
    folder = FolderJobTypes(lambda: settings().job_types_path, sandbox)
    return JobTypeRegistry(
        [folder, BuiltInJobTypes()],
        on_close=sandbox.close,
        patience_s=lambda: settings().job_type_wall_s,
        scripts=folder,
    )


def script_limits(settings: ManagerSettings) -> ScriptLimits:
    return ScriptLimits(
        cpu_s=settings.job_type_cpu_s,
        wall_s=settings.job_type_wall_s,
        memory_mb=settings.job_type_memory_mb,
    )
