"""Would this path do as the shared storage? The answer is a sentence; empty means yes."""

import tempfile
from pathlib import Path

from manager_api.settings.model import ManagerSettings, expanded_path


def why_no_storage(path: str, settings: ManagerSettings) -> str:
    """Writes a file there and removes it: call it in a thread, the path may be far away.

    Args:
        path: As the settings take it, with variables.
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
