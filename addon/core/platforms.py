"""This machine's operating system in the API's words."""

import sys


def this_platform() -> str:
    """Return `linux`, `windows` or `darwin`, the value of a job's `submitter_platform`."""
    if sys.platform.startswith("win"):
        return "windows"
    return "darwin" if sys.platform == "darwin" else "linux"
