"""Every command against the reference, without processes where there need be none."""

import asyncio
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.worker_host.farmhouse import Farmhouse
from worker_host.commands import command_named
from worker_host.commands.blender import command_line as blender_command_line
from worker_host.commands.ffmpeg import command_line
from worker_host.commands.files import name_aside
from worker_host.commands.misc import shown_duration
from worker_host.commands.parameters import CommandFailed
from worker_host.run_table import RunTable
from workflows.domain.blender_warnings import ASK_FOR_MISSING_FILES


class Surroundings:
    """A context that remembers instead of doing."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.argv: list[str] = []
        self.slept: list[float] = []

    def log(self, line: str) -> None:
        self.lines.append(line)

    def checkpoint(self) -> None: ...

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def run(self, argv: list[str], on_line: Callable[[bytes], None] | None = None) -> None:
        self.argv = argv


@pytest.fixture
def context() -> Any:
    return Surroundings()


def carry_out(context: Any, name: str, **parameters: Any) -> None:
    command_named(name)(parameters, context)


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        ("create-video", {}, 'unknown command: "create-video"'),
        ("echo", {}, 'parameter "message" is missing'),
        ("echo", {"message": 3}, 'parameter "message" must be a text, not 3'),
        ("sleep", {"duration_in_seconds": "3"}, "must be a number"),
        ("sleep", {"duration_in_seconds": True}, "must be a number"),
        ("sleep", {"duration_in_seconds": -1}, "cannot sleep for -1 seconds"),
        ("exec", {"args": []}, 'parameter "exe" is missing'),
        ("exec", {"exe": "ls", "args": "-l"}, 'parameter "args" must be a list'),
        ("exec", {"exe": "ls", "args": [["-l"]]}, "must hold texts and numbers"),
        ("blender-render", {"exe": "blender"}, 'parameter "blendfile" is missing'),
        ("blender-render", {"exe": "b", "blendfile": "", "exeArgs": "'"}, "cannot be split"),
        ("frames-to-video", {"inputGlob": "*.png", "fps": 0}, '"fps" must not be zero'),
        ("make-directory", {"path": ""}, 'parameter "path" is not usable'),
        ("copy-file", {"src": "a", "dest": "/b"}, 'wants absolute paths, not "a"'),
        ("move-directory", {"src": "/no/such", "dest": "/b"}, "it does not exist"),
    ],
)
def test_command_refuses_with_a_sentence(
    context: Any, name: str, parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(CommandFailed, match=sentence.replace("(", r"\(")):
        carry_out(context, name, **parameters)


def test_echo_and_log_write_to_the_log(context: Any) -> None:
    carry_out(context, "echo", message="grüß dich")
    carry_out(context, "log", message="as it is")

    assert context.lines == ['echo: "grüß dich"', "as it is"]


def test_sleep_drops_fractions(context: Any) -> None:
    carry_out(context, "sleep", duration_in_seconds=90.9)

    assert context.slept == [90]
    assert context.lines == ["slept 1m30s"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (5, "5s"), (60, "1m0s"), (3600, "1h0m0s"), (90061, "25h1m1s")],
)
def test_durations_are_written_as_go_does(seconds: int, shown: str) -> None:
    assert shown_duration(seconds) == shown


def test_arguments_may_be_any_scalar(context: Any) -> None:
    carry_out(context, "exec", exe="prog", args=["a b", 3, 2.5, 4.0, True])

    assert context.argv == ["prog", "a b", "3", "2.5", "4", "true"]


def test_blender_arguments_keep_their_order() -> None:
    parameters = {
        "exe": "/opt/blender",
        "exeArgs": "-b --python-expr 'print(1)'",
        "argsBefore": ["--enable-autoexec"],
        "blendfile": "/shot.blend",
        "args": ["--render-frame", 3],
    }

    assert blender_command_line(parameters) == [
        *("/opt/blender", "-b", "--python-expr", "print(1)", "--enable-autoexec"),
        *("/shot.blend", "--python-expr", ASK_FOR_MISSING_FILES),
        *("--render-frame", "3"),
    ]


def test_empty_blend_file_is_left_out() -> None:
    assert blender_command_line({"exe": "blender", "blendfile": ""}) == ["blender"]


def test_missing_blend_file_is_named_before_blender_starts(context: Any) -> None:
    with pytest.raises(CommandFailed, match="blend file does not exist"):
        carry_out(context, "blender-render", exe="blender", blendfile="/no/such.blend")

    assert context.lines == ['blend file does not exist: "/no/such.blend"']
    assert context.argv == []


VIDEO: dict[str, Any] = {
    "exe": "ffmpeg",
    "exeArgs": "-hide_banner -y",
    "argsBefore": ["-loglevel", "warning"],
    "fps": 24.0,
    "inputGlob": "/render/*.png",
    "args": ["-c:v", "h264"],
    "outputFile": "/out.mp4",
}


def test_video_has_flamencos_arguments_around_its_frames() -> None:
    assert command_line(VIDEO, ["-i", "the frames"]) == [
        *("ffmpeg", "-hide_banner", "-y", "-loglevel", "warning"),
        *("-i", "the frames"),
        *("-c:v", "h264", "-r", "24", "/out.mp4"),
    ]


def test_directory_is_made_with_its_parents_and_may_exist(context: Any, tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c"

    carry_out(context, "make-directory", path=str(path))
    carry_out(context, "make-directory", path=f"{path}/")

    assert path.is_dir()


def test_directory_is_not_made_over_a_file(context: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CommandFailed, match="cannot create directory"):
        carry_out(context, "make-directory", path=str(tmp_path / "file"))


def test_moving_sets_aside_what_is_in_the_way(context: Any, tmp_path: Path) -> None:
    source, destination = tmp_path / "new", tmp_path / "frames"
    source.mkdir()
    (source / "mark").touch()
    destination.mkdir()
    modified = time.mktime((2024, 5, 6, 7, 8, 9, 0, 0, -1))
    os.utime(destination, (modified, modified))

    carry_out(context, "move-directory", src=str(source), dest=str(destination))

    assert (destination / "mark").exists()
    assert (tmp_path / "frames-2024-05-06_070809").is_dir()
    assert not source.exists()


def test_names_aside_are_numbered_after_the_highest(tmp_path: Path) -> None:
    path = tmp_path / "frames"
    path.mkdir()
    first = Path(name_aside(str(path)))
    first.mkdir()

    second = name_aside(str(path))
    Path(f"{first}-041").mkdir()

    assert second == f"{first}-001"
    assert name_aside(f"{path}/") == f"{first}-042"


def test_copy_makes_parents_and_keeps_no_mode(context: Any, tmp_path: Path) -> None:
    source, destination = tmp_path / "a", tmp_path / "deep" / "er" / "b"
    source.write_bytes(b"content")
    source.chmod(0o700)

    carry_out(context, "copy-file", src=str(source), dest=str(destination))

    assert destination.read_bytes() == b"content"
    assert not destination.stat().st_mode & stat.S_IXUSR
    assert stat.S_IMODE(destination.parent.stat().st_mode) == 0o750


@pytest.mark.parametrize("existing", ["file", "folder"])
def test_copy_never_overwrites(context: Any, tmp_path: Path, existing: str) -> None:
    (tmp_path / "a").write_text("new")
    (tmp_path / "file").write_text("old")
    (tmp_path / "folder").mkdir()

    with pytest.raises(CommandFailed, match="it exists already"):
        carry_out(context, "copy-file", src=str(tmp_path / "a"), dest=str(tmp_path / existing))

    assert (tmp_path / "file").read_text() == "old"


def test_copy_wants_a_regular_file(context: Any, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="it is no regular file"):
        carry_out(context, "copy-file", src=str(tmp_path), dest=str(tmp_path / "b"))


def test_copy_names_the_file_that_is_missing(context: Any, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="absent: No such file"):
        carry_out(context, "copy-file", src=f"{tmp_path}/absent", dest=f"{tmp_path}/b")


async def test_task_runs_its_commands_in_order_until_one_fails(
    house: Farmhouse, table: RunTable
) -> None:
    asked = house.ref()
    fetch = house.commands(
        ("echo", {"message": "first"}),
        ("sleep", {"duration_in_seconds": 0}),
        ("nonsense", {}),
        ("echo", {"message": "never"}),
    )

    outcome = await house.run(table, asked, fetch)

    assert outcome.reason == 'unknown command: "nonsense"'
    assert house.log(asked.key) == (
        'echo: "first"\nslept 0s\nFailed: unknown command: "nonsense"\n'
    )


async def test_sleeping_task_stops_at_once(house: Farmhouse, table: RunTable) -> None:
    asked = house.ref()
    fetch = house.commands(("echo", {"message": "ready"}), ("sleep", {"duration_in_seconds": 900}))
    running = asyncio.create_task(house.run(table, asked, fetch))
    await house.eventually(lambda: "ready" in house.log(asked.key))

    async with asyncio.timeout(5):
        await table.stop(asked.key, "enough")

    assert (await running).kind == "canceled"


async def test_configured_tool_is_what_a_bare_name_means(
    house: Farmhouse, table: RunTable, tmp_path: Path
) -> None:
    asked = house.ref()
    tool = tmp_path / "our-ffmpeg"
    tool.write_text("#!/bin/sh\necho ours: $*\n")
    tool.chmod(0o755)
    Image.new("RGB", (8, 8)).save(tmp_path / "1.png")
    fetch = house.commands(
        ("frames-to-video", VIDEO | {"exe": "ffmpeg", "inputGlob": f"{tmp_path}/*.png"}),
        tools={"ffmpeg": str(tool)},
    )

    await house.run(table, asked, fetch)

    assert "> ours: -hide_banner -y" in house.log(asked.key)
