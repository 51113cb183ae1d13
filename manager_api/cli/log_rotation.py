"""Keeps the logs of child processes from growing without end."""

import os
import shutil
from pathlib import Path

#: Of one log, before it is begun anew.
MAX_BYTES = 10 * 2**20
#: Older ones that are kept: `.1` is the newest.
KEPT = 4


def rotate_if_large(log: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
    """Copies it and empties it: its writer goes on with the open file, at the end of it.

    So a writer survives whoever does this; what it writes in between, within moments, is lost.
    """
    try:
        if log.stat().st_size <= max_bytes:
            return
    except FileNotFoundError:
        return
    for number in range(kept - 1, 0, -1):
        if (older := _numbered(log, number)).exists():
            older.replace(_numbered(log, number + 1))
    shutil.copyfile(log, _numbered(log, 1))
    os.truncate(log, 0)


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
