"""Pauses grow up to their limit; a change is logged, and not each attempt."""

import asyncio
import logging
import random

import pytest

from activities.connections.retrying import ChangeLog, Pauses

logger = logging.getLogger(__name__)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was slept each time; chance takes nothing off."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    return slept


async def test_pauses_double_up_to_their_limit(slept: list[float]) -> None:
    pauses = Pauses(1.0, 5.0)

    for _ in range(5):
        await pauses.pause()

    assert slept == [1.0, 2.0, 4.0, 5.0, 5.0]


async def test_after_a_success_pauses_are_short_again(slept: list[float]) -> None:
    pauses = Pauses(1.0, 5.0)
    await pauses.pause()
    await pauses.pause()

    pauses.start_over()
    await pauses.pause()

    assert slept == [1.0, 2.0, 1.0]


async def test_chance_takes_up_to_half_of_a_pause_off(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    pauses = Pauses(1.0, 1.0)

    for _ in range(100):
        await pauses.pause()

    assert min(slept) >= 0.5
    assert max(slept) <= 1.0
    assert len(set(slept)) > 1


def test_the_same_failure_is_said_once_and_another_one_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = ChangeLog(logger)

    with caplog.at_level(logging.INFO):
        for reason in ("refused", "refused", "too slow", "too slow"):
            log.fails("away", reason=reason)
        log.works("here")
        log.works("here")
        log.fails("away", reason="too slow")

    said = [(line.levelno, line.message, vars(line).get("reason")) for line in caplog.records]
    assert said == [
        (logging.WARNING, "away", "refused"),
        (logging.WARNING, "away", "too slow"),
        (logging.INFO, "here", None),
        (logging.WARNING, "away", "too slow"),
    ]


def test_a_failure_after_a_silent_recovery_is_said_again(caplog: pytest.LogCaptureFixture) -> None:
    log = ChangeLog(logger)

    log.fails("away")
    log.forget()
    log.fails("away")

    assert [line.message for line in caplog.records] == ["away", "away"]
