"""What this machine's platform is called."""

import platform


def managers_platform() -> str:
    """Spelled as workers and the add-on spell theirs: linux, windows, darwin."""
    return platform.system().lower()
