"""Task logs on disk: the manager's notes and the bytes of the hosts, attempt by attempt.

A task's log is a concatenation. Each attempt has three files: the manager's notes from before, the
host's bytes, and the manager's notes from afterwards. So a byte offset shows which of the host's
bytes are repeated, and no note gets between the host's bytes. The size of a host's bytes is limited
(`bounded_log`), and so is the number of tries that are kept.
"""

import asyncio
import codecs
import contextlib
import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from manager_api.logs.bounded_log import BoundedLog, Stretch
from manager_api.logs.note_files import add_line, contains
from manager_api.settings.model import ManagerSettings
from workflows.domain.bounded_dict import BoundedDict
from workflows.domain.written_frames import MARK, WrittenFrame, read_log_lines

TAIL_BYTES = 2048
#: Of a part of a long log, the bytes at its beginning and at its end that are searched for causes.
_END_BYTES = 2**20
_BLOCK = 64 * 1024
#: Deleted jobs whose late log pieces are dropped. Such pieces arrive within moments.
_REMEMBERED_JOBS = 10_000
#: Matches the file names of `TaskLogs._path`.
_FILE_NAME = re.compile(r"task-([0-9a-f-]{36})\.(\d+)-")
#: Matches the line of `TaskLogs.assigned`.
_ASSIGNED = re.compile(r"^(\S+) Task assigned to worker .* \(([0-9a-f-]{36})\)$", re.MULTILINE)
_BEFORE, _HOST, _AFTER = _SECTIONS = range(3)
#: Tries after the database's last one that are looked for, too: a log may be ahead of the database.
_LATER_TRIES = 3

logger = logging.getLogger(__name__)


class LogListener(Protocol):
    def log_grew(self, task_id: str, attempt: int, text: str) -> None:
        """Receive everything that is appended to a log; called in the event loop."""


@dataclass(frozen=True, slots=True)
class Note:
    """A line of the manager in a task's log."""

    job_id: str
    task_id: str
    attempt: int
    text: str
    when: datetime
    after: bool
    """Whether the line stands after the host's bytes of this attempt, not before them."""

    @property
    def line(self) -> str:
        when = self.when.astimezone().isoformat(timespec="milliseconds")
        return f"{when} {self.text}\n"


@dataclass(frozen=True, slots=True)
class Assignment:
    """An attempt was given to a worker."""

    when: datetime
    worker_id: str


@dataclass(frozen=True, slots=True)
class TryOfTask:
    job_id: str
    task_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class LogLimits:
    """Limits of one task's log."""

    try_bytes: int = 50 * 2**20
    """Bytes of a host's log of one try."""
    tries: int = 10
    """The number of tries that are kept, the newest ones."""


def log_limits(settings: ManagerSettings) -> LogLimits:
    return LogLimits(settings.task_log_max_bytes, settings.task_log_tries)


@dataclass(frozen=True, slots=True)
class _Part:
    stretch: Stretch
    newline: bool = False
    """Whether a line break is added, so that the next part begins on a new line."""

    @property
    def total(self) -> int:
        return self.stretch.size + self.newline


