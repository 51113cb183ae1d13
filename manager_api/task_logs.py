"""Task logs on disk: the manager's notes and the bytes of the hosts, attempt by attempt.

A task's log is a concatenation. Each attempt has three files, so that what a host repeats can be
told from what it adds, by its byte offset, and no note ever lands within the host's bytes:
what the manager noted before, what the host sent, what the manager noted afterwards.
"""

import asyncio
import codecs
import os
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

TAIL_BYTES = 2048
_BLOCK = 64 * 1024
#: Deleted jobs; what is on its way to their logs arrives within moments.
_REMEMBERED_JOBS = 10_000
_BEFORE, _HOST, _AFTER = range(3)
#: Writers of one file take turns; a lock for each file would have to be forgotten some day.
_LOCKS = tuple(threading.Lock() for _ in range(64))


class LogListener(Protocol):
    def log_grew(self, task_id: str, text: str) -> None:
        """Called in the event loop for everything that is appended to a log."""


@dataclass(frozen=True, slots=True)
class Note:
    """A line of the manager's in a task's log."""

    job_id: str
    task_id: str
    attempt: int
    text: str
    when: datetime
    after: bool
    """Behind the host's bytes of this attempt, not before them."""

    @property
    def line(self) -> str:
        when = self.when.astimezone().isoformat(timespec="milliseconds")
        return f"{when} {self.text}\n"


@dataclass(frozen=True, slots=True)
class _Part:
    path: Path
    size: int
    newline: bool
    """The next part begins on a new line."""

    @property
    def total(self) -> int:
        return self.size + self.newline


class TaskLogs:
    def __init__(self, root: Path, listener: LogListener | None = None) -> None:
        self._root = root
        self._listener = listener
        self._undecoded: dict[str, bytes] = {}
        """By task: the first bytes of a character whose others are still on the way."""
        self._forgotten: dict[str, None] = {}

    def listen(self, listener: LogListener) -> None:
        self._listener = listener

    def forget(self, job_id: str) -> None:
        """The job is being deleted: what still comes for its logs is dropped."""
        while len(self._forgotten) >= _REMEMBERED_JOBS:
            del self._forgotten[next(iter(self._forgotten))]
        self._forgotten[job_id] = None

    def job_directory(self, job_id: str) -> Path:
        return self._root / f"job-{job_id[:4]}" / job_id

    async def write_chunk(
        self, job_id: str, task_id: str, attempt: int, offset: int, data: bytes
    ) -> int:
        """Appends what is new of a host's bytes.

        Args:
            offset: of the first byte of `data` in what the host sends for this attempt, from 0.

        Returns:
            How many bytes of this attempt are stored. If that is less than `offset`, there is a
            gap, and nothing was written.
        """
        if job_id in self._forgotten:
            return offset + len(data)
        path = self._path(job_id, task_id, attempt, _HOST)
        received, fresh = await asyncio.to_thread(_append_at, path, offset, data)
        if fresh and self._listener is not None:
            self._listener.log_grew(task_id, self._decoded(task_id, fresh))
        return received

    async def append(self, job_id: str, task_id: str, attempt: int, text: str) -> None:
        """Adds whole lines of a worker that does not number what it sends."""
        if job_id in self._forgotten:
            return
        lines = text if text.endswith("\n") else f"{text}\n"
        path = self._path(job_id, task_id, attempt, _HOST)
        await asyncio.to_thread(_append, path, lines.encode(errors="replace"))
        if self._listener is not None:
            self._listener.log_grew(task_id, lines)

    async def note(self, note: Note) -> None:
        """Adds a line of the manager's. The same line at the same time is written once."""
        await self.note_all([note])

    async def note_all(self, notes: Sequence[Note]) -> None:
        """All of them in one go; one that cannot be written raises, and ends it."""
        wanted = [note for note in notes if note.job_id not in self._forgotten]
        for note in await asyncio.to_thread(self._write_notes, wanted):
            if self._listener is not None:
                self._listener.log_grew(note.task_id, note.line)

    def _write_notes(self, notes: Sequence[Note]) -> list[Note]:
        """Returns those that were new."""
        return [note for note in notes if _add_line(self._path_of(note), note.line)]

    def _path_of(self, note: Note) -> Path:
        section = _AFTER if note.after else _BEFORE
        return self._path(note.job_id, note.task_id, note.attempt, section)

    async def assigned(
        self, job_id: str, task_id: str, attempt: int, worker: str, worker_id: str, when: datetime
    ) -> None:
        """Notes once who was given this attempt."""
        path = self._path(job_id, task_id, attempt, _BEFORE)
        text = f"Task assigned to worker {worker} ({worker_id})"
        if not await asyncio.to_thread(_contains, path, text):
            await self.note(Note(job_id, task_id, attempt, text, when, after=False))

    async def size(self, job_id: str, task_id: str, attempts: int) -> int:
        """In bytes; 0 if there is no log.

        Args:
            attempts: the latest attempt that is known of. A few more are looked for, because
                the log may be ahead of the database.
        """
        parts = await asyncio.to_thread(self._parts, job_id, task_id, attempts)
        return sum(part.total for part in parts)

    async def tail(self, job_id: str, task_id: str, attempts: int) -> str:
        """The last 2048 bytes from the first full line on; the whole log if it is smaller."""
        return await asyncio.to_thread(self._tail, job_id, task_id, attempts)

    async def stream(
        self, job_id: str, task_id: str, attempts: int, size: int
    ) -> AsyncIterator[bytes]:
        """The first `size` bytes, which `size()` has told."""
        parts = await asyncio.to_thread(self._parts, job_id, task_id, attempts)
        blocks = _blocks(parts)
        while size > 0 and (block := await asyncio.to_thread(next, blocks, b"")):
            yield block[:size]
            size -= len(block)

    def _path(self, job_id: str, task_id: str, attempt: int, section: int) -> Path:
        return self.job_directory(job_id) / f"task-{task_id}.{attempt:06d}-{section}.txt"

    def _parts(self, job_id: str, task_id: str, attempts: int) -> list[_Part]:
        # The paths are known, so nothing lists a directory of three files for each task.
        paths = (
            self._path(job_id, task_id, attempt, section)
            for attempt in range(attempts + 3)
            for section in (_BEFORE, _HOST, _AFTER)
        )
        parts = [part for path in paths if (part := _part(path)) is not None]
        if parts:
            # Nothing follows the last one yet; its host may be in the middle of a line.
            parts[-1] = _Part(parts[-1].path, parts[-1].size, newline=False)
        return parts

    def _tail(self, job_id: str, task_id: str, attempts: int) -> str:
        wanted, pieces = TAIL_BYTES, []
        parts = self._parts(job_id, task_id, attempts)
        for part in reversed(parts):
            if wanted <= 0:
                break
            piece = _last_bytes(part, wanted)
            pieces.append(piece)
            wanted -= len(piece)
        tail = b"".join(reversed(pieces))[-TAIL_BYTES:]
        if sum(part.total for part in parts) > TAIL_BYTES:
            _, newline, rest = tail.partition(b"\n")
            tail = rest if newline else tail
        return tail.decode(errors="replace")

    def _decoded(self, task_id: str, data: bytes) -> str:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        text = decoder.decode(self._undecoded.pop(task_id, b"") + data)
        if undecoded := decoder.getstate()[0]:
            self._undecoded[task_id] = undecoded
        return text


