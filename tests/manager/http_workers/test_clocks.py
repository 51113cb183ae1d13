"""The machine's clock is put forward or back while HTTP workers work."""

from datetime import datetime, timedelta

import httpx
import pytest

from manager_api.database.engine import utc_now
from manager_api.database.tables import HttpRunState
from manager_api.http_workers.presence import HttpPresence
from manager_api.workers import store as workers
from tests.manager.http_workers.http_farm import AtWork, HttpFarm
from workflows.domain.http_workers import Patience
from workflows.domain.run_times import FarmTimes, RunLimits

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Clock:
    """A machine's clock, and the time that passed."""

    def __init__(self) -> None:
        self.shown = utc_now()
        self.passed = 0.0

    def passes(self, time: timedelta) -> None:
        self.shown += time
        self.passed += time.total_seconds()

    def presence(self) -> HttpPresence:
        patience = Patience(worker=MINUTE)
        return HttpPresence(lambda: patience, lambda: self.shown, lambda: self.passed)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def put(http_farm: HttpFarm, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the farm's manager, which is put by a change of `shown`."""
    clock.presence()
    http_farm.runs.presence = HttpPresence(
        http_farm.runs.patience, lambda: clock.shown, lambda: clock.passed
    )
    for module in ("http_workers.keeping", "runs.http_store", "http_workers.registry"):
        monkeypatch.setattr(f"manager_api.{module}.utc_now", lambda: clock.shown)
    return clock


@pytest.mark.parametrize("by", [HOUR, -HOUR, 6 * MINUTE])
def test_a_worker_that_speaks_is_not_missed_when_the_clock_is_put(
    clock: Clock, by: timedelta
) -> None:
    presence = clock.presence()
    seen = clock.shown
    clock.passes(timedelta(seconds=30))
    assert presence.is_present("worker", seen)

    clock.shown += by

    assert presence.is_present("worker", seen)
    clock.passes(timedelta(seconds=59))
    assert presence.is_present("worker", None)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_worker_that_is_silent_afterwards_is_missed(clock: Clock, by: timedelta) -> None:
    presence = clock.presence()
    presence.heard("worker")
    clock.shown += by
    presence.now()

    for _ in range(61):
        clock.passes(timedelta(seconds=1))
        presence.now()

    assert not presence.is_present("worker", None)


def test_a_clock_that_is_slewed_changes_nothing(clock: Clock) -> None:
    presence = clock.presence()
    since = presence.listening_since

    for _ in range(600):
        clock.passes(timedelta(seconds=1))
        clock.shown += timedelta(milliseconds=1)
        presence.now()

    assert presence.listening_since == since
    assert not presence.is_present("worker", None)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
async def test_a_run_goes_on_when_the_clock_is_put(
    http_farm: HttpFarm, at_work: AtWork, put: Clock, by: timedelta
) -> None:
    http_farm.times = FarmTimes(limits=RunLimits(longest_run=timedelta(minutes=30)))
    await http_farm.keeping.look()

    put.shown += by
    await http_farm.keeping.look()

    assert await http_farm.state(at_work.key) is HttpRunState.RUNNING


async def test_a_run_is_over_its_time_by_the_time_that_passed(
    http_farm: HttpFarm, at_work: AtWork, put: Clock
) -> None:
    http_farm.times = FarmTimes(limits=RunLimits(longest_run=timedelta(minutes=5)))
    await http_farm.keeping.look()
    put.shown -= HOUR
    await http_farm.keeping.look()

    put.passes(timedelta(minutes=6))
    await http_farm.keeping.look()

    kind, reason = await http_farm.outcome(at_work.key)
    assert (kind, "6 min" in reason) == ("failed", True)


async def test_a_worker_that_falls_silent_after_the_clock_was_put_back_is_missed(
    http_farm: HttpFarm, at_work: AtWork, put: Clock
) -> None:
    put.shown -= HOUR
    await http_farm.keeping.look()
    run = await http_farm.run(at_work.key)
    assert run is not None
    assert run.touched <= put.shown

    put.passes(timedelta(minutes=11))
    await http_farm.keeping.look()

    kind, reason = await http_farm.outcome(at_work.key)
    assert (kind, "reported nothing" in reason) == ("failed", True)


async def test_times_from_the_future_are_corrected_at_a_start(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await http_farm.silence(at_work.key, -HOUR)
    await _seen(http_farm, at_work, utc_now() + HOUR)
    http_farm.runs.presence = HttpPresence(http_farm.runs.patience)

    await http_farm.keeping.look()

    run, worker = await http_farm.run(at_work.key), await http_farm.worker(at_work.auth.id)
    assert run is not None
    assert worker.last_seen is not None
    assert run.reported is not None
    assert max(run.touched, run.reported, worker.last_seen) <= utc_now()


async def _seen(http_farm: HttpFarm, at_work: AtWork, when: datetime) -> None:
    async with http_farm.farm.parts.database.writing() as session:
        await workers.seen(session, [at_work.auth.id], when)