class TaskLogs:
    def __init__(
        self,
        root: Path,
        listener: LogListener | None = None,
        limits: Callable[[], LogLimits] = LogLimits,
    ) -> None:
        """
        Args:
            root: the folder of all task logs.
            listener: receives what is appended to logs.
            limits: returns the limits; called at each use, so a changed setting counts at once.
        """
        self._root = root
        self._listener = listener
        self._limits = limits
        self._undecoded: dict[str, bytes] = {}
        """The first bytes of a character that is not complete yet, by task id."""
        self._forgotten: BoundedDict[str, None] = BoundedDict(_REMEMBERED_JOBS)

    def listen(self, listener: LogListener) -> None:
        self._listener = listener

    def forget(self, job_id: str) -> None:
        """Drop everything that still arrives for the logs of a job that is being deleted."""
        self._forgotten[job_id] = None

    def job_directory(self, job_id: str) -> Path:
        return self._root / f"job-{job_id[:4]}" / job_id

    def newest_attempts(self, job_id: str) -> dict[str, int]:
        """Return the last attempt that has a log file, by task id. Blocks."""
        newest: dict[str, int] = {}
        with (
            contextlib.suppress(FileNotFoundError),
            os.scandir(self.job_directory(job_id)) as files,
        ):
            for file in files:
                if found := _FILE_NAME.match(file.name):
                    task_id, attempt = found[1], int(found[2])
                    newest[task_id] = max(newest.get(task_id, 0), attempt)
        return newest

    async def write_chunk(
        self, job_id: str, task_id: str, attempt: int, offset: int, data: bytes
    ) -> int:
        """Append the bytes of a host that are new.

        Args:
            offset: the position of the first byte of `data` in all bytes of this attempt, from 0.

        Returns:
            How many bytes of this attempt are stored. If that is less than `offset`, there is a
            gap, and nothing was written.
        """
        if job_id in self._forgotten:
            return offset + len(data)
        task = TryOfTask(job_id, task_id, attempt)
        received, fresh = await asyncio.to_thread(self._append_at, task, offset, data)
        if fresh and self._listener is not None:
            self._listener.log_grew(task_id, attempt, self._decoded(task_id, fresh))
        return received

    async def append(self, job_id: str, task_id: str, attempt: int, text: str) -> None:
        """Append whole lines of a worker that does not number its bytes."""
        if job_id in self._forgotten:
            return
        lines = text if text.endswith("\n") else f"{text}\n"
        task = TryOfTask(job_id, task_id, attempt)
        await asyncio.to_thread(self._append, task, lines.encode(errors="replace"))
        if self._listener is not None:
            self._listener.log_grew(task_id, attempt, lines)

    async def note(self, note: Note) -> None:
        """Add a line of the manager, in the order of times.

        The same text with the same time is written once.
        """
        await self.note_all([note])

    async def note_all(self, notes: Sequence[Note]) -> None:
        """Add several lines.

        Raises:
            OSError: a line could not be written; the lines after it were not tried.
        """
        wanted = [note for note in notes if note.job_id not in self._forgotten]
        for note in await asyncio.to_thread(self._write_notes, wanted):
            if self._listener is not None:
                self._listener.log_grew(note.task_id, note.attempt, note.line)

    def _write_notes(self, notes: Sequence[Note]) -> list[Note]:
        """Write the notes; return those that were new."""
        return [note for note in notes if self._write_note(note)]

    def _write_note(self, note: Note) -> bool:
        task = TryOfTask(note.job_id, note.task_id, note.attempt)
        path = self._path(task, _AFTER if note.after else _BEFORE)
        self._drop_old_tries(task, path)
        return add_line(path, note.line)

    def _append_at(self, task: TryOfTask, offset: int, data: bytes) -> tuple[int, bytes]:
        path = self._path(task, _HOST)
        self._drop_old_tries(task, path)
        return BoundedLog(path).append_at(offset, data, self._limits().try_bytes)

    def _append(self, task: TryOfTask, data: bytes) -> None:
        path = self._path(task, _HOST)
        self._drop_old_tries(task, path)
        BoundedLog(path).append(data, self._limits().try_bytes)

    def _drop_old_tries(self, task: TryOfTask, path: Path) -> None:
        """When a new try begins, erase the tries that are too old to be kept."""
        oldest = task.attempt - self._limits().tries + 1
        if oldest <= 0 or path.exists():
            return
        # Erase several tries: the setting may have changed, or a try may have left no log.
        for older in range(max(0, oldest - 5), oldest):
            for section in _SECTIONS:
                BoundedLog(self._path(replace(task, attempt=older), section)).erase()

    async def assigned(
        self, job_id: str, task_id: str, attempt: int, worker: str, worker_id: str, when: datetime
    ) -> None:
        """Note once which worker got this attempt.

        A full or broken disk for logs does not keep workers from their tasks.
        """
        path = self._path(TryOfTask(job_id, task_id, attempt), _BEFORE)
        text = f"Task assigned to worker {worker} ({worker_id})"
        try:
            if not await asyncio.to_thread(contains, path, text):
                await self.note(Note(job_id, task_id, attempt, text, when, after=False))
        except OSError as error:
            logger.warning(
                "a task's log could not name its worker: %s", error, extra={"task": task_id}
            )

    async def assigned_to(self, job_id: str, task_id: str, attempt: int) -> str:
        """Return the worker that was given this attempt last; empty if the log names none."""
        last = await self.last_assignment(job_id, task_id, attempt)
        return last.worker_id if last else ""

    async def last_assignment(self, job_id: str, task_id: str, attempt: int) -> Assignment | None:
        """Return which worker was given this attempt last, and when; None: the log does not say."""
        path = self._path(TryOfTask(job_id, task_id, attempt), _BEFORE)
        return await asyncio.to_thread(_last_assignment, path)

    async def frames_written(
        self, job_id: str, task_id: str, attempts: Sequence[int]
    ) -> list[WrittenFrame]:
        """Return the frames that these attempts have written, oldest first."""
        return await asyncio.to_thread(self._frames_written, job_id, task_id, attempts)

    def _frames_written(
        self, job_id: str, task_id: str, attempts: Sequence[int]
    ) -> list[WrittenFrame]:
        logs = [
            BoundedLog(self._path(TryOfTask(job_id, task_id, attempt), _HOST))
            for attempt in attempts[-self._limits().tries :]
        ]
        return read_log_lines(line for log in logs for line in log.lines_with(MARK))

    async def output_of_try(self, job_id: str, task_id: str, attempt: int) -> list[bytes]:
        """Return the lines that a worker has sent of a try; of a long log the ends of its parts."""
        log = BoundedLog(self._path(TryOfTask(job_id, task_id, attempt), _HOST))
        return (await asyncio.to_thread(log.ends, _END_BYTES)).splitlines()

    async def size(self, job_id: str, task_id: str, attempts: int) -> int:
        """Return the log's size in bytes; 0 if there is no log.

        Args:
            attempts: the last attempt that the database knows. A few later ones are looked for,
                because the log may be ahead of the database.
        """
        return _size_of(await asyncio.to_thread(self._parts, job_id, task_id, attempts))

    async def tail(self, job_id: str, task_id: str, attempts: int) -> str:
        """Return the last 2048 bytes from the first full line on; a smaller log as a whole."""
        return await asyncio.to_thread(self._tail, job_id, task_id, attempts)

    async def whole(
        self, job_id: str, task_id: str, attempts: int
    ) -> tuple[int, AsyncIterator[bytes]]:
        """Return the log's size in bytes and its content at this moment."""
        parts = await asyncio.to_thread(self._parts, job_id, task_id, attempts)
        return _size_of(parts), _stream(parts)

    async def sizes_of_tries(self, job_id: str, task_id: str, attempts: int) -> dict[int, int]:
        """Return the size in bytes of each try's log, by attempt, oldest first.

        Args:
            attempts: see `size`.
        """
        return await asyncio.to_thread(self._sizes_of_tries, job_id, task_id, attempts)

    async def whole_try(
        self, job_id: str, task_id: str, attempt: int
    ) -> tuple[int, AsyncIterator[bytes]]:
        """Return the size in bytes and the content of one try's log; 0 if there is none."""
        task = TryOfTask(job_id, task_id, attempt)
        parts = await asyncio.to_thread(self._try_alone, task)
        return _size_of(parts), _stream(parts)

    def _path(self, task: TryOfTask, section: int) -> Path:
        name = f"task-{task.task_id}.{task.attempt:06d}-{section}.txt"
        return self.job_directory(task.job_id) / name

    def _parts(self, job_id: str, task_id: str, attempts: int) -> list[_Part]:
        # The paths are known. Listing the directory would be slow: it has three files per attempt.
        parts: list[_Part] = []
        for attempt in self._kept_tries(attempts):
            parts += self._parts_of_try(TryOfTask(job_id, task_id, attempt))
        return _without_last_newline(parts)

    def _kept_tries(self, attempts: int) -> range:
        return range(max(0, attempts - self._limits().tries + 1), attempts + _LATER_TRIES)

    def _parts_of_try(self, task: TryOfTask) -> list[_Part]:
        parts: list[_Part] = []
        for section in _SECTIONS:
            stretches = BoundedLog(self._path(task, section)).kept()
            parts += [_Part(stretch) for stretch in stretches[:-1]]
            parts += [_Part(stretch, _lacks_newline(stretch)) for stretch in stretches[-1:]]
        return parts

    def _sizes_of_tries(self, job_id: str, task_id: str, attempts: int) -> dict[int, int]:
        tries = self._kept_tries(attempts)
        sizes = {n: _size_of(self._try_alone(TryOfTask(job_id, task_id, n))) for n in tries}
        return {attempt: size for attempt, size in sizes.items() if size}

    def _try_alone(self, task: TryOfTask) -> list[_Part]:
        return _without_last_newline(self._parts_of_try(task))

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
        if _size_of(parts) > TAIL_BYTES:
            _, _, rest = tail.partition(b"\n")
            tail = rest or tail
        return tail.decode(errors="replace")

    def _decoded(self, task_id: str, data: bytes) -> str:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        text = decoder.decode(self._undecoded.pop(task_id, b"") + data)
        if undecoded := decoder.getstate()[0]:
            self._undecoded[task_id] = undecoded
        return text


