"""The manager's default address: the manager writes its own into the zip that it serves."""

from pathlib import Path

from .core.addresses import BadAddress, normalized

_FILE = Path(__file__).with_name("manager_address.txt")
_LOCAL = "http://localhost:8080"


def default_address(file: Path = _FILE) -> str:
    """Return the address in `file`; without a valid one, that of a manager on this machine."""
    try:
        return normalized(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, BadAddress):
        return _LOCAL
