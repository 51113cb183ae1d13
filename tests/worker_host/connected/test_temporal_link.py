"""A host works for Temporal again whatever befell it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from manager_api.temporal.server import TemporalServer
from tests.worker_host.connected.stand_in_manager import eventually
from worker_host.temporal_link import LinkSettings, TemporalLink
from workflows.domain.control import Welcome
from workflows.domain.messages import RunKey, worker_task_queue

#: Of so many checks, a host that has nothing to do makes one.
SPARED = 12
SETTINGS = LinkSettings(check_every_s=0.1, retry_from_s=0.02, retry_to_s=0.2)


@activity.defn(name="sing")
async def sing() -> str:
    return "olé"


@workflow.defn(name="Singing")
class Singing:
    @workflow.run
    async def run(self, queue: str) -> str:
        song: str = await workflow.execute_activity(
            "sing", task_queue=queue, start_to_close_timeout=timedelta(minutes=1)
        )
        return song


class Line:
    """How a link under test reaches Temporal; it can be cut."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.is_cut = False
        self.connections = 0
        self.checks = 0

    async def connect(self, welcome: Welcome) -> Client:
        self.connections += 1
        if self.is_cut:
            raise RuntimeError("the line is cut")
        client = await Client.connect(
            self.address, namespace=welcome.namespace, data_converter=pydantic_data_converter
        )
        service = client.service_client
        check = service.check_health

        async def counted(**options: Any) -> bool:
            self.checks += 1
            return await check(**options)

        service.check_health = counted  # type: ignore[method-assign] # to count them
        return client


class Runs:
    """The runs of a host, and how often the link has looked at them."""

    def __init__(self) -> None:
        self.live: list[RunKey] = []
        self.looks = 0

    def __call__(self) -> list[RunKey]:
        self.looks += 1
        return self.live


def welcome(session: int, worker: str, namespace: str = "default") -> Welcome:
    return Welcome(session, worker, "awake", namespace=namespace)


@asynccontextmanager
async def linked(line: Line, runs: Runs | None = None) -> AsyncIterator[TemporalLink]:
    link = TemporalLink([sing], line.connect, SETTINGS, live_runs=runs or Runs())
    running = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        running.cancel()
        await asyncio.wait({running})
        await link.close(5)


@asynccontextmanager
async def stage(client: Client) -> AsyncIterator[Callable[[str, int], Awaitable[str]]]:
    """Has a worker's session sing."""
    queue = f"songs-{uuid4()}"

    async def song(worker: str, session: int) -> str:
        return await client.execute_workflow(
            Singing.run,
            worker_task_queue(worker, session),
            id=f"song-{uuid4()}",
            task_queue=queue,
            execution_timeout=timedelta(seconds=60),
        )

    async with Worker(
        client,
        task_queue=queue,
        workflows=[Singing],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield song


async def test_nothing_is_asked_for_before_there_is_a_session(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    line, worker = Line(temporal_server.address), str(uuid4())
    async with linked(line) as link, stage(temporal_client) as song:
        assert line.connections == 0

        link.assign(welcome(1, worker))

        assert await song(worker, 1) == "olé"


async def test_the_same_session_told_again_changes_nothing(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    line, worker = Line(temporal_server.address), str(uuid4())
    async with linked(line) as link, stage(temporal_client) as song:
        link.assign(welcome(1, worker))
        await song(worker, 1)

        link.assign(welcome(1, worker))
        await song(worker, 1)

        assert line.connections == 1


async def test_a_new_session_is_served_in_place_of_the_old_one(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    line, worker = Line(temporal_server.address), str(uuid4())
    async with linked(line) as link, stage(temporal_client) as song:
        link.assign(welcome(1, worker))
        await song(worker, 1)

        link.assign(welcome(2, worker))

        assert await song(worker, 2) == "olé"


async def test_a_temporal_that_cannot_be_reached_is_tried_again(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    line, worker = Line(temporal_server.address), str(uuid4())
    line.is_cut = True
    async with linked(line) as link, stage(temporal_client) as song:
        link.assign(welcome(1, worker))
        await eventually(lambda: line.connections > 2)
        assert not link.is_connected

        line.is_cut = False

        assert await song(worker, 1) == "olé"
        assert link.is_connected


async def test_a_worker_that_breaks_is_replaced(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    line, worker = Line(temporal_server.address), str(uuid4())
    async with linked(line) as link, stage(temporal_client) as song:
        link.assign(welcome(1, worker, namespace="there-is-no-such-namespace"))
        await eventually(lambda: line.connections > 2)

        link.assign(welcome(1, worker))

        assert await song(worker, 1) == "olé"


async def test_a_temporal_that_was_restarted_is_found_again(tmp_path: Path) -> None:
    server = TemporalServer(tmp_path / "temporal", stop_timeout=2.0)
    await server.start()
    line, worker = Line(server.address), str(uuid4())
    async with linked(line) as link:
        link.assign(welcome(1, worker))
        await eventually(lambda: link.is_connected)

        await server.stop()
        await eventually(lambda: not link.is_connected)
        await server.start()
        await eventually(lambda: link.is_connected)

        client = await Client.connect(server.address, data_converter=pydantic_data_converter)
        async with stage(client) as song:
            assert await song(worker, 1) == "olé"
    await server.stop()


async def test_a_host_without_runs_seldom_asks_whether_temporal_is_there(
    temporal_server: TemporalServer,
) -> None:
    line, runs = Line(temporal_server.address), Runs()
    async with linked(line, runs) as link:
        link.assign(welcome(1, str(uuid4())))
        await eventually(lambda: runs.looks > 2 * SPARED)

        assert 1 <= line.checks <= runs.looks / SPARED


async def test_a_host_with_runs_asks_each_time(temporal_server: TemporalServer) -> None:
    line, runs = Line(temporal_server.address), Runs()
    runs.live = [RunKey("c0ffee00-0000-4000-8000-00000000000a", 1, 1, 1)]
    async with linked(line, runs) as link:
        link.assign(welcome(1, str(uuid4())))

        await eventually(lambda: runs.looks > SPARED)

        assert line.checks >= runs.looks - 1


async def test_a_host_that_has_lost_temporal_asks_each_time(tmp_path: Path) -> None:
    server = TemporalServer(tmp_path / "temporal", stop_timeout=2.0)
    await server.start()
    line = Line(server.address)
    async with linked(line) as link:
        link.assign(welcome(1, str(uuid4())))
        await eventually(lambda: link.is_connected)
        await server.stop()
        await eventually(lambda: not link.is_connected)
        before = line.checks

        await eventually(lambda: line.checks > before + 2)


@pytest.mark.parametrize(("slots", "polls"), [(1, 1), (4, 4), (64, 5)])
def test_a_host_asks_once_for_each_slot_and_five_times_at_most(slots: int, polls: int) -> None:
    assert LinkSettings(slots=slots).polls == polls
