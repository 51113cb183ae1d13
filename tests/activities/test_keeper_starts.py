"""The keeper starts workflows side by side, beside its passes: no job waits for another one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from activities.keeper_memory import Wakeup
from activities.keeping import AT_ONCE, Epoch, TemporalAway
from tests.activities.empty_farm import EmptyFarm
from workflows.domain.farm_facts import FarmSnapshot
from workflows.domain.keeping import KeeperTimes, Message
from workflows.domain.messages import Lease

TIMES = KeeperTimes(tick_s=0.01, resend_s=0.01, start_again_s=0.01)


class BusyFarm(EmptyFarm):
    """Many jobs are to be started; Temporal answers only the starts of some."""

    def __init__(self, jobs: int) -> None:
        super().__init__()
        self.waiting = [(f"job {number}", 1) for number in range(jobs)]
        self.unanswered: set[str] = set()
        self.refused: set[str] = set()
        self.begun: list[str] = []
        self.passes = 0

    async def outbox(self, most: int | None = None) -> list[tuple[str, int]]:
        return self.waiting[:most]

    async def start_job(self, job_id: str, run: int) -> bool:
        self.begun.append(job_id)
        if job_id in self.unanswered:
            await asyncio.Event().wait()
        if job_id in self.refused:
            raise TemporalAway("no mapping for its search attribute")
        return True

    async def started(self, job_id: str, run: int) -> None:
        self.waiting.remove((job_id, run))

    async def snapshot(self, is_present: Callable[[str], bool]) -> FarmSnapshot:
        self.passes += 1
        return await super().snapshot(is_present)


def epoch_of(farm: EmptyFarm) -> Epoch:
    return Epoch(1, farm, farm, farm, Wakeup(), TIMES)


@contextlib.asynccontextmanager
async def kept(farm: EmptyFarm) -> AsyncIterator[None]:
    epoch = epoch_of(farm)
    loops = [asyncio.create_task(loop) for loop in (epoch.run(), epoch.run_starts())]
    yield
    for loop in loops:
        loop.cancel()
    await asyncio.wait(loops)
    assert all(loop.cancelled() for loop in loops)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the keeper's loops tell nobody of their rounds
            await asyncio.sleep(0.005)


async def test_a_start_without_an_answer_holds_up_no_other_job_and_no_pass() -> None:
    farm = BusyFarm(jobs=5 * AT_ONCE)
    farm.unanswered = {"job 0", "job 7"}

    async with kept(farm):
        await until(lambda: {job for job, _ in farm.waiting} == farm.unanswered)
        passes = farm.passes
        await until(lambda: farm.passes > passes + 1)

    assert len(farm.begun) == 5 * AT_ONCE, "each start was begun once"


async def test_starts_are_bounded_in_number() -> None:
    farm = BusyFarm(jobs=5 * AT_ONCE)
    farm.unanswered = {job for job, _ in farm.waiting}

    async with kept(farm):
        await until(lambda: farm.passes > 5)

        assert farm.begun == [f"job {number}" for number in range(AT_ONCE)]


async def test_a_start_that_fails_is_tried_again_and_holds_up_no_other_job() -> None:
    farm = BusyFarm(jobs=3)
    farm.refused = {"job 0"}

    async with kept(farm):
        await until(lambda: farm.begun.count("job 0") > 2)
        assert farm.waiting == [("job 0", 1)]
        farm.refused.clear()
        await until(lambda: not farm.waiting)


class Lent(EmptyFarm):
    """Leases of two jobs are not confirmed yet; the workflow of the first job cannot be told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    async def unconfirmed_leases(self, older_than_s: float) -> list[Lease]:
        return [
            Lease(job, "carmen", "carmen", 1, 0, 1, job, 1, ("blender",)) for job in ("one", "two")
        ]

    async def tell(self, message: Message) -> None:
        if message.job_id == "one":
            raise TemporalAway("its shard moves")
        self.told.append(message.job_id)


async def test_a_job_that_cannot_be_told_keeps_no_message_from_the_others() -> None:
    farm = Lent()

    with pytest.raises(TemporalAway):
        await epoch_of(farm).make_pass()

    assert farm.told == ["two"]
