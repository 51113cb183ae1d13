"""The address that the manager wrote into the add-on that it gave away."""

from pathlib import Path

from .core.addresses import BadAddress, normalized

_FILE = Path(__file__).with_name("manager_address.txt")
_LOCAL = "http://localhost:8080"


def default_address(file: Path = _FILE) -> str:
    """Of a manager on this machine, if no manager wrote one."""
    try:
        return normalized(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, BadAddress):
        return _LOCAL