def _append_at(path: Path, offset: int, data: bytes) -> tuple[int, bytes]:
    """Returns the file's size afterwards, and what of `data` was new."""
    with _lock_of(path):
        size = path.stat().st_size if path.exists() else 0
        fresh = data[size - offset :] if offset <= size else b""
        if not fresh:
            return size, b""
        with _opened(path) as file:
            file.seek(size)
            file.write(fresh)
        return size + len(fresh), fresh


def _append(path: Path, data: bytes) -> None:
    with _lock_of(path), _opened(path) as file:
        file.seek(0, os.SEEK_END)
        file.write(data)


def _add_line(path: Path, line: str) -> bool:
    with _lock_of(path):
        if path.exists() and line in path.read_text(encoding="utf-8"):
            return False
        with _opened(path) as file:
            file.seek(0, os.SEEK_END)
            file.write(line.encode(errors="replace"))
        return True


def _contains(path: Path, text: str) -> bool:
    return path.exists() and text in path.read_text(encoding="utf-8")


def _lock_of(path: Path) -> threading.Lock:
    return _LOCKS[hash(path) % len(_LOCKS)]


def _opened(path: Path) -> BinaryIO:
    """For writing anywhere, and without emptying it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    return os.fdopen(descriptor, "r+b")


def _part(path: Path) -> _Part | None:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if not size:
                return None
            file.seek(size - 1)
            return _Part(path, size, newline=file.read(1) != b"\n")
    except FileNotFoundError:
        return None


def _last_bytes(part: _Part, count: int) -> bytes:
    with part.path.open("rb") as file:
        file.seek(max(0, part.size - count))
        return file.read(min(count, part.size)) + b"\n" * part.newline


def _blocks(parts: list[_Part]) -> Iterator[bytes]:
    for part in parts:
        left = part.size
        with part.path.open("rb") as file:
            while left > 0 and (block := file.read(min(_BLOCK, left))):
                yield block
                left -= len(block)
        if part.newline:
            yield b"\n"
