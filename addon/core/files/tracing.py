"""Finds the files that a .blend file needs, in another process, which a cancel stops."""

import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..progress import Canceled, Progress
from .errors import FilesError
from .pack import MissingFile, Pack, PackedFile
from .programs import tracing_program
from .sources import stamp_of

#: The longest time until a cancel is noticed.
_ASK_EVERY_S = 0.2


@contextlib.contextmanager
def packed(
    blendfile: Path, project_root: Path, progress: Progress, is_canceled: Callable[[], bool]
) -> Iterator[Pack]:
    """Find all files of a job's pack. Copies with changed paths exist until the context ends.

    Raises:
        FilesError: a file cannot be read.
        Canceled: is_canceled() returned True.
    """
    blendfile, project_root = _absolute(blendfile, project_root)
    with _scratch() as scratch:
        answer = _ask("pack", blendfile, project_root, scratch, progress, is_canceled)
        # BAT names a file as often as it is used.
        by_target = {target: Path(source) for source, target in answer["files"]}
        files = tuple(PackedFile(source, target) for target, source in by_target.items())
        yield Pack(answer["blendfile"], files)


def missing(blendfile: Path, is_canceled: Callable[[], bool]) -> tuple[MissingFile, ...]:
    """Return the missing files that the .blend file, and its linked libraries, refer to.

    Raises:
        FilesError: a file cannot be read.
        Canceled: is_canceled() returned True.
    """
    blendfile, folder = _absolute(blendfile, blendfile.parent)
    with _scratch() as scratch:
        answer = _ask("missing", blendfile, folder, scratch, lambda *_: None, is_canceled)
    return tuple(MissingFile(path, used_by) for path, used_by in sorted(answer["missing"]))


def _absolute(blendfile: Path, project_root: Path) -> tuple[Path, Path]:
    """Return both paths as absolute paths, the file's folder if the root does not hold the file.

    Links are followed in both paths or in neither, so that one path is within the other.

    Raises:
        FilesError: the file does not exist, or may not be read.
    """
    blendfile, project_root = Path(os.path.abspath(blendfile)), Path(os.path.abspath(project_root))
    stamp_of(blendfile)
    if blendfile.is_relative_to(project_root):
        return blendfile, project_root
    if blendfile.resolve().is_relative_to(project_root.resolve()):
        return blendfile.resolve(), project_root.resolve()
    return blendfile, blendfile.parent


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tablao-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


def _ask(
    what: str,
    blendfile: Path,
    project_root: Path,
    scratch: Path,
    progress: Progress,
    is_canceled: Callable[[], bool],
) -> Any:
    program = tracing_program()
    request = {
        "what": what,
        "blendfile": str(blendfile),
        "project_root": str(project_root),
        "scratch": str(scratch),
        "wheels": program.wheels,
    }
    command = [*program.command, json.dumps(request)]
    lines = _Lines()
    for line in _output(command, scratch, is_canceled):
        lines.take(line, progress)
    try:
        return json.loads((scratch / "answer.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FilesError(f"{blendfile.name} cannot be looked through: {lines.reason}") from None


class _Lines:
    """Reads the process's output: steps, the error, and other lines that Blender prints."""

    def __init__(self) -> None:
        self._wrong = ""
        self._last = ""

    @property
    def reason(self) -> str:
        return self._wrong or self._last or "it gave no reason"

    def take(self, line: str, progress: Progress) -> None:
        kind, _, text = line.partition(": ")
        if kind == "step":
            progress(f"Looking through {text}", 0, 0)
        elif kind == "wrong":
            self._wrong = text
        elif line:
            self._last = line


def _output(command: list[str], scratch: Path, is_canceled: Callable[[], bool]) -> Iterator[str]:
    """Yield the lines of the process's output. The process has ended when this ends."""
    environment = os.environ | {"PYTHONUTF8": "1", "TMPDIR": str(scratch), "TEMP": str(scratch)}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            # On Windows a command-line program would open a window.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise FilesError(f"{command[0]} does not start: {error.strerror}") from error
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    try:
        yield from _until_end(lines, is_canceled)
        process.wait()
    finally:
        process.kill()
        process.wait()
        reader.join()


def _read(process: "subprocess.Popen[bytes]", lines: "queue.Queue[str | None]") -> None:
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            lines.put(line.decode(errors="replace").strip())
    lines.put(None)


def _until_end(lines: "queue.Queue[str | None]", is_canceled: Callable[[], bool]) -> Iterator[str]:
    while True:
        if is_canceled():
            raise Canceled
        try:
            line = lines.get(timeout=_ASK_EVERY_S)
        except queue.Empty:
            continue
        if line is None:
            return
        yield line
