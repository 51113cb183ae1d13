"""Creates the folders that the settings name."""

import os
from pathlib import Path

from activities.process.layered_settings import SettingsError
from manager_api.settings.model import ManagerSettings
from manager_api.settings.private_files import keep_private
from manager_api.settings.storage_marker import mark


class FolderNotMade(SettingsError):
    """A folder cannot be used now. It may be of a disk that is not mounted yet."""


def make_storage_folders(settings: ManagerSettings) -> None:
    """Create the data directory and the folders for jobs' files and the manager's files.

    Other users of the machine can read jobs' files only. The shared storage gets its marker.

    Raises:
        FolderNotMade: one of them cannot be created, or is the manager's own and not writable; the
            message names the setting.
    """
    folders = {
        "data_dir": settings.data_dir,
        "shared_storage_path": settings.jobs_path,
        "local_manager_storage_path": settings.local_manager_storage_path,
    }
    for name, folder in folders.items():
        is_own = name != "shared_storage_path"
        _make(name, folder, 0o700 if is_own else 0o777)
        # A storage that only workers can write to is a choice of the studio's.
        if is_own and not os.access(folder, os.W_OK | os.X_OK):
            raise FolderNotMade(f"Setting {name}: this user may not write into {folder}.")
    keep_private(settings)
    mark(settings)


def _make(name: str, folder: Path, mode: int) -> None:
    try:
        folder.mkdir(mode, parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise FolderNotMade(f"Setting {name}: {folder} cannot be made: {error}.") from error
