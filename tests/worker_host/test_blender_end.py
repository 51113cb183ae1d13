"""A Blender that does not end, and its neighbours, as real processes."""

import asyncio
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from PIL import Image

from tests.worker_host.farmhouse import Farmhouse, Fetch
from worker_host.commands.blender_end import BlendersEnd
from worker_host.commands.blender_frames import FrameAccount
from worker_host.run_table import RunTable
from workflows.domain.messages import OutcomeKind
from workflows.domain.run_times import RunTimes
from workflows.domain.written_frames import ExistingFrames

#: Says what Blender 3.4 says; `render(n)` writes a whole frame.
BLENDER = """
import os, signal, subprocess, sys, time, zlib, struct
os.chdir({folder!r})
def chunk(kind, data):
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum
PNG = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
PNG += chunk(b"IDAT", zlib.compress(b"\\0\\0")) + chunk(b"IEND", b"")
def say(text):
    print(text, flush=True)
def begin(frame):
    say(f"Fra:{{frame}} Mem:9.04M (Peak 10.83M) | Time:00:00.00 | Scene, ViewLayer | Sample 1/1")
def save(name, data=PNG):
    open(name, "wb").write(data)
    say(f"Saved: '{{os.path.abspath(name)}}'")
    say(" Time: 00:00.61 (Saving: 00:00.44)")
def render(frame):
    begin(frame)
    save(f"{{frame:06}}.png")
def skip(name, data=PNG):
    open(name, "wb").write(data)
    say(f'skipping existing frame "{{os.path.abspath(name)}}"')
def hang():
    time.sleep(10_000)
say("Blender 3.4.1")
say("Read blend: /scene.blend")
"""
STOPPED = "and they are whole, but it has not ended for 0.3 s: stopping it, and going on\n"


class Blender:
    """Makes programs that stand in for Blender."""

    def __init__(self, house: Farmhouse, folder: Path) -> None:
        self._house = house
        self._folder = folder
        (folder / "scene.blend").touch()

    def command(self, script: str, *arguments: str) -> tuple[str, dict[str, object]]:
        folder = self._folder / f"blender-{len(list(self._folder.iterdir()))}"
        folder.mkdir()
        program = folder / "blender"
        text = BLENDER.format(folder=str(folder)) + dedent(script)
        program.write_text(f"#!{sys.executable} -S\n{text}")
        program.chmod(0o755)
        blend = str(self._folder / "scene.blend")
        return "blender-render", {"exe": str(program), "blendfile": blend, "args": [*arguments]}

    def renders(self, script: str, *arguments: str, grace_s: float = 0.3) -> Fetch:
        command = self.command(script, *(arguments or ("-f", "1..2")))
        return self._house.commands(command, times=RunTimes(end_grace_s=grace_s))


@pytest.fixture
def blender(house: Farmhouse, tmp_path: Path) -> Blender:
    folder = tmp_path / "blenders"
    folder.mkdir()
    return Blender(house, folder)


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("render(1); render(2); hang()", ()),
        ("render(2); render(1); hang()", ("-o", "/x/####", "--render-frame", "1,2")),
        ("render(1); skip('000002.png'); hang()", ()),
        ("render(1); render(2); hang()", ("-f", "1..2", "--", "--cycles-device", "CPU")),
        # Two views: both are saved after both were rendered.
        ("begin(1); begin(1); save('0001_L.png'); save('0001_R.png'); hang()", ("-f", "1")),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN); render(1); render(2); hang()", ()),
        # A child keeps the output open.
        ("render(1); render(2); subprocess.Popen(['sleep', '600']); hang()", ()),
        # The thread of the add-on prints for ever.
        ("render(1); render(2)\nwhile True: say('still here'); time.sleep(0.02)", ()),
    ],
    ids=[
        *("hangs", "in-another-order", "skips", "arguments-of-scripts", "views"),
        *("ignores-sigterm", "leaves-a-child", "prints-for-ever"),
    ],
)
async def test_blender_is_stopped_when_all_its_frames_are_there(
    house: Farmhouse, table: RunTable, blender: Blender, script: str, arguments: tuple[str, ...]
) -> None:
    asked = house.ref()

    outcome = await house.run(table, asked, blender.renders(script, *arguments))

    assert outcome.kind is OutcomeKind.COMPLETED, house.log(asked.key)
    assert STOPPED in house.log(asked.key)
    assert not house.is_alive(house.shim(asked.key)["command"]["pid"])


