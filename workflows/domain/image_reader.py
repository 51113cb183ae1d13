"""Reads the parts of an image file in order, and tells where the file has ended."""

import struct
from typing import BinaryIO

CUT_OFF = "it ends in the middle"


class NotWhole(Exception):
    """The file is not whole; the text says why, as a part of a sentence."""


class Reader:
    """Reads a file; raises `NotWhole` where the file has ended."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        self.order = "<"
        """The byte order of `numbers`: `<` or `>`."""

    def take(self, count: int) -> bytes:
        data = self._file.read(count) if count <= self.size else b""
        if len(data) < count:
            raise NotWhole(CUT_OFF)
        return data

    def at(self, place: int) -> "Reader":
        if place > self.size:
            raise NotWhole(CUT_OFF)
        self._file.seek(place)
        return self

    def place(self) -> int:
        return self._file.tell()

    def skip(self, count: int) -> None:
        self.at(self.place() + count)

    def numbers(self, form: str) -> tuple[int, ...]:
        form = self.order + form
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def number(self, form: str) -> int:
        return self.numbers(form)[0]

    def text(self) -> bytes:
        """Return the bytes before the next zero byte."""
        found = bytearray()
        while (byte := self.take(1)) != b"\0":
            found += byte
        return bytes(found)

    def expect(self, beginnings: tuple[bytes, ...], form: str) -> bytes:
        """Take the first bytes of the file.

        Raises:
            NotWhole: they are of another format.
        """
        found = self.take(len(beginnings[0]))
        if found not in beginnings:
            raise NotWhole(f"it is no {form} file")
        return found

    def ends_with(self, end: bytes) -> None:
        if self.at(max(0, self.size - len(end))).take(len(end)) != end:
            raise NotWhole(CUT_OFF)
