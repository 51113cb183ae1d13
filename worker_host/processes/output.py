"""Writes a command's output to the task's log, in constant memory. Standard library only."""

import os
from collections.abc import Callable, Sequence

from worker_host.processes import OUTPUT_ENCODING

#: The longest line, in bytes; longer ones are split.
MAX_LINE = 40 * 1024


#: Windows would write a carriage return before each newline without O_BINARY.
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class LogFile:
    """The task's log: append-only, and always valid UTF-8.

    What the disk does not take is lost, because a full disk must not end a render.
    """

    def __init__(self, path: str) -> None:
        self._file = os.open(path, _APPEND, 0o644)
        self._lost = 0
        """How many bytes were lost since the last write that the disk took."""

    def line(self, text: str) -> None:
        # JSON can hold lone surrogates, but UTF-8 cannot.
        self.write(text.encode("utf-8", "replace") + b"\n")

    def write(self, data: bytes) -> None:
        if self._lost:
            data = (
                b"\n(%d bytes of the log were lost: the disk did not take them)\n" % self._lost
                + data
            )
        try:
            while data:
                data = data[os.write(self._file, data) :]
            self._lost = 0
        except OSError:
            self._lost += len(data)


class LineWriter:
    """Writes bytes to the log as they come, each line with a prefix.

    Args:
        encoding: what a line is in that is no UTF-8.
    """

    def __init__(
        self,
        log: LogFile,
        prefix: bytes,
        on_lines: Callable[[Sequence[bytes]], None] | None = None,
        encoding: str = OUTPUT_ENCODING,
    ) -> None:
        self._log = log
        self._prefix = prefix
        self._on_lines = on_lines
        self._encoding = encoding
        self._pending = b""

    def feed(self, chunk: bytes) -> None:
        whole, newline, self._pending = (self._pending + chunk).rpartition(b"\n")
        lines = whole.split(b"\n") if newline else []
        while len(self._pending) > MAX_LINE:
            piece, self._pending = _split(self._pending)
            lines.append(piece)
        self._write(lines)

    def finish(self) -> None:
        """Write the bytes after the last newline."""
        if self._pending:
            self._write([self._pending])
        self._pending = b""

    def _write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        pieces = lines
        if max(map(len, lines)) > MAX_LINE:
            pieces = [piece for line in lines for piece in _pieces(line)]
        separator = b"\n" + self._prefix
        texts = [self._text(piece.removesuffix(b"\r")) for piece in pieces]
        self._log.write(self._prefix + separator.join(texts) + b"\n")
        # Last, because what is logged about a line belongs behind it.
        if self._on_lines is not None:
            self._on_lines([line.removesuffix(b"\r") for line in lines])

    def _text(self, line: bytes) -> bytes:
        """Return the line in UTF-8."""
        try:
            line.decode()
        except UnicodeDecodeError:
            return line.decode(self._encoding, "replace").encode()
        return line


def _pieces(line: bytes) -> list[bytes]:
    pieces = []
    while len(line) > MAX_LINE:
        piece, line = _split(line)
        pieces.append(piece)
    return [*pieces, line]


def _split(line: bytes) -> tuple[bytes, bytes]:
    """Cut a line after at most `MAX_LINE` bytes, but not inside a character."""
    cut = MAX_LINE
    while cut > MAX_LINE - 4 and line[cut] & 0xC0 == 0x80:
        cut -= 1
    if line[cut] & 0xC0 == 0x80:
        cut = MAX_LINE  # no character is that long, so it is not UTF-8
    return line[:cut], line[cut:]
