"""The manager's Temporal worker: the keeper works whatever happens to its workflow."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.operatorservice.v1 import (
    ListSearchAttributesRequest,
    RemoveSearchAttributesRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

from activities.heartbeats import heartbeats
from manager_api.temporal.access import TemporalAccess
from manager_api.temporal.manager_worker import ManagerWorker
from manager_api.temporal.namespace import SEARCH_ATTRIBUTES
from manager_api.temporal.server import TemporalServer
from workflows.domain.messages import Outcome, RunRef
from workflows.farm import FARM

#: Short, so that a worker looks at the workflow often.
HEARTBEAT_S = 0.5


class Keepers:
    """Counts the keepers that have begun to work."""

    def __init__(self) -> None:
        self.begun = 0

    @activity.defn(name="keep_farm")
    async def keep_farm(self) -> None:
        self.begun += 1
        async with heartbeats(lambda: None, HEARTBEAT_S / 5):
            await asyncio.Event().wait()

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
async def at_work(client: Client) -> AsyncIterator[Keepers]:
    """A manager's Temporal worker; a keeper has begun."""
    keepers = Keepers()
    temporal = TemporalAccess(client.service_client.config.target_host)
    worker = ManagerWorker(temporal, [keepers.keep_farm], HEARTBEAT_S, http_activities=[run_task])
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
