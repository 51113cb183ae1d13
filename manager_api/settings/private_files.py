"""Keeps the manager's own files from other users of its machine.

They hold the hashes of secrets, passwords of settings, and the artists' data. Only the shared
storage is for other users: render machines may run as them. Windows has no such modes, and there
nothing is done.
"""

import contextlib
import logging
import os
import stat
from pathlib import Path

from sqlalchemy import make_url

from manager_api.settings.model import DATABASE_MARK, SETTINGS_FILE, TLS, WORKERS, ManagerSettings

#: The manager's own files and folders in the data directory, besides those that settings name.
_OWN = (SETTINGS_FILE, "temporal", "logs", DATABASE_MARK, WORKERS, TLS)
#: The files that SQLite keeps beside a database.
_BESIDE = ("", "-wal", "-shm", "-journal")
_FILE, _FOLDER, _PASSAGE = 0o600, 0o700, 0o711

logger = logging.getLogger(__name__)


def keep_private(settings: ManagerSettings) -> None:
    """Take the manager's own files and folders from all users but its own. Blocks.

    A shared storage in the data directory stays reachable: others may go through the directory, but
    not list it. Folders that the settings put elsewhere keep their modes.
    """
    if os.name == "nt":
        return
    data_dir = settings.data_dir
    _restrict(data_dir, _PASSAGE if _has_shared_storage(settings) else _FOLDER)
    own = [data_dir / name for name in _OWN]
    if settings.local_manager_storage_path.is_relative_to(data_dir):
        own.append(settings.local_manager_storage_path)
    for path in own:
        _restrict(path, _FOLDER if path.is_dir() else _FILE)
    _keep_database_private(settings.database_url)


def _keep_database_private(database_url: str) -> None:
    """Restrict an SQLite file and the files beside it; SQLite gives new ones the same mode."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    # Made here, because SQLite would let everybody read a new file until it is restricted.
    with contextlib.suppress(OSError):
        os.close(os.open(url.database, os.O_WRONLY | os.O_CREAT, _FILE))
    for ending in _BESIDE:
        _restrict(Path(f"{url.database}{ending}"), _FILE)


def _has_shared_storage(settings: ManagerSettings) -> bool:
    """Return whether files for render machines are in the data directory, also of older jobs."""
    default = settings.data_dir / ManagerSettings.model_fields["shared_storage_path"].default
    return settings.shared_storage_path.is_relative_to(settings.data_dir) or default.is_dir()


def _restrict(path: Path, mode: int) -> None:
    try:
        found = path.stat()
        if stat.S_IMODE(found.st_mode) == mode or found.st_mode & stat.S_ISVTX:
            return  # a folder like /tmp belongs to all users
        path.chmod(mode)
    except FileNotFoundError:
        return
    except OSError as error:
        logger.warning(
            "other users may read the manager's files",
            extra={"path": str(path), "reason": str(error)},
        )
