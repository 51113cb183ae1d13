"""A host works for Temporal through the proxy, whatever befalls its tunnel and its manager."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.connections.tunnel_client import Tunnel
from manager_api.temporal.server import TemporalServer
from tests.manager.temporal.proxied import (
    Manager,
    client_of,
    managed,
    new_worker_id,
    tunnel,
    working,
)
from workflows.domain.messages import Outcome, OutcomeKind, worker_task_queue

WITHIN_S = 120


@workflow.defn(name="OneTask")
class OneTask:
    """Has a worker's queue run one activity."""

    @workflow.run
    async def run(self, queue: str, name: str, given: Any) -> Any:
        return await workflow.execute_activity(
            name,
            given,
            task_queue=queue,
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(seconds=60),
            retry_policy=RetryPolicy(maximum_attempts=1),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )


class Stage:
    """A worker behind a tunnel, and workflows that give it tasks."""

    def __init__(self, manager: Manager, line: Tunnel, farm: Client, worker_id: str) -> None:
        self.manager = manager
        self.line = line
        self._farm = farm
        self.worker_id = worker_id

    async def begin(self, name: str, given: Any = None) -> WorkflowHandle[Any, Any]:
        return await self._farm.start_workflow(
            OneTask.run,
            args=[worker_task_queue(self.worker_id, 1), name, given],
            id=f"one-task-{uuid4()}",
            task_queue="proxied-workflows",
        )

    async def result(self, handle: WorkflowHandle[Any, Any]) -> str:
        """The reason of the outcome."""
        outcome = await asyncio.wait_for(handle.result(), WITHIN_S)
        return str(outcome["reason"])


@asynccontextmanager
async def staged(
    server: TemporalServer, farm: Client, activities: Sequence[Callable[..., Any]]
) -> AsyncIterator[Stage]:
    worker_id = new_worker_id()
    async with managed(server.address) as manager, tunnel(manager, worker_id) as line:
        host = await client_of(line.address, worker_id)
        workflows = Worker(
            farm,
            task_queue="proxied-workflows",
            workflows=[OneTask],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        async with workflows, working(host, worker_id, activities):
            yield Stage(manager, line, farm, worker_id)


@activity.defn(name="echo")
async def echo(given: str) -> Outcome:
    return Outcome(OutcomeKind.COMPLETED, given)


@activity.defn(name="measure")
async def measure(given: str) -> Outcome:
    return Outcome(OutcomeKind.COMPLETED, f"{len(given)} " + "olé " * 10_000)


class Rendering:
    """An activity that goes on until it is told to end."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.tries = 0

    @activity.defn(name="render")
    async def render(self, _given: Any) -> Outcome:
        self.tries += 1
        self.has_begun.set()
        while not self.may_end.is_set():
            activity.heartbeat("at work")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.may_end.wait(), 0.1)
        return Outcome(OutcomeKind.COMPLETED, "rendered")

    async def begun(self) -> None:
        await asyncio.wait_for(self.has_begun.wait(), WITHIN_S)


async def test_a_task_and_its_result_pass(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    async with staged(temporal_server, temporal_client, [echo]) as stage:
        assert await stage.result(await stage.begin("echo", "olé")) == "olé"


async def test_large_messages_pass_both_ways(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    verse = "olé " * 400_000

    async with staged(temporal_server, temporal_client, [measure]) as stage:
        answer = await stage.result(await stage.begin("measure", verse))

    assert answer == "1600000 " + "olé " * 10_000


async def test_a_failure_passes(temporal_server: TemporalServer, temporal_client: Client) -> None:
    @activity.defn(name="fall")
    async def fall(_given: Any) -> None:
        raise ApplicationError("the heel broke", type="Heel")

    async with staged(temporal_server, temporal_client, [fall]) as stage:
        with pytest.raises(WorkflowFailureError) as failed:
            await stage.result(await stage.begin("fall"))

    assert isinstance(failed.value.cause, ActivityError)
    assert isinstance(failed.value.cause.cause, ApplicationError)
    assert failed.value.cause.cause.type == "Heel"


async def test_heartbeats_pass_and_bring_the_cancellation(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    rendering = Rendering()
    async with staged(temporal_server, temporal_client, [rendering.render]) as stage:
        handle = await stage.begin("render")
        await rendering.begun()

        await _eventually(lambda: _heartbeat(handle))
        await handle.cancel()

        with pytest.raises(WorkflowFailureError):
            await stage.result(handle)


async def _eventually(ask: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await ask():  # noqa: ASYNC110 - Temporal is asked
            await asyncio.sleep(0.05)


async def _pollers(client: Client, worker_id: str) -> int:
    request = DescribeTaskQueueRequest(
        namespace="default",
        task_queue=TaskQueue(name=worker_task_queue(worker_id, 1)),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    )
    return len((await client.workflow_service.describe_task_queue(request)).pollers)


async def _heartbeat(handle: WorkflowHandle[Any, Any]) -> bytes:
    pending = (await handle.describe()).raw_description.pending_activities
    return b"".join(each.data for task in pending for each in task.heartbeat_details.payloads)


async def test_a_render_outlives_its_manager(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    rendering = Rendering()
    async with staged(temporal_server, temporal_client, [rendering.render]) as stage:
        handle = await stage.begin("render")
        await rendering.begun()

        await stage.manager.stop()
        rendering.may_end.set()
        await stage.manager.start()

        assert await stage.result(handle) == "rendered"
        assert rendering.tries == 1


async def test_polls_go_on_after_the_tunnel_broke(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    async with staged(temporal_server, temporal_client, [echo]) as stage:
        assert await stage.result(await stage.begin("echo", "before")) == "before"

        stage.manager.tunnels.open.close_worker(stage.worker_id)

        assert await stage.result(await stage.begin("echo", "after")) == "after"


async def test_a_poll_whose_tunnel_is_gone_takes_no_task(
    temporal_server: TemporalServer, temporal_client: Client
) -> None:
    worker_id = new_worker_id()
    async with (
        managed(temporal_server.address) as manager,
        Worker(
            temporal_client,
            task_queue="proxied-workflows",
            workflows=[OneTask],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ),
    ):
        async with tunnel(manager, worker_id) as line:
            client = await client_of(line.address, worker_id)
            polling = working(client, worker_id, [echo])
            running = asyncio.create_task(polling.run())
            await _eventually(lambda: _pollers(temporal_client, worker_id))
        # Without a word: the line is cut, and no poll was given up before.
        stage = Stage(manager, line, temporal_client, worker_id)
        handle = await stage.begin("echo", "for the next host")
        async with tunnel(manager, worker_id) as line:
            client = await client_of(line.address, worker_id)
            async with working(client, worker_id, [echo]):
                assert await stage.result(handle) == "for the next host"
        running.cancel()
        await asyncio.wait({running})
