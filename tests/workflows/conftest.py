"""A job's workflow on a real Temporal, between records and hosts that a test holds in its hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.workflows.job_at_work import JobAtWork, Ledger, StandInHost, snapshot
from workflows.domain.messages import (
    StartJob,
    worker_task_queue,
)
from workflows.job import JobWorkflow


@pytest.fixture
async def at_work(temporal_client: Client) -> AsyncIterator[Callable[..., object]]:
    """`await at_work(tasks=3)` starts a job of three tasks.

    With `is_claimed=False` the database answers when the test opens the ledger's gate.
    """
    workers: list[Worker] = []
    running: list[asyncio.Task[None]] = []

    async def start(tasks: int = 1, *, is_claimed: bool = True, **given: object) -> JobAtWork:
        job = snapshot(tasks, **given)  # type: ignore[arg-type] # the fixture's own keywords
        ledger, host = Ledger(job), StandInHost(str(uuid4()))
        if not is_claimed:
            ledger.gate.clear()
        queue = f"manager-{job.job_id}"
        workers.extend(
            [
                Worker(
                    temporal_client,
                    task_queue=queue,
                    workflows=[JobWorkflow],
                    activities=[ledger.claim_job, ledger.store_changes],
                    workflow_runner=UnsandboxedWorkflowRunner(),
                ),
                Worker(
                    temporal_client,
                    task_queue=worker_task_queue(host.worker_id, 1),
                    activities=[host.run_task, host.withdraw_task],
                    max_concurrent_activities=8,
                ),
            ]
        )
        running.extend(asyncio.create_task(worker.run()) for worker in workers[-2:])
        handle = await temporal_client.start_workflow(
            JobWorkflow.run, StartJob(job.job_id, 1), id=f"job-{job.job_id}", task_queue=queue
        )
        return JobAtWork(temporal_client, job, ledger, host, handle)

    yield start
    for worker in workers:
        await worker.shutdown()
    await asyncio.gather(*running)
