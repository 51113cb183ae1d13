"""Videos of frames, by the real ffmpeg: which frames they show, and what is said of the others."""

import fcntl
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.worker_host.farmhouse import Farmhouse
from worker_host.commands.context import Context
from worker_host.commands.ffmpeg import frames_to_video
from worker_host.commands.frames_found import FramesFound
from worker_host.commands.parameters import CommandFailed
from worker_host.commands.video_frames import globbed
from worker_host.processes.output import LogFile
from worker_host.processes.watch import Watch
from worker_host.run_table import RunTable
from workflows.domain.fault_rules import Fault
from workflows.domain.faults import CauseFinder
from workflows.domain.messages import OutcomeKind
from workflows.domain.render_warnings import WarningBook
from workflows.domain.written_frames import ExistingFrames

Change = Callable[[Path], None]
KNOWN = {"frames": "1-4", "frameFiles": "####.png"}
PREVIEW = {**KNOWN, "mayFail": True}


@dataclass
class Studio:
    """A run's directory, and a folder of frames."""

    folder: Path
    directory: Path
    context: Context
    book: WarningBook = field(default_factory=WarningBook)

    @property
    def warnings(self) -> list[str]:
        return [text for text, _ in self.book.all()]

    def frames(self, *names: str) -> list[Path]:
        """Write frames in which the numbers count up from black to white."""
        paths = [self.folder / name for name in names]
        for number, path in enumerate(paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 48), _gray(number)).save(path)
        return paths

    def make(self, **parameters: Any) -> list[int]:
        """Make a video; return the frames that it shows, by the numbers that `frames` gave them."""
        video = self.directory / "video.mp4"
        if name := parameters.get("frameFiles"):
            parameters = {**parameters, "frameFiles": f"{self.folder}/{name}"}
        frames_to_video(
            {
                "exe": "ffmpeg",
                "fps": 24,
                "inputGlob": f"{self.folder}/*.png",
                "outputFile": str(video),
                "args": ["-c:v", "h264", "-pix_fmt", "yuv420p", "-r", 24, "-y"],
                **parameters,
            },
            self.context,
        )
        return shown(video) if video.exists() else []


def _gray(number: int) -> tuple[int, int, int]:
    return (number * 28, number * 28, number * 28)


def shown(video: Path) -> list[int]:
    decode = ["-vf", "scale=1:1", "-pix_fmt", "gray", "-f", "rawvideo", "-"]
    decoded = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", video, *decode], check=True, capture_output=True
    )
    return [round(light / 28) for light in decoded.stdout]


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    directory = tmp_path / "run 100%d"
    directory.mkdir()
    book = WarningBook()
    with open(tmp_path / "host.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        causes = CauseFinder()

        def is_machines(failure: str) -> bool:
            causes.text(failure)
            return causes.cause is not None and causes.cause.rule.fault is Fault.MACHINE

        context = Context(
            LogFile(str(directory / "log")),
            Watch(str(tmp_path / "host.lock"), 600, 60, 0),
            environment=dict(os.environ),
            tools={},
            stop_grace_s=1,
            end_grace_s=60,
            on_lines=causes.lines,
            is_machines_fault=is_machines,
            directory=str(directory),
            on_started=lambda _: None,
            warnings=book,
            frames_found=FramesFound(ExistingFrames(), print),
        )
        yield Studio(tmp_path / "frames", directory, context, book)
    assert [path.name for path in directory.glob("scratch*")] == []


@pytest.mark.parametrize(
    ("files", "parameters", "expected"),
    [
        # These other files in the folder are not of the job.
        (
            ["AAA_contact.png", "000001.png", "000002.png", "000900.png"],
            {"frames": "1-2", "frameFiles": "######.png"},
            [1, 2],
        ),
        (["2.png", "10.png", "1.png"], {"frames": "2,10", "frameFiles": "#.png"}, [0, 1]),
        (["10.png", "9.png", "x10.png", "x9.png"], {}, [1, 0, 3, 2]),
        (
            ["0001_L.png", "0001_R.png", "0002_L.png", "0002_R.png"],
            {"frames": "1-2", "frameFiles": "####.png"},
            [0, 2],
        ),
        (["1_R.png", "2_R.png"], {"frames": "1-2", "frameFiles": "#.png"}, [0, 1]),
        (["-0002.png", "0001.png"], {"frames": "-2,1", "frameFiles": "####.png"}, [0, 1]),
        (["0001.PNG", "0002.PNG"], {"frames": "1-2", "frameFiles": "####.PNG"}, [0, 1]),
    ],
)
def test_a_video_shows_the_jobs_frames_in_their_order(
    studio: Studio, files: list[str], parameters: dict[str, str], expected: list[int]
) -> None:
    studio.frames(*files)

    assert studio.make(**parameters) == expected
    assert studio.warnings == []


@pytest.mark.parametrize("parameters", [{}, {"frames": "1-2", "frameFiles": "####.png"}])
def test_a_folders_name_may_hold_anything(studio: Studio, parameters: dict[str, str]) -> None:
    studio.folder /= "[shot] it's 50%d {a,b} *"
    studio.frames("0001.png", "0002.png")

    assert studio.make(**parameters) == [0, 1]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("no image")


def spoiled(path: Path) -> None:
    """Leave the structure of the PNG, but nothing that can be unpacked."""
    content = bytearray(path.read_bytes())
    packed = content.index(b"IDAT") + 6
    content[packed : packed + 8] = b"\1" * 8
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Path.unlink, "frame 3 (there is no such file)"),
        (cut, "frame 3 (it ends in the middle)"),
        (empty, "frame 3 (it is empty)"),
        (text, "frame 3 (it is no PNG file)"),
        (spoiled, "frame 3 (ffmpeg cannot read it)"),
    ],
)
def test_the_frame_before_is_shown_in_place_of_a_broken_one(
    studio: Studio, change: Change, said: str
) -> None:
    change(studio.frames("0001.png", "0002.png", "0003.png", "0004.png")[2])

    assert studio.make(**PREVIEW) == [0, 1, 1, 3]
    assert len(studio.warnings) == 1
    assert said in studio.warnings[0]


