"""A host's log of one try at a task, in pieces, so that it cannot fill the disk.

A log over its limit keeps its beginning and its end. The middle is dropped, one piece after
another. The total size of all that the host sent stays known, because hosts number their bytes.
"""

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from manager_api.whole_files import write_whole

#: Pieces of the end that are kept. The newest of them is being written.
_KEPT = 4
#: Pieces including the beginning. One more stays on disk for a while, because it may be being read.
_PIECES = _KEPT + 1
#: Locks with which the writers of one file take turns. Files share them, because a lock for each
#: file would have to be deleted some day.
_LOCKS = tuple(threading.Lock() for _ in range(64))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of a file, or a remark in the place of dropped bytes."""

    path: Path | None
    size: int
    remark: bytes = b""


@dataclass(frozen=True, slots=True)
class _Cut:
    """How a log over its limit is cut. It is kept on disk, so a changed limit does not affect it.

    Sizes are in bytes.
    """

    head: int
    """Size of the beginning."""
    piece: int
    """Size of each piece after the beginning, except the last."""
    last: int
    """Number of the newest piece, from 1."""

    @property
    def first(self) -> int:
        return max(1, self.last - _KEPT + 1)

    def start(self, number: int) -> int:
        return self.head + (number - 1) * self.piece


class BoundedLog:
    """One log. `path` is the file of its beginning, which is the whole log in most cases."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append_at(self, offset: int, data: bytes, limit: int) -> tuple[int, bytes]:
        """Append the bytes of `data` that are new; if there is a gap before them, append nothing.

        Args:
            offset: the position of the first byte of `data` in all that the host sent.
            data: the host's bytes.
            limit: the size in bytes up to which the whole log is kept.

        Returns:
            How many bytes the host has sent by now, and the bytes of `data` that were new.
        """
        with lock_of(self.path):
            size = self._said()
            fresh = data[size - offset :] if offset <= size else b""
            if fresh:
                self._append(fresh, limit)
            return size + len(fresh), fresh

    def append(self, data: bytes, limit: int) -> None:
        with lock_of(self.path):
            self._append(data, limit)

    def kept(self) -> list[Stretch]:
        cut = self._cut()
        head = _size(self.path)
        stretches = [Stretch(self.path, head)] if head else []
        if cut is None:
            return stretches
        if dropped := cut.start(cut.first) - cut.head:
            remark = f"\n[{dropped} bytes are left out here: the log is too long]\n".encode()
            stretches.append(Stretch(None, len(remark), remark))
        pieces = [self._piece(number) for number in range(cut.first, cut.last + 1)]
        return [*stretches, *(Stretch(piece, size) for piece in pieces if (size := _size(piece)))]

    def lines_with(self, beginning: bytes) -> Iterator[bytes]:
        """Yield the lines with this beginning that are kept whole.

        A piece may begin in the middle of a line. A program that knew where could else write what
        looks like a line of the host's own.
        """
        is_at_beginning = True
        for stretch in self.kept():
            if stretch.path is None:
                is_at_beginning = False
                continue
            with contextlib.suppress(FileNotFoundError), stretch.path.open("rb") as file:
                for line in file:
                    if is_at_beginning and line.startswith(beginning):
                        yield line
                    is_at_beginning = line.endswith(b"\n")

    def ends(self, count: int) -> bytes:
        """Return up to so many bytes of the beginning and of the end of each part."""
        ends = b""
        for stretch in self.kept():
            if stretch.path is None:
                continue
            with stretch.path.open("rb") as file:
                ends += file.read(min(stretch.size, count))
                if stretch.size > count:
                    file.seek(max(count, stretch.size - count))
                    ends += file.read(count)
        return ends

    def erase(self) -> None:
        cut = self._cut()
        if cut is not None:
            for number in range(max(1, cut.first - 3), cut.last + 1):
                self._piece(number).unlink(missing_ok=True)
        self._cut_file.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def _append(self, data: bytes, limit: int) -> None:
        cut = self._cut()
        while data:
            path = self.path if cut is None else self._piece(cut.last)
            room = (max(1, limit // _PIECES) if cut is None else cut.piece) - _size(path)
            if room <= 0:
                cut = self._begin_piece(cut, limit)
                continue
            with opened(path) as file:
                file.seek(0, os.SEEK_END)
                file.write(data[:room])
            data = data[room:]

    def _begin_piece(self, cut: _Cut | None, limit: int) -> _Cut:
        if cut is None:
            cut = _Cut(head=_size(self.path), piece=max(1, limit // _PIECES), last=1)
        else:
            cut = replace(cut, last=cut.last + 1)
        # Write the cut first: a piece whose file does not exist yet counts as empty.
        write_whole(self._cut_file, json.dumps(asdict(cut)).encode())
        # Delete two pieces, in case the manager was killed before it deleted the older one.
        for number in (cut.first - 2, cut.first - 3):
            if number > 0:
                self._piece(number).unlink(missing_ok=True)
        return cut

    def _said(self) -> int:
        cut = self._cut()
        if cut is None:
            return _size(self.path)
        return cut.start(cut.last) + _size(self._piece(cut.last))

    def _cut(self) -> _Cut | None:
        try:
            return _Cut(**json.loads(self._cut_file.read_bytes()))
        except FileNotFoundError:
            return None

    @property
    def _cut_file(self) -> Path:
        return self.path.with_suffix(".cut")

    def _piece(self, number: int) -> Path:
        return self.path.with_suffix(f".{number}.txt")


def lock_of(path: Path) -> threading.Lock:
    return _LOCKS[hash(path) % len(_LOCKS)]


def opened(path: Path) -> BinaryIO:
    """Open a file for writing at any position without truncating it; create it if missing."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, flags, 0o644)
    return os.fdopen(descriptor, "r+b")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
