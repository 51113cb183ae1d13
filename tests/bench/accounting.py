"""What it costs to account for frames: `python -m tests.bench.accounting`.

For 1,000 frames of 4K, whole ones, per format: the look before a try, and the check after it; on a
local disk, and on a storage that answers each call late. The baseline of the same run reads the
files from their beginning to their end.
"""

import argparse
import builtins
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from worker_host.commands import frames_found
from worker_host.commands.blender_frames import FrameAccount
from worker_host.commands.frames_found import FramesFound, written_frame
from workflows.domain.written_frames import ExistingFrames

FORMATS = {"PNG": ".png", "OPEN_EXR": ".exr", "JPEG": ".jpg", "TIFF": ".tif"}
SCENE = """
import array, bpy, random, sys
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y = 3840, 2160
scene.render.resolution_percentage = 100
image = bpy.data.images.new("noise", 3840, 2160, float_buffer=True)
# As much noise as compression does not see through, again and again.
noise = array.array("f", (random.random() for _ in range(102_400)))
image.pixels.foreach_set(noise * (3840 * 2160 * 4 // len(noise)))
for name, extension in {formats}.items():
    scene.render.image_settings.file_format = name
    image.save_render(sys.argv[-1] + "/" + name + extension, scene=scene)
"""


#: What the system reads ahead, in bytes: Linux's default.
_READ_AHEAD = 131_072


class _Slow(io.RawIOBase):
    """A file whose storage answers each request of the system after a pause."""

    def __init__(self, file: Any, pause_s: float) -> None:
        self._file, self._pause_s = file, pause_s
        self._there: set[int] = set()

    def read(self, size: int = -1) -> Any:
        at = self._file.tell()
        content = self._file.read(size)
        wanted = range(at // _READ_AHEAD, self._file.tell() // _READ_AHEAD + 1)
        time.sleep(self._pause_s * len(set(wanted) - self._there))
        self._there.update(wanted)
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def _late(pause_s: float) -> Iterator[None]:
    """Let each open, read and look at a file of the accounting take longer."""

    def slow_open(*arguments: Any, **options: Any) -> Any:
        time.sleep(pause_s)
        return _Slow(builtins.open(*arguments, **options), pause_s)

    def slow(call: Callable[..., Any]) -> Callable[..., Any]:
        def answer(*arguments: Any, **options: Any) -> Any:
            time.sleep(pause_s)
            return call(*arguments, **options)

        return answer

    stat, lexists = os.stat, os.path.lexists
    frames_found.open = slow_open  # type: ignore[attr-defined]
    os.stat, os.path.lexists = slow(stat), slow(lexists)
    try:
        yield
    finally:
        os.stat, os.path.lexists = stat, lexists
        del frames_found.open  # type: ignore[attr-defined]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tablao-accounting-") as name:
        folder = Path(name)
        script = SCENE.replace("{formats}", repr(FORMATS))
        blender = ["blender", "-b", "--factory-startup", "--python-exit-code", "3"]
        blender += ["--python-expr", script, "--", name]
        subprocess.run(blender, check=True, stdout=subprocess.DEVNULL)
        late = f"{options.late_ms:g} ms late:"
        measured = f"{'look s':>9}{'check s':>9}"
        _say(f"{'format':<10}{'MB':>6}{measured}{'read s':>9}{'ratio':>8}{late:>14}{measured}")
        for form, extension in FORMATS.items():
            frame = folder / f"{form}{extension}"
            _measure(form, extension, frame, folder / form, options)


def _measure(
    form: str, extension: str, frame: Path, folder: Path, options: argparse.Namespace
) -> None:
    folder.mkdir()
    paths = [folder / f"{number:06}{extension}" for number in range(1, options.frames + 1)]
    for path in paths:
        os.link(frame, path)
    written = [found for path in paths if (found := written_frame(str(path)))]
    existing = ExistingFrames(are_all_kept=False, written=tuple(written))
    numbers = range(1, options.frames + 1)
    output = str(folder / "######")

    def look() -> None:
        FramesFound(existing, _say).look(output, form, numbers)

    def check() -> None:
        account = FrameAccount(_note)
        for path in paths:
            account.line(f"Saved: '{path}'".encode())
        account.check(["-f", f"1..{options.frames}"])

    def read() -> None:
        for path in paths:
            path.read_bytes()

    read()  # into the memory of the system, for all three alike
    looked, checked, whole = _seconds(look), _seconds(check), _seconds(read)
    with _late(options.late_ms / 1000):
        late_look, late_check = _seconds(look), _seconds(check)
    size = frame.stat().st_size / 1e6
    _say(
        f"{form:<10}{size:>6.1f}{looked:>9.2f}{checked:>9.2f}{whole:>9.2f}{checked / whole:>8.2f}"
        f"{'':>14}{late_look:>9.1f}{late_check:>9.1f}"
    )


def _note(path: str) -> None:
    assert written_frame(path)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--late-ms", type=float, default=1.0, help="of each request to the storage")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