def _last_assignment(path: Path) -> Assignment | None:
    found = _ASSIGNED.findall(path.read_text(encoding="utf-8")) if path.exists() else []
    if not found:
        return None
    when, worker_id = found[-1]
    return Assignment(datetime.fromisoformat(when), worker_id)


def _lacks_newline(stretch: Stretch) -> bool:
    if stretch.path is None:
        return False
    with stretch.path.open("rb") as file:
        file.seek(stretch.size - 1)
        return file.read(1) != b"\n"


def _size_of(parts: Sequence[_Part]) -> int:
    return sum(part.total for part in parts)


def _without_last_newline(parts: list[_Part]) -> list[_Part]:
    """No part follows the last one yet, and its host may be in the middle of a line."""
    return [*parts[:-1], *(_Part(part.stretch) for part in parts[-1:])]


def _last_bytes(part: _Part, count: int) -> bytes:
    stretch = part.stretch
    if stretch.path is None:
        return stretch.remark[-count:]
    with stretch.path.open("rb") as file:
        file.seek(max(0, stretch.size - count))
        return file.read(min(count, stretch.size)) + b"\n" * part.newline


async def _stream(parts: list[_Part]) -> AsyncIterator[bytes]:
    blocks = _blocks(parts)
    while block := await asyncio.to_thread(next, blocks, b""):
        yield block


def _blocks(parts: list[_Part]) -> Iterator[bytes]:
    for part in parts:
        yield from _blocks_of(part.stretch)
        if part.newline:
            yield b"\n"


def _blocks_of(stretch: Stretch) -> Iterator[bytes]:
    if stretch.path is None:
        yield stretch.remark
        return
    left = stretch.size
    with stretch.path.open("rb") as file:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            yield block
            left -= len(block)


def job_files_url(job_id: str, public_path: str) -> str:
    """Return the address of a job's files, from the root of the site."""
    return f"{public_path}/job-files/job-{job_id[:4]}/{job_id}"
