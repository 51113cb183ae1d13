"""Keeps the logs of child processes from growing without end."""

import os
import shutil
from pathlib import Path

#: A larger log is rotated.
MAX_BYTES = 10 * 2**20
#: The number of older logs that are kept: `.1` is the newest.
KEPT = 4


def rotate_if_large(log: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
    """Copy a large log and empty it. Its writer goes on writing to the same open file.

    So this process may end and the writer goes on. A line that is written between copying and
    emptying, within moments, is lost.

    Raises:
        OSError: it cannot be copied. Then nothing is changed.
    """
    try:
        if log.stat().st_size <= max_bytes:
            return
    except FileNotFoundError:
        return
    copy = log.with_name(f"{log.name}.copy")
    try:
        shutil.copyfile(log, copy)
    except OSError:
        copy.unlink(missing_ok=True)
        raise
    for number in range(kept - 1, 0, -1):
        if (older := _numbered(log, number)).exists():
            older.replace(_numbered(log, number + 1))
    copy.replace(_numbered(log, 1))
    os.truncate(log, 0)


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
