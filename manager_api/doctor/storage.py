"""Looks at the shared storage and at the manager's own folders: there, writable, with free space.

Looks may hang, as on a lost mount, so each is made by `HangingCalls`.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from activities.process.examining import Check, HangingCalls
from manager_api.settings.model import ManagerSettings
from manager_api.settings.storage_check import why_no_storage
from manager_api.settings.storage_marker import found_id, marked_id, note_of
from workflows.domain import doctor_rules as rules
from workflows.domain.doctor import Finding, broken, fine, to_look_at
from workflows.domain.storage_marker import NAME

STORAGE, STORAGE_SPACE = "storage", "storage.space"
DATA_DIRECTORY, LOGS = "data-directory", "logs"

_MOUNT = "Mount the storage there, let the manager's user write to it, or change the setting."


def storage_checks(settings: ManagerSettings, calls: HangingCalls) -> list[Check]:
    storage = settings.shared_storage_path
    own = settings.local_manager_storage_path

    def look(check: str, where: Path, at: Callable[[], Finding]) -> Check:
        async def examine() -> Sequence[Finding]:
            return [await calls.call(f"{where} ({check})", at)]

        return Check((check,), examine)

    return [
        look(STORAGE, storage, lambda: storage_is_there(settings)),
        look(STORAGE_SPACE, storage, lambda: _space(STORAGE_SPACE, storage)),
        look(DATA_DIRECTORY, settings.data_dir, lambda: _own(DATA_DIRECTORY, settings.data_dir)),
        look(LOGS, own, lambda: _own(LOGS, own)),
    ]


def storage_is_there(settings: ManagerSettings) -> Finding:
    """Judge whether the shared storage is the one that the manager has marked. Blocks."""
    path = settings.shared_storage_path
    if why := why_no_storage(str(path), settings):
        return broken(STORAGE, f"The shared storage is {path}. {why}", _MOUNT)
    known, found = marked_id(settings.data_dir, path), found_id(path)
    note = note_of(settings.data_dir)
    if not known:
        return to_look_at(
            STORAGE,
            f"The shared storage {path} has no marker {NAME} of this manager, so hosts cannot see "
            "whether it is mounted.",
            "Restart the manager, which writes the marker.",
        )
    if not found:
        return broken(
            STORAGE,
            f"{path} has no marker {NAME}, but the shared storage had one: it is not mounted.",
            f"Mount the shared storage. If it is a new one, delete {note} and restart the manager.",
        )
    if found != known:
        return broken(
            STORAGE,
            f"At {path} is another storage than the one that the manager has marked.",
            f"Mount the right storage. If this is it, delete {note} and restart the manager.",
        )
    return fine(STORAGE, f"The shared storage {path} has its marker, and files can be written.")


def _own(check: str, folder: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            # An empty file can be made on a full disk, too.
            file.write(b"\0" * 65_536)
            file.flush()
    except OSError as error:
        return broken(
            check,
            f"No file can be written in {folder}: {error.strerror or error}.",
            f"Free some space on the disk of {folder}, and let the manager's user write there.",
        )
    return _space(check, folder)


def _space(check: str, folder: Path) -> Finding:
    try:
        disk = shutil.disk_usage(folder)
    except OSError as error:
        return broken(check, f"{folder} cannot be looked at: {error.strerror or error}.", _MOUNT)
    return rules.space(check, str(folder), disk.free, disk.total)
