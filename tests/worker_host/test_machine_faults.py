"""Faults of the machine: disks that are full, programs that are missing, and their probes."""

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.small_disk import SmallDisk, small_disk
from tests.worker_host.farmhouse import Farmhouse
from worker_host.asides import Asides
from worker_host.disks import trouble_with
from worker_host.folders import written_by
from worker_host.machine_faults import MachineFaults
from worker_host.run_spec import Command
from worker_host.run_table import RunTable
from workflows.domain.messages import Outcome, OutcomeKind

#: As Blender does with a PNG on a full disk: it says that it has saved it.
SAYS_SAVED = """#!/bin/sh
echo "Blender 3.4.1"
echo "Read blend: $2"
echo "Fra:1 Mem:9.90M"
: > "$OUT/f0001.png"
echo "Saved: '$OUT/f0001.png'"
echo "Blender quit"
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", size_mb=2) as disk:
        yield disk


def program(path: Path, script: str) -> str:
    path.write_text(script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_a_full_disk_is_found_although_blender_says_saved(
    house: Farmhouse, table: RunTable, tmp_path: Path, disk: SmallDisk
) -> None:
    (tmp_path / "a.blend").touch()
    blender = program(tmp_path / "blender", SAYS_SAVED.replace("$OUT", str(disk.folder)))
    parameters = {
        "exe": blender,
        "blendfile": str(tmp_path / "a.blend"),
        "args": ["-o", str(disk.folder / "f####"), "-f", "1"],
    }
    disk.fill()

    outcome = await house.run(table, house.ref(), house.commands(("blender-render", parameters)))

    assert (outcome.kind, outcome.fault, outcome.rule) == ("failed", "machine", "disk-full")
    assert outcome.reason.startswith("A disk is full: free some space. (")
    assert house.hooks.faults == ["disk-full"]


#: As Blender 3.4 and 4.5 do with a movie, also on a full disk.
WRITES_MOVIE = """#!/bin/sh
echo "Read blend: $2"
head -c 100000 /dev/zero > "$OUT/f0001-0002.avi"
echo "Append frame 1"
echo "Append frame 2"
echo "Blender quit"
"""


async def test_a_movie_on_a_full_disk_is_not_done(
    house: Farmhouse, table: RunTable, tmp_path: Path, disk: SmallDisk
) -> None:
    (tmp_path / "a.blend").touch()
    parameters = {
        "exe": program(tmp_path / "blender", WRITES_MOVIE.replace("$OUT", str(disk.folder))),
        "blendfile": str(tmp_path / "a.blend"),
        "args": ["-o", str(disk.folder / "f"), "-s", "1", "-e", "2", "-a"],
    }
    commands = house.commands(("blender-render", parameters))

    with_space = await house.run(table, house.ref(), commands)
    disk.fill()
    full = await house.run(table, house.ref(2), commands)

    assert with_space.kind is OutcomeKind.COMPLETED
    assert (full.kind, full.fault, full.rule) == ("failed", "machine", "disk-full")
    assert "its movie may be cut off" in full.reason


@pytest.mark.parametrize(
    ("script", "fault", "rule"),
    [
        ("echo 'Error: Cannot render, no camera'; exit 1", "scene", "no-camera"),
        ("echo 'x: No space left on device' >&2; exit 1", "machine", "disk-full"),
        ("echo 'Error: System is out of GPU memory'; exit 1", "machine", "gpu-memory"),
        ("kill -9 $$", "machine", "memory"),
        ("kill -11 $$", "", ""),
        ("kill -7 $$", "machine", "unreadable-memory"),
        ("exit 1", "", ""),
    ],
)
async def test_the_outcome_names_the_class_and_the_rule(
    house: Farmhouse, table: RunTable, script: str, fault: str, rule: str
) -> None:
    outcome = await house.run(table, house.ref(), house.shell(script))

    assert (outcome.kind, outcome.fault, outcome.rule) == (OutcomeKind.FAILED, fault, rule)


async def test_a_crash_is_called_a_crash(house: Farmhouse, table: RunTable) -> None:
    outcome = await house.run(table, house.ref(), house.shell("kill -11 $$"))

    assert outcome.reason == "command exited abnormally with code -11 (it crashed, SIGSEGV)"


async def test_lines_of_an_earlier_command_are_no_cause(house: Farmhouse, table: RunTable) -> None:
    commands = house.commands(
        ("exec", {"exe": "/bin/echo", "args": ["No space left on device"]}),
        ("exec", {"exe": "/bin/false"}),
    )

    outcome = await house.run(table, house.ref(), commands)

    assert outcome == Outcome(OutcomeKind.FAILED, "command exited abnormally with code 1")


async def test_what_a_program_prints_is_no_cause_if_it_succeeds(
    house: Farmhouse, table: RunTable
) -> None:
    outcome = await house.run(
        table, house.ref(), house.shell("echo 'No space left on device'; exit 0")
    )

    assert outcome.kind is OutcomeKind.COMPLETED
    assert (house.hooks.completed, house.hooks.faults) == (1, [])


@pytest.mark.parametrize(
    ("name", "parameters", "fault"),
    [
        ("blender-render", {"exe": "/no/blender", "blendfile": ""}, "machine"),
        ("blender-render", {"exe": "{blender-9.9}", "blendfile": ""}, "machine"),
        ("exec", {"exe": "/no/tool"}, ""),
    ],
)
async def test_only_the_machines_own_programs_are_its_fault(
    house: Farmhouse, table: RunTable, name: str, parameters: dict[str, str], fault: str
) -> None:
    outcome = await house.run(table, house.ref(), house.commands((name, parameters)))

    assert (outcome.kind, outcome.fault) == (OutcomeKind.FAILED, fault)


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("full/shot.blend", "no-blend-file"),
        ("empty/shot.blend", ""),
        ("nowhere/shot.blend", ""),
        ("/shot.blend", "no-blend-file"),
        ("C:\\shots\\shot.blend", ""),
        ("full/other.blend/shot.blend", ""),
    ],
)
async def test_a_blend_file_is_surely_missing_where_its_folder_is(
    house: Farmhouse, table: RunTable, tmp_path: Path, path: str, rule: str
) -> None:
    for folder in ("full", "empty"):
        (tmp_path / folder).mkdir()
    (tmp_path / "full" / "other.blend").touch()
    blend_file = path if ":" in path else str(tmp_path / path)
    commands = house.commands(("blender-render", {"exe": "blender", "blendfile": blend_file}))

    outcome = await house.run(table, house.ref(), commands)

    assert (outcome.rule, outcome.fault) == (rule, "scene" if rule else "")
    assert outcome.reason.startswith(f'blend file does not exist: "{blend_file}"')


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("blender-render", {"args": ["-o", "/out/f####", "-f", "1"]}, ["/out"]),
        ("blender-render", {"exeArgs": "-o /out/f####"}, ["/out"]),
        ("blender-render", {"args": ["-o", "//out/f####"]}, []),
        ("blender-render", {"args": 3}, []),
        ("frames-to-video", {"outputFile": "/out/a.mp4"}, ["/out"]),
        ("copy-file", {"src": "/a", "dest": "/b/c"}, ["/b"]),
        ("move-directory", {"src": "/a", "dest": "/b/c"}, ["/b"]),
        ("make-directory", {"path": "relative"}, []),
        ("exec", {"exe": "/bin/true"}, []),
    ],
)
def test_the_folders_that_a_command_writes(
    name: str, parameters: dict[str, object], expected: list[str]
) -> None:
    assert written_by(name, parameters) == expected


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path, disk: SmallDisk) -> None:
    assert trouble_with([str(disk.folder / "not" / "yet" / "there")], 0) is None
    disk.fill()

    trouble = trouble_with([str(tmp_path), str(disk.folder)], 0)

    assert trouble is not None
    assert trouble.rule.name == "disk-full"
    assert os.listdir(disk.folder) == ["filler"]


def test_a_disk_with_little_space_counts_as_full(disk: SmallDisk) -> None:
    trouble = trouble_with([str(disk.folder)], 10_000_000)

    assert trouble is not None
    assert "MB are free" in trouble.words


class SetAside:
    """Asides whose changes are counted."""

    def __init__(self) -> None:
        self.changes = 0
        self._changed_now = asyncio.Event()
        self.asides = Asides(0.01, self._changed)

    def _changed(self) -> None:
        self.changes += 1
        self._changed_now.set()

    @property
    def causes(self) -> list[str]:
        return [aside.cause for aside in self.asides.all()]

    async def until_without(self, cause: str) -> None:
        async with asyncio.timeout(60):
            while cause in self.causes:
                self._changed_now.clear()
                await self._changed_now.wait()


def faults(asides: Asides, tmp_path: Path, tools: dict[str, str] | None = None) -> MachineFaults:
    return MachineFaults(
        asides, runs_dir=tmp_path, min_free=0, task_types=("blender", "misc"), tools=tools or {}
    )


async def test_a_worker_is_forgiven_when_the_disk_has_space_again(disk: SmallDisk) -> None:
    aside = SetAside()
    disk.fill()
    outcome = Outcome(OutcomeKind.FAILED, "A disk is full.", fault="machine", rule="disk-full")
    command = Command("copy-file", {"dest": str(disk.folder / "a")})
    faults(aside.asides, disk.folder.parent).run_failed(outcome, [command])
    probing = asyncio.create_task(aside.asides.run())
    assert aside.asides.reason == "A disk is full."

    disk.clear()
    await aside.until_without("disk-full")

    assert (aside.asides.reason, aside.changes) == ("", 2)
    probing.cancel()


async def test_a_worker_without_blender_is_set_aside_from_its_tasks(tmp_path: Path) -> None:
    aside = SetAside()
    machine = faults(aside.asides, tmp_path, {"ffmpeg": "/bin/true"})
    needed = {"blender": [str(tmp_path / "blender")], "ffmpeg": ["/no/ffmpeg"]}

    await machine.look_for_programs(needed, {})

    [found] = aside.asides.all()
    assert (found.cause, found.task_types) == ("program-missing", ("blender",))
    assert (aside.asides.reason, str(tmp_path / "blender") in found.reason) == ("", True)

    program(tmp_path / "blender", "#!/bin/sh\n")
    await machine.look_for_programs(needed, {})

    assert aside.asides.all() == []


@pytest.mark.parametrize(
    ("needed", "provision"),
    [
        ({"blender": ["/no/a", "/bin/true"]}, {}),
        ({"blender": ["/no/a"]}, {"blender": {"4.5": "/bin/true"}}),
        ({"blender": ["/no/a"]}, {"task_types": ["misc"]}),
        ({"blender": ["blender"]}, {}),
        ({"ffmpeg": ["/no/ffmpeg"]}, {}),
        ({}, {}),
    ],
)
async def test_one_program_for_a_task_type_is_enough(
    tmp_path: Path, needed: dict[str, list[str]], provision: dict[str, object]
) -> None:
    aside = SetAside()

    machine = faults(aside.asides, tmp_path, {"blender": "/bin/true"})
    await machine.look_for_programs(needed, provision)

    assert aside.asides.all() == []


async def test_a_person_can_forgive_before_the_probe_does() -> None:
    aside = SetAside()
    aside.asides.set_aside("storage", "The storage is away.", lambda: False)

    aside.asides.forgive()

    assert (aside.asides.all(), aside.changes) == ([], 2)


async def test_a_probe_that_hangs_or_breaks_holds_up_no_other() -> None:
    aside = SetAside()
    may_end = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hangs() -> bool:
        asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result(60)
        return True

    def breaks() -> bool:
        raise OSError("gone")

    aside.asides.set_aside("hangs", "It hangs.", hangs)
    aside.asides.set_aside("breaks", "It breaks.", breaks)
    aside.asides.set_aside("mended", "It is mended.", lambda: True)
    probing = asyncio.create_task(aside.asides.run())
    await aside.until_without("mended")

    assert aside.causes == ["hangs", "breaks"]
    may_end.set()
    probing.cancel()
