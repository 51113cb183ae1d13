"""The manager's Temporal worker: the keeper works whatever happens to its workflow."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.operatorservice.v1 import (
    ListSearchAttributesRequest,
    RemoveSearchAttributesRequest,
)
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

from activities.heartbeats import heartbeats
from manager_api.temporal.access import TemporalAccess
from manager_api.temporal.manager_worker import KeeperStarter, ManagerWorker
from manager_api.temporal.namespace import SEARCH_ATTRIBUTES
from manager_api.temporal.server import TemporalServer
from workflows.domain.messages import Outcome, RunRef
from workflows.farm import FARM

#: Short, so that a worker looks at the workflow often.
HEARTBEAT_S = 0.5


class Keepers:
    """Counts the keepers that have begun to work, and that have ended."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0

    @activity.defn(name="keep_farm")
    async def keep_farm(self) -> None:
        self.begun += 1
        try:
            async with heartbeats(lambda: None, HEARTBEAT_S / 5):
                await asyncio.Event().wait()
        finally:
            self.ended += 1

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110 - an activity of another worker has no event
                await asyncio.sleep(0.02)


@activity.defn
async def run_task(run: RunRef) -> Outcome:
    """Is never asked for: a Temporal worker needs an activity."""
    raise AssertionError


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    server = TemporalServer(tmp_path / "temporal", stop_timeout=2.0)
    await server.start()
    yield await TemporalAccess(server.address).connect()
    await server.stop()


@asynccontextmanager
async def at_work(client: Client, heartbeat_s: float = HEARTBEAT_S) -> AsyncIterator[Keepers]:
    """A manager's Temporal worker; a keeper has begun."""
    keepers = Keepers()
    temporal = TemporalAccess(client.service_client.config.target_host)
    worker = ManagerWorker(temporal, [keepers.keep_farm], heartbeat_s, http_activities=[run_task])
    running = asyncio.create_task(worker.run())
    await keepers.until(lambda: keepers.begun > 0)
    yield keepers
    running.cancel()
    await asyncio.wait({running})


@pytest.mark.parametrize("end", [WorkflowHandle.terminate, WorkflowHandle.cancel])
async def test_a_keeper_whose_workflow_was_ended_works_again(
    client: Client, end: Callable[[WorkflowHandle[Any, Any]], Awaitable[None]]
) -> None:
    async with at_work(client) as keepers:
        before = keepers.begun

        await end(client.get_workflow_handle(FARM))

        await keepers.until(lambda: keepers.begun > before)
        status = (await client.get_workflow_handle(FARM).describe()).status
        assert status is WorkflowExecutionStatus.RUNNING


async def kept(client: Client) -> PendingActivityInfo | None:
    """What Temporal says of the keeper's activity; None while it has not begun."""
    description = await client.get_workflow_handle(FARM).describe()
    return next(iter(description.raw_description.pending_activities), None)


async def test_a_manager_that_starts_keeps_the_farm_with_its_own_time_out(client: Client) -> None:
    async with at_work(client, 40.0):
        pass

    async with at_work(client, 20.0):
        keeping = await kept(client)

    assert keeping is not None
    assert keeping.activity_options.heartbeat_timeout.ToSeconds() == 20


async def test_a_keeper_that_is_replaced_ends(client: Client) -> None:
    async with at_work(client) as keepers:
        await KeeperStarter(client, HEARTBEAT_S).take_over()

        await keepers.until(lambda: (keepers.begun, keepers.ended) == (2, 1))


async def test_several_heartbeats_of_the_keeper_go_into_its_time_out(client: Client) -> None:
    heartbeat_s = 4.0
    times: list[float] = []

    async with at_work(client, heartbeat_s), asyncio.timeout(60):
        # Without a limit of ours, the library sends one in 0.8 of the time-out at most.
        while not any(after - before < heartbeat_s / 2 for before, after in pairwise(times)):
            if (keeping := await kept(client)) and keeping.HasField("last_heartbeat_time"):
                at = keeping.last_heartbeat_time.ToMicroseconds() / 1e6
                times += [at] if at not in times else []
            await asyncio.sleep(0.05)


async def test_a_worker_registers_the_search_attributes_that_its_temporal_lacks(
    client: Client,
) -> None:
    names = list(SEARCH_ATTRIBUTES)
    await client.operator_service.remove_search_attributes(
        RemoveSearchAttributesRequest(namespace=client.namespace, search_attributes=names)
    )

    async with at_work(client):
        found = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )

    assert found.custom_attributes.keys() >= set(names)
