"""The floor: the least that Temporal needs to hand out tasks. Nothing of ours is in here.

One workflow per job, one activity per task, one Temporal worker and queue per host; no manager,
no leases, no tunnel, no commands to fetch, no database.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.bench.dispatch.cells import duration
from tests.bench.dispatch.processes import run
from tests.bench.dispatch.records import Ran

WORKFLOWS = "floor"


@dataclass(frozen=True, slots=True)
class Work:
    job: str
    hosts: Sequence[int]
    tasks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Task:
    job: str
    index: int
    seconds: float


@workflow.defn(name="Floor")
class FloorWorkflow:
    @workflow.run
    async def run(self, work: Work) -> None:
        waiting = iter(range(1, work.tasks + 1))

        async def serve(host: int) -> None:
            for index in waiting:
                await workflow.execute_activity(
                    "work",
                    Task(work.job, index, work.seconds),
                    task_queue=queue_of(host),
                    schedule_to_start_timeout=timedelta(seconds=30),
                    start_to_close_timeout=timedelta(days=30),
                    heartbeat_timeout=timedelta(seconds=90),
                    retry_policy=RetryPolicy(maximum_attempts=1),
                )

        await asyncio.gather(*map(serve, work.hosts))


class _Host:
    def __init__(self, number: int) -> None:
        self._number = number

    @activity.defn(name="work")
    async def work(self, task: Task) -> None:
        began = time.monotonic()
        if task.seconds:
            await asyncio.sleep(duration(task.index, task.seconds))
        sys.stdout.write(Ran(self._number, task.job, task.index, 1, began, time.monotonic()).line())
        sys.stdout.flush()


def queue_of(host: int) -> str:
    return f"floor-host-{host}"


async def _work_on_workflows(address: str) -> None:
    client = await Client.connect(address)
    await Worker(
        client,
        task_queue=WORKFLOWS,
        workflows=[FloorWorkflow],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ).run()


async def _work_on_tasks(address: str, count: int) -> None:
    async with asyncio.TaskGroup() as hosts:
        for number in range(count):
            hosts.create_task(_work_as_host(address, number))


async def _work_as_host(address: str, number: int) -> None:
    # A connection, slots and polls each, as the farm's hosts have them.
    client = await Client.connect(address, identity=queue_of(number))
    await Worker(
        client,
        task_queue=queue_of(number),
        activities=[_Host(number).work],
        max_concurrent_activities=3,
        max_concurrent_activity_task_polls=2,
    ).run()


def main(role: str, address: str, count: str) -> None:
    if role == "workflows":
        run(_work_on_workflows(address))
    else:
        run(_work_on_tasks(address, int(count)))


if __name__ == "__main__":
    main(*sys.argv[1:])