@pytest.mark.parametrize(
    ("lines", "arguments"),
    [
        (["Fra:1 x", "Saved: '{whole}'"], ["-f", "1..2"]),
        (["Fra:1 x", "Saved: '{whole}'", "Fra:2 x"], ["-f", "1..2"]),
        # A name that seems to have the number of frame 2.
        (["skipping existing frame '{folder}/shot_0002_0001.png'"], ["-f", "1..2"]),
        (["Fra:1 x", "Saved: '{whole}'", "Fra:1 x"], ["-f", "1"]),
        (["Fra:1 x", "Saved: '{cut}'"], ["-f", "1"]),
        (["Fra:1 x", "Saved: '{whole}'"], ["-f", "1", "--python", "send.py"]),
        (["Fra:1 x", "Saved: '{whole}'"], ["-f", "1", "-S", "B", "-f", "1"]),
        (["Fra:1 x", "Saved: '{whole}'"], ["-s", "1", "-e", "1", "-a"]),
        (["Append frame 1"], ["-f", "1"]),
        (["Blender quits soon", "It said: Blender quit"], ["-s", "1", "-e", "1", "-a"]),
        (["a program of the studio's own"], ["-f", "1"]),
    ],
    ids=[
        *("before-the-last", "in-the-last", "name", "renders-once-more", "cut-off-file"),
        *("script-follows", "second-pass", "animation", "movie", "other-words", "no-blender"),
    ],
)
def test_blender_that_is_not_done_may_take_any_time(
    tmp_path: Path, lines: list[str], arguments: list[str]
) -> None:
    whole, cut = tmp_path / "whole.png", tmp_path / "cut.png"
    Image.new("RGB", (8, 8), "crimson").save(whole)
    cut.write_bytes(whole.read_bytes()[:-20])

    end = end_after(lines, arguments, folder=tmp_path, whole=whole, cut=cut)

    assert [end.overdue(at) for at in (0, 61, 1e6)] == ["", "", ""]


def test_the_grace_begins_again_with_each_line_about_frames(tmp_path: Path) -> None:
    path = tmp_path / "0001.png"
    Image.new("RGB", (8, 8), "crimson").save(path)
    account = FrameAccount()
    end = BlendersEnd(account, ["-f", "1"], 60)
    for at in (0, 50, 100):
        for line in ("Fra:1 x", f"Saved: '{path}'"):
            account.line(line.encode())
        assert end.overdue(at) == ""

    account.line(b"a script prints")

    assert end.overdue(159) == ""
    assert end.overdue(160).endswith("has not ended for 60 s")


def test_a_file_that_becomes_whole_late_gets_one_grace_more(tmp_path: Path) -> None:
    path = tmp_path / "0001.png"
    path.touch()
    end = end_after(["Fra:1 x", f"Saved: '{path}'"], ["-f", "1"])
    assert [end.overdue(at) for at in (0, 60)] == ["", ""]

    Image.new("RGB", (8, 8), "crimson").save(path)

    assert end.overdue(119) == ""
    assert end.overdue(120)


def test_a_grace_of_zero_stops_nothing() -> None:
    end = end_after(["Blender quit"], ["-f", "1"], grace_s=0)

    assert [end.overdue(at) for at in (0, 1e6)] == ["", ""]


