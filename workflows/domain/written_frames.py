"""What a task's log says about the frames that its tries have written.

A host logs each frame when Blender has saved it, with the file's size and time. At a later try,
the manager reads these lines, so that the next host accepts the frames that this job wrote, and no
other ones.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

#: The setting of a job that keeps all whole frames that are there, also those of other jobs.
KEEPS_FRAMES = "keep_existing_frames"

_BEGINNING = "frame written: "
#: The beginning of such a line in a log on disk.
MARK = _BEGINNING.encode()
#: Most frames that count; a task of more frames renders the older ones again.
MOST = 20_000
#: The longest path in bytes; no file system has longer ones.
_LONGEST_PATH = 4096
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class WrittenFrame:
    """A frame's file as it was when it was written."""

    file: str
    """The absolute path, on the machine that wrote the file."""
    size: int
    """In bytes."""
    modified_ns: int
    """The time of the last change, in nanoseconds since 1970, as the file system has it."""

    def log_line(self) -> str:
        """Return the line for the task's log, all of it ASCII."""
        return f"{_BEGINNING}{json.dumps([self.file, self.size, self.modified_ns])}"

    @classmethod
    def checked(cls, value: object) -> "WrittenFrame":
        """Return a frame from JSON that came from outside: file, size and time.

        Raises:
            ValueError: it is none.
        """
        match value:
            case [str(file), int(size), int(modified)]:
                is_path = 0 < len(file) <= _LONGEST_PATH and "\0" not in file
                if is_path and 0 <= size <= _LARGEST and abs(modified) <= _LARGEST:
                    return cls(file, size, modified)
        raise ValueError("this is no written frame")


def read_log_lines(lines: Iterable[bytes]) -> list[WrittenFrame]:
    """Return the written frames in the lines of a log, the newest `MOST` of them, oldest first.

    Lines of a program have a prefix in the log, so that no program can write such a line.
    """
    found: dict[str, WrittenFrame] = {}
    for line in lines:
        if not line.startswith(MARK):
            continue
        try:
            frame = WrittenFrame.checked(json.loads(line[len(MARK) :]))
            frame.file.encode()
        except (ValueError, RecursionError):  # cut off, or a name that is no UTF-8
            continue
        found.pop(frame.file, None)
        found[frame.file] = frame
    return list(found.values())[-MOST:]


@dataclass(frozen=True, slots=True)
class ExistingFrames:
    """Which of the files that a try finds count as its frames."""

    are_all_kept: bool = True
    """Whether every whole file counts, also those of other jobs.

    The default is for managers of older builds, which do not say it.
    """
    written: tuple[WrittenFrame, ...] = field(default=())
    """Frames that earlier tries of the same task wrote."""
