"""What a host says during one try at a task, kept in pieces so that it cannot fill the disk.

Of a log over its limit the beginning and the end stay, and what is between them is dropped piece
by piece. How much was ever said is known all the same, because hosts number their bytes.
"""

import json
import os
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

#: Of the end; the newest is being written.
_KEPT = 4
#: With the beginning. One more is on disk for a while, because somebody may be reading it.
_PIECES = _KEPT + 1
#: Writers of one file take turns; a lock for each file would have to be forgotten some day.
_LOCKS = tuple(threading.Lock() for _ in range(64))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of a file, or a remark where some are missing."""

    path: Path | None
    size: int
    remark: bytes = b""


@dataclass(frozen=True, slots=True)
class _Cut:
    """How a log over its limit is cut; on disk, so that a changed limit does not matter to it."""

    head: int
    """Size of the beginning."""
    piece: int
    """Size of every piece after it, but the last."""
    last: int
    """Number of the newest piece, from 1."""

    @property
    def first(self) -> int:
        return max(1, self.last - _KEPT + 1)

    def start(self, number: int) -> int:
        return self.head + (number - 1) * self.piece


class BoundedLog:
    """`path` is that of the beginning, which is all of most logs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append_at(self, offset: int, data: bytes, limit: int) -> tuple[int, bytes]:
        """
        Args:
            offset: of the first byte of `data`, in all that was said.
            limit: for what is shown, in bytes; a log that is no longer is all there.

        Returns:
            How much was said by now, and what of `data` was new.
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
        # Written down first: a piece that is not there yet is empty.
        unfinished = self._cut_file.with_suffix(".tmp")
        unfinished.write_text(json.dumps(asdict(cut)), encoding="utf-8")
        os.replace(unfinished, self._cut_file)
        # Twice, in case we were killed before.
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
    """For writing anywhere, and without emptying it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    return os.fdopen(descriptor, "r+b")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