def end_after(
    lines: list[str], arguments: list[str], grace_s: float = 60, **paths: Path
) -> BlendersEnd:
    account = FrameAccount()
    for line in lines:
        account.line(line.format(**paths).encode())
    return BlendersEnd(account, arguments, grace_s)


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("render(1); render(2); say('Blender quit'); hang()", ("-s", "1", "-e", "2", "-a")),
        ("say('Append frame 1'); say('Append frame 2'); say('Blender quit'); hang()", ()),
        ("render(1); say('Blender quit'); hang()", ("-f", "1", "--python", "send.py")),
    ],
    ids=["animation", "movie", "script-follows"],
)
async def test_blenders_last_words_count_where_the_frames_do_not_tell(
    house: Farmhouse, table: RunTable, blender: Blender, script: str, arguments: tuple[str, ...]
) -> None:
    asked = house.ref()

    outcome = await house.run(table, asked, blender.renders(script, *arguments))

    assert outcome.kind is OutcomeKind.COMPLETED, house.log(asked.key)
    assert "Blender said that it quits, but has not ended for 0.3 s" in house.log(asked.key)


async def test_last_words_do_not_make_up_for_a_missing_frame(
    house: Farmhouse, table: RunTable, blender: Blender
) -> None:
    outcome = await house.run(
        table, house.ref(), blender.renders("render(1); say('Blender quit'); hang()")
    )

    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.reason == "Blender ended without having written frame 2"


async def test_skipped_frame_that_is_cut_off_is_rendered_after_blender_was_stopped(
    house: Farmhouse, table: RunTable, blender: Blender
) -> None:
    asked = house.ref()
    script = """
    render(1)
    if os.path.exists("000002.png.incomplete"):
        render(2)
    else:
        skip("000002.png", PNG[:-20])
    hang()
    """

    outcome = await house.run(table, asked, blender.renders(script))

    assert outcome.kind is OutcomeKind.COMPLETED, house.log(asked.key)
    assert house.log(asked.key).count(STOPPED) == 2


async def test_each_command_of_a_task_has_a_grace_of_its_own(
    house: Farmhouse, table: RunTable, blender: Blender
) -> None:
    asked = house.ref()
    first = blender.command("render(1); hang()", "-f", "1")
    second = blender.command("render(2)", "-f", "2")
    third = blender.command("render(3); hang()", "-f", "3")
    times = RunTimes(end_grace_s=0.3)

    outcome = await house.run(table, asked, house.commands(first, second, third, times=times))

    assert outcome.kind is OutcomeKind.COMPLETED, house.log(asked.key)
    assert house.log(asked.key).count(STOPPED) == 2


async def test_grandchild_that_holds_the_output_does_not_hold_a_blender_that_ended(
    house: Farmhouse, table: RunTable, blender: Blender
) -> None:
    asked = house.ref()
    script = """
    render(1); render(2)
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    say("Blender quit")
    sys.exit(3)
    """

    outcome = await house.run(table, asked, blender.renders(script, grace_s=60))

    assert outcome.reason == "command exited abnormally with code 3", house.log(asked.key)


@pytest.mark.parametrize("is_host_killed", [False, True])
async def test_a_frame_that_a_killed_run_has_set_aside_is_put_back(
    house: Farmhouse, table: RunTable, blender: Blender, tmp_path: Path, *, is_host_killed: bool
) -> None:
    older = tmp_path / "frame_0001.png"
    Image.new("RGB", (8, 8), "navy").save(older)
    before = older.read_bytes()
    commands = house.commands(
        blender.command("hang()", "-o", f"{tmp_path}/frame_####", "-F", "PNG", "-f", "1"),
        existing_frames=ExistingFrames(are_all_kept=False),
    )
    asked = house.ref()
    waiting = asyncio.ensure_future(house.run(table, asked, commands))
    await house.eventually(lambda: not older.exists())

    if is_host_killed:
        waiting.cancel()
        await house.crash(table)
    house.kill(house.shim(asked.key)["pid"])
    if is_host_killed:
        waiting = asyncio.ensure_future(house.run(await house.open(), asked, commands))

    assert (await waiting).kind is OutcomeKind.LOST
    assert older.read_bytes() == before
