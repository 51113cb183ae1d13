"""The name of this machine's platform."""

import platform


def managers_platform() -> str:
    """Return the platform, spelled as workers and the add-on spell it: linux, windows, darwin."""
    return platform.system().lower()
