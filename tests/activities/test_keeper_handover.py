"""A keeper that is cut off goes quietly, unless its process ends."""

import asyncio

import pytest
from temporalio.activity import ActivityCancellationDetails, _CompleteAsyncError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.keeper_memory import Wakeup
from activities.keeping import FarmKeeper
from tests.activities.empty_farm import EmptyFarm


async def cut_off(**details: bool) -> None:
    farm, environment = EmptyFarm(), ActivityEnvironment()
    keeper = FarmKeeper(farm, farm, farm, Wakeup())
    keeping = asyncio.ensure_future(environment.run(keeper.keep_farm))
    await farm.seen.wait()
    environment.cancel(cancellation_details=ActivityCancellationDetails(**details))
    await keeping


async def test_a_keeper_whose_place_another_took_says_nothing() -> None:
    with pytest.raises(_CompleteAsyncError):
        await cut_off(not_found=True)


async def test_a_keeper_whose_process_ends_says_so_for_another_to_take_over() -> None:
    with pytest.raises(asyncio.CancelledError):
        await cut_off(worker_shutdown=True)


async def test_a_keeper_ends_as_soon_as_its_process_begins_to_end() -> None:
    farm, environment = EmptyFarm(), ActivityEnvironment()
    keeper = FarmKeeper(farm, farm, farm, Wakeup())
    keeping = asyncio.ensure_future(environment.run(keeper.keep_farm))
    await farm.seen.wait()

    environment.worker_shutdown()

    with pytest.raises(ApplicationError, match="its manager ends") as ended:
        await keeping
    assert not ended.value.non_retryable
