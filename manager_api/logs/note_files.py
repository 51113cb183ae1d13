"""The files of the manager's notes in a task's log: lines in the order of their times."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from manager_api.logs.bounded_log import lock_of, opened
from manager_api.whole_files import write_whole


def add_line(path: Path, line: str) -> bool:
    """Add a line in the order of times; return False if the file has it already."""
    with lock_of(path):
        written = path.read_text(encoding="utf-8") if path.exists() else ""
        if line in written:
            return False
        lines = written.splitlines(keepends=True)
        place = _place_of(line, lines)
        if place < len(lines):
            # Notes of one moment come from several places, in any order.
            changed = "".join([*lines[:place], line, *lines[place:]])
            write_whole(path, changed.encode(errors="replace"))
            return True
        with opened(path) as file:
            file.seek(0, os.SEEK_END)
            file.write(line.encode(errors="replace"))
        return True


def _place_of(line: str, lines: Sequence[str]) -> int:
    """Return the index of the first line that is later."""
    when = _time_of(line)
    place = len(lines)
    for number in reversed(range(len(lines))):
        time = _time_of(lines[number])
        if time is None:
            continue
        if when is None or time <= when:
            break
        place = number
    return place


def _time_of(line: str) -> datetime | None:
    """Return the time of a note; None for a further line of a note's text."""
    try:
        time = datetime.fromisoformat(line.partition(" ")[0])
    except ValueError:
        return None
    return time if time.tzinfo else None


def contains(path: Path, text: str) -> bool:
    return path.exists() and text in path.read_text(encoding="utf-8")
