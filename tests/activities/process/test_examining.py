"""A doctor's checks run beside each other, and none can hang or fail the others."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence

import pytest

from activities.process.examining import Check, HangingCalls, StillHangs, examined
from tests.manager.api_calls import eventually
from workflows.domain.doctor import Finding, State, fine


@pytest.fixture
def mount() -> Iterator[threading.Event]:
    """A mount that answers when it is set."""
    event = threading.Event()
    yield event
    event.set()


def well(name: str) -> Check:
    async def examine() -> Sequence[Finding]:
        return [fine(name, "Well.")]

    return Check((name,), examine)


async def test_a_look_that_hangs_is_broken_and_the_others_go_on(mount: threading.Event) -> None:
    calls = HangingCalls()

    async def examine() -> Sequence[Finding]:
        await calls.call("/mnt/lost", mount.wait, within_s=0.05)
        raise AssertionError("it hangs")

    lost, other = await examined([Check(("lost",), examine), well("other")])

    assert (lost.check, lost.state) == ("lost", State.BROKEN)
    assert "/mnt/lost does not answer" in lost.sentence
    assert "mount it again" in lost.advice
    assert other.state is State.FINE


async def test_while_a_look_hangs_no_second_one_begins(mount: threading.Event) -> None:
    calls, looks = HangingCalls(within_s=0.05), []

    def look() -> None:
        looks.append(threading.current_thread())
        mount.wait()

    for _ in range(5):
        with pytest.raises(StillHangs):
            await calls.call("/mnt/lost", look)

    assert len(looks) == 1


async def test_after_a_look_has_come_back_there_is_another(mount: threading.Event) -> None:
    calls = HangingCalls()
    with pytest.raises(StillHangs):
        await calls.call("/mnt/slow", mount.wait, within_s=0.05)

    mount.set()
    assert await eventually(lambda: _answer(calls)) == "back"


async def _answer(calls: HangingCalls) -> str:
    with contextlib.suppress(StillHangs):  # its thread has not ended yet
        return await calls.call("/mnt/slow", lambda: "back")
    return ""


async def test_an_error_of_a_look_is_the_callers() -> None:
    def fail() -> None:
        raise TimeoutError("of the mount itself")

    with pytest.raises(TimeoutError, match="of the mount itself"):
        await HangingCalls().call("/mnt", fail)


async def test_all_ids_of_a_check_that_fails_or_takes_too_long_are_broken() -> None:
    async def fail() -> Sequence[Finding]:
        raise RuntimeError("the driver is missing")

    async def hang() -> Sequence[Finding]:
        await asyncio.Event().wait()
        raise AssertionError

    failed, also_failed, late = await examined(
        [Check(("a", "a.b"), fail), Check(("c",), hang, within_s=0.05)]
    )

    assert [each.check for each in (failed, also_failed, late)] == ["a", "a.b", "c"]
    assert "the driver is missing" in failed.sentence
    assert failed.state is also_failed.state is late.state is State.BROKEN
    assert "overloaded" in late.advice
