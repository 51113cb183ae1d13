"""The manager's default address and authority: the manager puts its own into the zip it serves."""

from pathlib import Path

from .core.addresses import BadAddress, normalized

_FILE = Path(__file__).with_name("manager_address.txt")
_AUTHORITY = Path(__file__).with_name("manager_authority.pem")
_LOCAL = "http://localhost:8080"


def default_address(file: Path = _FILE) -> str:
    """Return the address in `file`; without a valid one, that of a manager on this machine."""
    try:
        return normalized(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, BadAddress):
        return _LOCAL


def default_authority(file: Path = _AUTHORITY) -> str:
    """Return the path of `file`; empty if the manager has no authority of its own."""
    return str(file) if file.is_file() else ""
