"""A real disk that is full, with the folder of runs on it: no render is lost, nothing is left."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.farm.small_disk import SmallDisk, small_disk
from tests.worker_host.farmhouse import Farmhouse
from worker_host.processes.output import LogFile
from worker_host.run_table import RunTable
from workflows.domain.messages import OutcomeKind

#: Files of the folder itself.
OWN = {"filler", "host.lock", "stopped"}


@pytest.fixture
async def house_on_disk(tmp_path: Path) -> AsyncIterator[tuple[Farmhouse, RunTable, SmallDisk]]:
    with small_disk(tmp_path / "runs", size_mb=2) as disk:
        house = Farmhouse(disk.folder)
        table = await house.open()
        yield house, table, disk
        await house.close()


def left_in(disk: SmallDisk) -> set[str]:
    return set(os.listdir(disk.folder)) - OWN


async def test_a_run_that_cannot_begin_is_the_machines_fault(
    house_on_disk: tuple[Farmhouse, RunTable, SmallDisk],
) -> None:
    house, table, disk = house_on_disk
    disk.fill()

    outcome = await house.run(table, house.ref(), house.shell("true"))

    assert (outcome.kind, outcome.fault, outcome.rule) == ("failed", "machine", "disk-full")
    assert (house.hooks.faults, left_in(disk)) == (["disk-full"], set())
    disk.clear()
    assert (await house.run(table, house.ref(attempt=2), house.shell("true"))).kind == "completed"


@pytest.mark.parametrize("noise", ["", "head -c 300000 /dev/zero | tr '\\0' x; "])
async def test_a_render_on_a_disk_that_fills_up_is_not_lost(
    house_on_disk: tuple[Farmhouse, RunTable, SmallDisk], tmp_path: Path, noise: str
) -> None:
    house, table, disk = house_on_disk
    asked, go, frame = house.ref(), tmp_path / "go", tmp_path / "frame"
    script = f"echo begun; while [ ! -e {go} ]; do sleep 0.05; done; {noise}echo whole > {frame}"
    running = asyncio.create_task(house.run(table, asked, house.shell(script)))
    await house.eventually(lambda: "> begun" in house.log(asked.key))

    disk.fill()
    go.touch()
    outcome = await running

    assert (outcome.kind, frame.read_text()) == (OutcomeKind.COMPLETED, "whole\n")
    table.accepted(asked.key)
    await house.eventually(lambda: not left_in(disk))


def test_the_log_says_how_much_was_lost(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_mb=1) as disk:
        log = LogFile(str(disk.folder / "log"))
        log.line("begun")
        disk.fill()
        log.line("x" * 99_999)

        disk.clear()
        log.line("ended")

        written = (disk.folder / "log").read_text()
    assert written.startswith("begun\n")
    assert written.endswith(
        "\n(95910 bytes of the log were lost: the disk did not take them)\nended\n"
    )


async def test_without_reserved_space_the_outcome_is_written_all_the_same(
    house: Farmhouse, table: RunTable
) -> None:
    asked = house.ref()

    outcome = await house.run(table, asked, house.shell(f"rm {house.path(asked.key, 'reserved')}"))

    assert outcome.kind is OutcomeKind.COMPLETED


async def test_a_run_can_be_stopped_on_a_full_disk(
    house_on_disk: tuple[Farmhouse, RunTable, SmallDisk],
) -> None:
    house, table, disk = house_on_disk
    asked, other = house.ref(), house.ref(index=2)
    running = asyncio.create_task(house.run(table, asked, house.shell("echo begun; sleep 60")))
    await house.eventually(lambda: "> begun" in house.log(asked.key))
    disk.fill()

    await table.stop(asked.key, "Stopped by the test")
    await table.stop(other.key, "Stopped before it began")

    assert (await running).kind is OutcomeKind.CANCELED
    assert (await house.run(table, other, house.shell("true"))).kind is OutcomeKind.CANCELED