def test_the_first_whole_frame_is_shown_in_place_of_those_before_it(studio: Studio) -> None:
    empty(studio.frames("0001.png", "0002.png", "0003.png", "0004.png")[0])

    assert studio.make(**KNOWN) == [1, 1, 2, 3]


def test_frames_of_other_sizes_are_shown(studio: Studio) -> None:
    studio.frames("0001.png", "0002.png", "0003.png", "0004.png")
    Image.new("RGB", (101, 77), _gray(2)).save(studio.folder / "0003.png")

    assert studio.make(**KNOWN) == [0, 1, 2, 3]


def test_frames_in_files_whose_names_do_not_say_their_format(studio: Studio) -> None:
    [path] = studio.frames("0001.png")
    path.rename(studio.folder / "0001.rgb")
    Image.open(studio.folder / "0001.rgb").save(studio.folder / "0001.sgi")
    shutil.move(studio.folder / "0001.sgi", studio.folder / "0001.rgb")

    glob = f"{studio.folder}/*.rgb"

    assert studio.make(inputGlob=glob, frames="1", frameFiles="####.rgb") == [0]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "no frame is whole: frame 1 (there is no such file)"),
        ({"outputFile": "/proc/no.mp4"}, "/proc/no.mp4: No such file"),
        ({"args": ["-c:v", "nonsense"]}, "Unknown encoder 'nonsense'"),
    ],
)
def test_a_preview_that_fails_is_a_warning(
    studio: Studio, parameters: dict[str, Any], said: str
) -> None:
    studio.folder.mkdir()
    if parameters:
        studio.frames("0001.png", "0002.png", "0003.png", "0004.png")

    studio.make(**PREVIEW, **parameters)

    [warning] = studio.warnings
    assert warning.startswith("there is no preview video: ")
    assert said in warning
    assert "Warning: there is no preview" in (studio.directory / "log").read_text()


@pytest.mark.parametrize("script", ["kill -9 $$", "echo No space left on device; exit 1"])
def test_a_preview_fails_the_try_if_the_machine_is_at_fault(studio: Studio, script: str) -> None:
    studio.frames("0001.png", "0002.png", "0003.png", "0004.png")
    program = studio.directory / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)

    with pytest.raises(CommandFailed):
        studio.make(**PREVIEW, exe=str(program))

    assert studio.warnings == []


@pytest.mark.parametrize("parameters", [{"exe": "no-such-ffmpeg"}, {"frameFiles": "absent/#.png"}])
def test_another_machine_may_have_the_program_and_the_folder(
    studio: Studio, parameters: dict[str, Any]
) -> None:
    studio.frames("0001.png", "0002.png", "0003.png", "0004.png")

    with pytest.raises(CommandFailed):
        studio.make(**{**PREVIEW, **parameters})


def test_a_video_that_is_the_jobs_work_fails_its_task(studio: Studio) -> None:
    studio.frames("0001.png")

    with pytest.raises(CommandFailed, match="Unknown encoder"):
        studio.make(args=["-c:v", "nonsense"])


def test_frames_that_the_arguments_leave_out_are_no_fault(studio: Studio) -> None:
    studio.frames(*(f"{number:04}.png" for number in range(8)))

    assert len(studio.make(args=["-vf", "fps=12", "-y"], fps=12)) <= 8
    assert studio.warnings == []


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.png", ["2.png", "10.png"]),
        ("*.{png,jpg}", ["2.png", "3.jpg", "10.png"]),
        ("?.*", ["2.png", "3.jpg"]),
        ("[13]*", ["3.jpg", "10.png"]),
        ("10.png", ["10.png"]),
        ("[x].png", ["[x].png"]),
        (".*", [".hidden.png"]),
        ("*.exr", []),
    ],
)
def test_patterns_are_ffmpegs(tmp_path: Path, pattern: str, found: list[str]) -> None:
    for name in ("2.png", "10.png", "3.jpg", ".hidden.png"):
        (tmp_path / name).touch()
    if pattern == "[x].png":
        (tmp_path / pattern).touch()

    assert [os.path.basename(path) for path in globbed(f"{tmp_path}/{pattern}")] == found


@pytest.mark.parametrize(
    ("is_preview", "kind"), [(True, OutcomeKind.COMPLETED), (False, OutcomeKind.FAILED)]
)
@pytest.mark.parametrize("whole", [0, 1])
async def test_where_warnings_are_failures_those_of_a_preview_are_none(
    house: Farmhouse, table: RunTable, tmp_path: Path, whole: int, is_preview: bool, kind: str
) -> None:
    for number in range(1, 3):
        path = tmp_path / f"{number:06}.png"
        Image.new("RGB", (64, 48)).save(path)
        if number > whole:
            path.write_bytes(path.read_bytes()[:-20])
    parameters = {
        "exe": "ffmpeg",
        "fps": 24,
        "inputGlob": f"{tmp_path}/*.png",
        "outputFile": str(tmp_path / "video.mp4"),
        "args": ["-y"],
        **({"mayFail": True} if is_preview else {}),
    }

    outcome = await house.run(
        table,
        house.ref(),
        house.commands(("frames-to-video", parameters), fail_on_warnings=True),
    )

    assert outcome.kind is kind
    assert bool(outcome.warnings) is (is_preview or whole > 0)
