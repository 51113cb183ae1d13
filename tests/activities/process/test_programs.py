"""A program that is waited for ends, with its children, when the waiting does."""

import asyncio
import contextlib
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import psutil
import pytest

from activities.process import programs
from activities.process.programs import running, started

#: Starts a child that holds the output, says its number in a file, and stays.
WITH_CHILD = 'sleep 600 & echo $! > "$1.new"; mv "$1.new" "$1"; {}'


def command(then: str, told: Path) -> list[str]:
    return ["/bin/sh", "-c", WITH_CHILD.format(then), "sh", str(told)]


async def gone(told: Path) -> bool:
    """Whether the child ends; its parent, which reaps it, may be any."""
    child = int(told.read_text())  # noqa: ASYNC240
    for _ in range(200):
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.05)
                continue
        return True
    return False


async def test_children_end_with_the_context(tmp_path: Path) -> None:
    told = tmp_path / "child"

    async with running(*command("exit 3", told), stdout=PIPE) as process:
        while process.returncode is None:  # noqa: ASYNC110 -- `wait` waits for the output, too
            await asyncio.sleep(0.01)

    assert process.returncode == 3
    assert await gone(told)


async def test_children_end_when_what_waits_is_canceled(tmp_path: Path) -> None:
    told = tmp_path / "child"

    async def wait_for_output() -> None:
        async with running(*command("wait", told), stdout=PIPE) as process:
            await process.communicate()

    waiting = asyncio.create_task(wait_for_output())
    while not told.exists():  # noqa: ASYNC110 -- another process makes it
        await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait({waiting})

    assert waiting.cancelled()
    assert await gone(told)


@pytest.mark.parametrize("steps", [2, 3, 4])
async def test_nothing_is_left_of_a_program_whose_start_is_canceled(
    tmp_path: Path, steps: int
) -> None:
    """Also if it has children by then; in a busy loop the start may take long."""
    told = tmp_path / "child"
    starting = asyncio.create_task(started(*command("wait", told), stdin=PIPE, stdout=PIPE))
    for _ in range(steps):
        await asyncio.sleep(0)
    while not told.exists():
        # The loop is busy meanwhile.
        time.sleep(0.01)  # noqa: ASYNC251

    if starting.cancel():
        await asyncio.wait({starting})
        assert starting.cancelled()
        assert await gone(told)
    else:
        await programs.end(starting.result())


async def test_a_canceled_start_of_a_missing_program_is_canceled() -> None:
    starting = asyncio.create_task(started("/no/such/program"))
    await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait({starting})

    assert starting.cancelled()


async def test_what_has_left_the_group_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_GONE_WITHIN_S", 0.3)
    told = tmp_path / "child"
    away = f"setsid sh -c 'sleep 600 & echo $! > {told}; wait' & wait"

    async with running("/bin/sh", "-c", away, stdout=PIPE) as process:
        while not told.exists() or not told.read_text().endswith("\n"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    psutil.Process(int(told.read_text())).kill()
    await process.wait()
