"""Sets aside the frames that a try finds and that do not count, so that Blender renders them.

Blender skips a frame whose file exists. A file counts if it is whole, and if an earlier try of the
same task wrote it, or if the job keeps all frames that are there. Standard library only.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from worker_host import processes
from worker_host.commands.parameters import CommandFailed
from workflows.domain.frame_files import frame_files
from workflows.domain.whole_images import why_not_whole
from workflows.domain.written_frames import ExistingFrames, WrittenFrame

#: What a file that is not whole is renamed to.
INCOMPLETE = ".incomplete"
#: What a whole file is renamed to that counts as another job's, or as an older rendering.
PREVIOUS = ".previous"
#: The most bytes in the name of a file, and how many characters at its end stay in any case.
_LONGEST_NAME, _NAMES_END = 255, 40
#: Blender's suffixes of the files of a stereo frame.
_VIEWS = ("", "_L", "_R")


class FramesFound:
    """The files that one try has found or written, over all of its commands."""

    def __init__(
        self, existing: ExistingFrames, log: Callable[[str], None], notes: str = os.devnull
    ) -> None:
        """
        Args:
            existing: what earlier tries have written, and whether other files count, too.
            log: gets sentences for the task's log.
            notes: the file for what is set aside, from which `put_back` reads it.
        """
        self._existing = existing
        self._notes = notes
        self._written = {frame.file: frame for frame in existing.written}
        self._log = log
        self._new: dict[str, None] = {}
        """The frames that this try has written."""
        self._aside: dict[str, str] = {}
        """The files that were set aside, by their earlier path."""

    def why_not_counted(self, path: str) -> str:
        """Return why Blender must not skip a frame because of this file; empty if it may."""
        return why_not_there(path) or self._why_not_ours(path)

    def _why_not_ours(self, path: str) -> str:
        written = self._written.get(path)
        if self._existing.are_all_kept or (written and written == written_frame(path)):
            return ""
        return "no earlier try of this task has written it as it is now"

    def note_written(self, path: str) -> None:
        """Note a frame that Blender has saved: it counts from now on, in later tries, too."""
        if frame := written_frame(path):
            self._written[path] = frame
            self._new[path] = None
            self._log(frame.log_line())

    def look(self, output: str, image_format: str, frames: Sequence[int] | None) -> None:
        """Set aside those of the task's frames that do not count, before Blender begins.

        Frames whose names cannot be foretold are noticed when Blender skips them.
        """
        files = frame_files({"render_output_path": output, "format": image_format})
        if files is None or not os.path.isabs(output):
            return
        views = [replace(files, view=view) for view in _VIEWS]
        for frame in frames or ():
            for view in views:
                path = os.path.join(files.directory, view.name(frame))
                if os.path.lexists(path) and (why := self.why_not_counted(path)):
                    self._log(self.set_aside(path, why))

    def set_aside(self, path: str, why: str) -> str:
        """Rename a file that does not count; return a sentence about it.

        Raises:
            CommandFailed: it cannot be renamed.
        """
        new = _aside(path, INCOMPLETE if why_not_there(path) else PREVIOUS)
        self._note_aside(path, new)
        try:
            processes.replace_file(path, new)
        except FileNotFoundError:
            return f'"{path}" does not count, because {why}'
        except OSError as error:
            raise CommandFailed(f'"{path}" cannot be renamed: {error.strerror}') from error
        self._aside[path] = new
        return f'"{path}" was there, but {why}; it is now "{new}"'

    def _note_aside(self, path: str, new: str) -> None:
        # On a full disk there is no note; the frame is rendered again anyway.
        with contextlib.suppress(OSError), open(self._notes, "a", encoding="utf-8") as file:
            file.write(json.dumps([path, new]) + "\n")

    def set_new_aside(self, why: str) -> None:
        """Set aside the frames that this try has written, so that the next try renders them."""
        for path in self._new:
            self._log(self.set_aside(path, why))

    def drop(self, path: str) -> None:
        """Remove a file that Blender has just saved, but of another scene or in another format."""
        _remove(path)
        self._log(f'"{path}" was removed, because it is not what the job asks for')

    def finish(self, saved: Iterable[str]) -> None:
        """Remove what newer files have replaced; put whole files back that none has replaced."""
        for path in saved:
            for suffix in (INCOMPLETE, PREVIOUS):
                if not why_not_there(path):
                    _remove(_aside(path, suffix))
        for path, new in self._aside.items():
            if why := _put_back(path, new):
                self._log(why)


def put_back(notes: str) -> None:
    """Put whole files back that a try has set aside and not replaced; it was killed meanwhile.

    Args:
        notes: the file that the try's `FramesFound` has written; it may be missing or cut off.
    """
    try:
        with open(notes, encoding="utf-8") as file:
            lines = file.readlines()
    except (OSError, ValueError):
        return
    for line in lines:
        with contextlib.suppress(ValueError):
            path, new = json.loads(line)
            _put_back(path, new)


def _put_back(path: str, new: str) -> str:
    """Give a frame its name back, if it is whole and none has replaced it; return why not."""
    if not new.endswith(PREVIOUS) or os.path.lexists(path) or not os.path.exists(new):
        return ""
    try:
        os.rename(new, path)
    except OSError as error:
        return f'"{new}" cannot be renamed back: {error.strerror}'
    return ""


def _aside(path: str, suffix: str) -> str:
    """Return what a file is renamed to; a name that gets too long loses a part before its end."""
    folder, name = os.path.split(path)
    surplus = len(os.fsencode(name + suffix)) - _LONGEST_NAME
    if surplus <= 0:
        return path + suffix
    cut = max(0, len(name) - _NAMES_END - surplus)
    return os.path.join(folder, name[:cut] + name[-_NAMES_END:] + suffix)


def why_not_there(path: str) -> str:
    """Return why the file is no whole frame; empty if it is one, as far as its format tells."""
    try:
        with open(path, "rb") as file:
            return why_not_whole(file, os.path.basename(path))
    except (FileNotFoundError, ValueError):  # the latter for a name with a zero byte
        return "there is no such file"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def written_frame(path: str) -> WrittenFrame | None:
    """Return a frame's file as it is now; None if it is not there, or its path is not absolute."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return None
    if not os.path.isabs(path):
        return None
    return WrittenFrame(path, state.st_size, state.st_mtime_ns)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        # It was not there, nearly always. Otherwise it stays beside the new frame.
        return
