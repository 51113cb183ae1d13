"""Stands in for Blender on a chaos farm: whole PNG files and log lines, both known byte for byte.

    renderer.py … --pace S --lines N --render-output DIR/###### --render-frame A..B
    renderer.py --collect --lines N

Each frame takes S seconds, half of them with half of its file written. What began and what ended
is noted in the ledger, which the auditor compares with what the farm says. Standard library only.
"""

import hashlib
import json
import os
import struct
import sys
import time
import zlib
from collections.abc import Iterator, Sequence

_SIDE = 48
_PAD = 6


def frame_bytes(output: str, frame: int) -> bytes:
    """The PNG file that is frame `frame` of this output path: the same whenever it is rendered."""
    seed = hashlib.sha256(f"{output} {frame}".encode()).digest()
    row = b"\0" + (seed * _SIDE)[:_SIDE]
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * _SIDE)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def log_lines(run: str, pid: int, frame: int, count: int) -> Iterator[str]:
    """What the process `pid` prints for a frame: lines of many lengths, not only of ASCII."""
    for number in range(1, count + 1):
        digest = hashlib.sha256(f"{run} {pid} {frame} {number}".encode()).hexdigest()
        length = 1 + int(digest[:4], 16) % 900 if number % 7 == 0 else 24
        yield f"chaos {frame} {number}/{count} olé {(digest * 15)[:length]}"


def frame_path(output: str, frame: int) -> str:
    return output.replace("#" * _PAD, f"{frame:0{_PAD}}") + ".png"


def frames_in(words: str) -> range:
    first, _, last = words.partition("..")
    return range(int(first), int(last or first) + 1)


class Renderer:
    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = arguments
        self._lines = int(self._option("--lines"))
        self._run = os.environ["TABLAO_RUN"]

    def work(self) -> None:
        if "--collect" in self._arguments:
            self._note("start", 0)
            self._print(log_lines(self._run, os.getpid(), 0, self._lines))
            self._note("end", 0)
            return
        for frame in frames_in(self._option("--render-frame")):
            self._render(self._option("--render-output"), frame, float(self._option("--pace")))

    def _render(self, output: str, frame: int, pace_s: float) -> None:
        path = frame_path(output, frame)
        if os.path.exists(path):
            self._print([f'skipping existing frame "{path}"'])
            return
        self._note("start", frame)
        lines = list(log_lines(self._run, os.getpid(), frame, self._lines))
        half = len(lines) // 2
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._print([f"Fra:{frame} Mem:1.00M | Sample 1/2", *lines[:half]])
        time.sleep(pace_s / 2)
        data = frame_bytes(output, frame)
        with open(path, "wb", buffering=0) as file:
            file.write(data[: len(data) // 2])
            time.sleep(pace_s / 2)
            file.write(data[len(data) // 2 :])
        self._note("saved", frame)
        self._print([*lines[half:], f"Saved: '{path}'"])
        self._note("end", frame)

    def _print(self, lines: Sequence[str] | Iterator[str]) -> None:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()

    def _note(self, what: str, frame: int) -> None:
        entry = {
            "what": what,
            "run": self._run,
            "frame": frame,
            "pid": os.getpid(),
            "host": os.environ["HOST_NAME"],
            "lines": self._lines,
            "at": time.time(),
        }
        ledger = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND)
        os.write(ledger, (json.dumps(entry) + "\n").encode())
        os.close(ledger)

    def _option(self, name: str) -> str:
        return self._arguments[self._arguments.index(name) + 1]


if __name__ == "__main__":
    Renderer(sys.argv[1:]).work()
