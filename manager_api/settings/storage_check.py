"""Checks whether a path can be the shared storage."""

import tempfile
from pathlib import Path

from manager_api.settings.model import ManagerSettings
from manager_api.settings.paths import expanded_path


def why_no_storage(path: str, settings: ManagerSettings) -> str:
    """Return why a path cannot be the shared storage, as a sentence; empty if it can.

    This writes a file there and removes it. Call it in a thread: the storage may be slow.

    Args:
        path: a path as in the settings; it may have variables.
    """
    if not path.strip():
        return "An empty path is not suitable as shared storage."
    if path.startswith(("\\\\", "//")):
        return (
            "A UNC path is not suitable as shared storage, because not every program takes it; "
            "give it a drive letter or mount it."
        )
    try:
        location = Path(expanded_path(path, settings.variables)).expanduser()
    except (ValueError, RuntimeError) as refusal:
        return f"{refusal}".rstrip(".").capitalize() + "."
    return _why_not_at(location, settings)


def _why_not_at(location: Path, settings: ManagerSettings) -> str:
    if not location.is_absolute():
        return "A path that begins at / is needed: others have other current directories."
    try:
        if not location.exists():
            return "This path does not exist. Choose an existing directory."
        if not location.is_dir():
            return "This path is a file. Choose a directory."
        if location.resolve() in {settings.data_dir.resolve(), Path.cwd().resolve()}:
            return "This is the manager's own directory. Choose one for the files of jobs alone."
        with tempfile.TemporaryFile(dir=location):
            return ""
    except OSError as error:
        return f"No file can be written there: {error.strerror or error}."
