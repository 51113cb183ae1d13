"""What a worker's secret is good for at Temporal: its own queue and its own tasks, nothing else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
import temporalio.api.cloud.cloudservice.v1
import temporalio.api.operatorservice.v1
import temporalio.api.testservice.v1
import temporalio.api.workflowservice.v1 as api
from temporalio import workflow
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.connections.tunnel_client import KEY_HEADER
from manager_api.temporal.server import TemporalServer
from tests.manager.temporal.attacks import NAMESPACE, OPERATOR, WAYS, Scene
from tests.manager.temporal.proxied import KEY, managed, new_worker_id, tunnel
from tests.manager.temporal.raw_grpc import (
    OK,
    PERMISSION_DENIED,
    SERVICE,
    UNAUTHENTICATED,
    Answer,
    RawClient,
    raw_client,
)
from workflows.domain.messages import worker_task_queue

ALLOWED = {
    "GetSystemInfo",
    "DescribeNamespace",
    "PollActivityTaskQueue",
    "RecordActivityTaskHeartbeat",
    "RespondActivityTaskCompleted",
    "RespondActivityTaskFailed",
    "RespondActivityTaskCanceled",
    "ShutdownWorker",
}


@workflow.defn(name="Victim")
class Victim:
    """A job whose two tasks are with two workers, one of which is the attacker's."""

    @workflow.run
    async def run(self, queues: list[str]) -> int:
        tasks = [
            workflow.execute_activity(
                "render",
                task_queue=queue,
                start_to_close_timeout=timedelta(hours=1),
            )
            for queue in queues
        ]
        return len(await asyncio.gather(*tasks))


async def handed_out(client: RawClient, worker_id: str) -> bytes:
    """The token of the task that a worker gets at its queue."""
    while True:
        answer = await client.call(
            f"{SERVICE}/PollActivityTaskQueue",
            api.PollActivityTaskQueueRequest(
                namespace=NAMESPACE,
                identity=worker_id,
                task_queue=TaskQueue(name=worker_task_queue(worker_id, 1)),
            ),
        )
        assert answer.status == OK, answer.sentence
        if token := api.PollActivityTaskQueueResponse.FromString(answer.message).task_token:
            return token


@pytest.fixture
async def scene(temporal_server: TemporalServer, temporal_client: Client) -> AsyncIterator[Scene]:
    ids = [new_worker_id(), new_worker_id()]
    async with (
        managed(temporal_server.address) as manager,
        tunnel(manager, ids[0]) as line,
        tunnel(manager, ids[1]) as others_line,
        raw_client(line.address) as attacker,
        raw_client(others_line.address) as other,
        Worker(
            temporal_client,
            task_queue="victims",
            workflows=[Victim],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ),
    ):
        job = await temporal_client.start_workflow(
            Victim.run,
            [worker_task_queue(worker_id, 1) for worker_id in ids],
            id=f"job-{uuid4()}",
            task_queue="victims",
        )
        tokens = [await handed_out(attacker, ids[0]), await handed_out(other, ids[1])]
        yield Scene(attacker, ids[0], other, ids[1], job, *tokens)
        with contextlib.suppress(RPCError):  # It has ended already.
            await job.terminate()


async def test_every_way_to_do_more_is_refused_and_changes_nothing(scene: Scene) -> None:
    before = await _events(scene)

    refused = {name: await scene.attacker.call(*way(scene)) for name, way in WAYS.items()}

    assert {name: answer.status for name, answer in refused.items()} == dict.fromkeys(
        WAYS, PERMISSION_DENIED
    )
    assert all(answer.sentence for answer in refused.values())
    assert await _events(scene) == before
    assert (await scene.job.describe()).status is WorkflowExecutionStatus.RUNNING
    # Both workers can still do what is theirs.
    for client, worker_id, token in (
        (scene.attacker, scene.worker_id, scene.token),
        (scene.other, scene.other_id, scene.others_token),
    ):
        told = scene.completed(token, identity=worker_id)
        answer = await client.call(f"{SERVICE}/RespondActivityTaskCompleted", told)
        assert answer.status == OK, answer.sentence
    assert await asyncio.wait_for(scene.job.result(), 60) == 2


async def _events(scene: Scene) -> int:
    return len((await scene.job.fetch_history()).events)


async def test_every_other_method_of_temporal_is_refused(scene: Scene) -> None:
    services = {
        SERVICE: api,
        OPERATOR: temporalio.api.operatorservice.v1,
        "/temporal.api.cloud.cloudservice.v1.CloudService": (temporalio.api.cloud.cloudservice.v1),
        "/temporal.api.testservice.v1.TestService": temporalio.api.testservice.v1,
    }
    methods = {
        f"{service}/{name.removesuffix('Request')}": getattr(module, name)()
        for service, module in services.items()
        for name in dir(module)
        if name.endswith("Request")
        and not (service == SERVICE and name.removesuffix("Request") in ALLOWED)
    }

    answers = {path: await scene.attacker.call(path, methods[path]) for path in methods}

    assert len(answers) > 150
    assert {path for path in answers if answers[path].status != PERMISSION_DENIED} == set()


@pytest.mark.parametrize(
    "claims",
    [
        {"authorization": "Bearer farm"},
        {"x-worker": "THE OTHER"},
        {"temporal-namespace": "temporal-system", "caller-name": "farm", "caller-type": "operator"},
        {"x-forwarded-for": "127.0.0.1"},
    ],
    ids=lambda claims: next(iter(claims)),
)
async def test_metadata_that_claim_more_give_no_more(scene: Scene, claims: dict[str, str]) -> None:
    metadata = {KEY_HEADER: KEY, **claims}
    if "x-worker" in metadata:
        metadata["x-worker"] = scene.other_id

    answer = await scene.attacker.call(
        f"{SERVICE}/PollActivityTaskQueue",
        scene.poll(worker_task_queue(scene.other_id, 1)),
        metadata,
    )

    assert answer.status == PERMISSION_DENIED


@pytest.mark.parametrize(
    "metadata", [{}, {KEY_HEADER: ""}, {KEY_HEADER: KEY[:-1]}, {KEY_HEADER: KEY.upper()}]
)
@pytest.mark.parametrize("method", sorted(ALLOWED))
async def test_a_client_without_the_hosts_key_is_refused(
    scene: Scene, method: str, metadata: dict[str, str]
) -> None:
    answer: Answer = await scene.attacker.call(f"{SERVICE}/{method}", b"", metadata)

    assert answer.status == UNAUTHENTICATED
    assert answer.sentence
