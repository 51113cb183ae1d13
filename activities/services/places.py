"""Where services and what belongs to them are kept, on this platform."""

import getpass
import os
import sys
from pathlib import Path

import platformdirs

from activities.services import launchd, systemd
from activities.services.definition import Program, ServiceError, ServiceSystem, name_of
from activities.services.launchd import Launchd
from activities.services.systemd import Systemd
from activities.services.task_scheduler import TaskScheduler

_LIBRARY = Path("/Library/Application Support/Tablao")


def system_here(*, for_user: bool) -> ServiceSystem:
    """Return this platform's way of services.

    Args:
        for_user: whether the services are those of the user who calls, not the machine's.

    Raises:
        ServiceError: Tablao knows none on this platform.
    """
    if sys.platform == "linux":
        home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return Systemd(
            home / "systemd" / "user" if for_user else systemd.SYSTEM_UNITS, for_user=for_user
        )
    if sys.platform == "darwin":
        if for_user:
            agents = Path.home() / "Library/LaunchAgents"
            return Launchd(agents, _user_logs(), f"gui/{os.getuid()}")
        return Launchd(launchd.SYSTEM_DAEMONS, launchd.SYSTEM_LOGS, "system")
    if sys.platform == "win32":
        domain = os.environ.get("USERDOMAIN", "")
        user = f"{domain}\\{getpass.getuser()}" if domain else getpass.getuser()
        return TaskScheduler(_config_folder(for_user=for_user), user)
    raise ServiceError(
        f"On this platform ({sys.platform}) Tablao knows no services. Start its programs by the "
        "system's own means."
    )


def log_folder(*, for_user: bool) -> Path | None:
    """Return the folder for the logs of services; None: the system keeps them itself."""
    if sys.platform != "darwin":
        return None
    return _user_logs() if for_user else launchd.SYSTEM_LOGS


def _user_logs() -> Path:
    return Path.home() / "Library/Logs/Tablao"


def data_dir_of(program: Program) -> Path:
    """Return the data directory of a service of the system that was given none."""
    if sys.platform == "linux":
        return Path("/var/lib") / name_of(program)
    return _config_folder(for_user=False) / str(program)


def token_file_of(program: Program, *, for_user: bool) -> Path:
    """Return where a service keeps its copy of a join token."""
    return _config_folder(for_user=for_user) / f"{program}-join-token"


def _config_folder(*, for_user: bool) -> Path:
    if for_user:
        return platformdirs.user_config_path("tablao", appauthor=False)
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", "C:\\ProgramData")) / "Tablao"
    return _LIBRARY if sys.platform == "darwin" else Path("/etc/tablao")
