"""Duties run until their stack ends them; work that is asked for is done, busy database or not."""

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest

from manager_api.database import loops
from manager_api.database.engine import DatabaseBusy
from manager_api.database.loops import begin, whenever


class Remembering:
    """A duty that writes down when it begins and ends."""

    def __init__(self, name: str, diary: list[str]) -> None:
        self._name = name
        self._diary = diary

    async def run(self) -> None:
        self._diary.append(f"{self._name} begins")
        try:
            await asyncio.Event().wait()
        finally:
            self._diary.append(f"{self._name} ends")


class Broken:
    async def run(self) -> None:
        raise ZeroDivisionError


async def test_duties_end_in_the_opposite_order() -> None:
    diary: list[str] = []

    async with AsyncExitStack() as stack:
        await begin(stack, {"a": Remembering("a", diary), "b": Remembering("b", diary)})

    assert diary == ["a begins", "b begins", "b ends", "a ends"]


async def test_a_duty_that_breaks_off_is_logged_with_its_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    diary: list[str] = []

    async with AsyncExitStack() as stack:
        await begin(stack, {"bad": Broken(), "good": Remembering("good", diary)})

    [line] = [line for line in caplog.records if line.levelno == logging.ERROR]
    assert vars(line)["duty"] == "bad"
    assert diary == ["good begins", "good ends"]


async def test_a_duty_that_breaks_off_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_BROKEN_PAUSE_S", 0)
    begun = 0
    works = asyncio.Event()

    class BrokenTwice:
        async def run(self) -> None:
            nonlocal begun
            begun += 1
            if begun <= 2:
                raise ZeroDivisionError
            works.set()
            await asyncio.Event().wait()

    async with AsyncExitStack() as stack, asyncio.timeout(60):
        await begin(stack, {"bad": BrokenTwice()})
        await works.wait()


async def test_work_is_done_again_after_the_database_was_busy() -> None:
    asked, done, answers = asyncio.Event(), asyncio.Event(), iter([DatabaseBusy("locked"), None])

    async def work() -> None:
        if (busy := next(answers)) is not None:
            raise busy
        done.set()

    working = asyncio.create_task(whenever(asked, work))
    asked.set()

    async with asyncio.timeout(10):
        await done.wait()
    working.cancel()


async def test_what_is_asked_for_during_the_work_is_done_after_it() -> None:
    asked, done = asyncio.Event(), asyncio.Event()
    turns = 0

    async def work() -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            asked.set()
        else:
            done.set()

    asked.set()
    working = asyncio.create_task(whenever(asked, work))

    async with asyncio.timeout(10):
        await done.wait()
    working.cancel()


async def test_a_tick_works_without_being_asked() -> None:
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    working = asyncio.create_task(whenever(asyncio.Event(), work, tick_s=0.01))

    async with asyncio.timeout(10):
        await done.wait()
    working.cancel()
