"""A request to cancel a job's workflow cancels the job: Temporal's UI, its command line, SDKs."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.workflows.job_at_work import JobAtWork, Ledger, snapshot, with_history_limit
from workflows.domain.messages import ProjectionWrite, StartJob, WriteAnswer
from workflows.domain.statuses import JobStatus
from workflows.job import JobWorkflow

AtWork = Callable[..., Awaitable[JobAtWork]]


async def test_a_request_cancels_the_job_and_stops_its_run(at_work: AtWork) -> None:
    job = await at_work(tasks=2)
    await job.lend()
    await job.host.until_asked(1)

    await job.handle.cancel(reason="wrong camera")

    assert await result(job) == "canceled"
    assert [run.index for run in job.host.stopped] == [1]
    assert job.ledger.statuses[-2:] == [JobStatus.CANCEL_REQUESTED, JobStatus.CANCELED]
    assert 'status "cancel-requested": canceled in Temporal: wrong camera' in texts(job)
    described = await job.handle.describe()
    assert described.status is WorkflowExecutionStatus.COMPLETED
    assert described.search_attributes["JobStatus"] == ["canceled"]


async def test_a_request_without_a_reason_says_where_it_came_from(at_work: AtWork) -> None:
    job = await at_work(tasks=1)

    await job.handle.cancel()

    assert await result(job) == "canceled"
    assert 'status "cancel-requested": canceled in Temporal\n' in texts(job)


async def test_a_second_request_changes_nothing(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    await job.lend()
    await job.host.until_asked(1)

    await job.handle.cancel(reason="first")
    await job.handle.cancel(reason="second")

    assert await result(job) == "canceled"
    assert texts(job).count('"cancel-requested"') == 1
    assert "second" not in texts(job)


async def test_a_request_after_a_cancel_from_the_manager_changes_nothing(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    await job.lend()
    await job.host.until_asked(1)
    await job.handle.signal(JobWorkflow.cancel_signal)

    await asyncio.gather(job.handle.cancel(), return_exceptions=True)

    assert await result(job) == "canceled"
    assert texts(job).count('"cancel-requested"') == 1


async def test_a_paused_job_is_canceled(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    await job.handle.execute_update(JobWorkflow.pause)

    await job.handle.cancel()

    assert await result(job) == "canceled"


async def test_a_request_before_the_claim_is_answered_cancels_the_job(at_work: AtWork) -> None:
    job = await at_work(tasks=1, is_claimed=False)
    await job.ledger.until_claimed()

    await job.handle.cancel()
    await until_requested(job)
    job.ledger.gate.set()

    assert await result(job) == "canceled"


async def test_a_request_before_the_first_step_cancels_the_job(temporal_client: Client) -> None:
    job = snapshot(2)
    ledger = Ledger(job)
    handle = await temporal_client.start_workflow(
        JobWorkflow.run, StartJob(job.job_id, 1), id=f"job-{job.job_id}", task_queue=job.job_id
    )
    await handle.cancel()

    async with Worker(
        temporal_client,
        task_queue=job.job_id,
        workflows=[JobWorkflow],
        activities=[ledger.claim_job, ledger.store_changes],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        async with asyncio.timeout(60):
            assert await handle.result() == "canceled"


@pytest.mark.parametrize("answers", [[], [WriteAnswer.SEND_ALL]], ids=["stored", "send all"])
async def test_a_write_that_a_request_interrupts_is_sent_again_as_it_was(
    at_work: AtWork, answers: list[WriteAnswer]
) -> None:
    job = await at_work(tasks=2)
    await job.handle.execute_update(JobWorkflow.pause)
    # Its write is not the one that the answer is for.
    await job.ledger.until_written(lambda write: JobStatus.PAUSED in moves(write))
    job.ledger.answers = answers
    job.ledger.gate.clear()
    job.ledger.holds_back = lambda write: bool(write.snapshot) == bool(answers)
    await job.handle.signal(JobWorkflow.resume_signal)
    held = await job.ledger.until_written(
        lambda write: JobStatus.QUEUED in moves(write) and job.ledger.holds_back(write)
    )

    await job.handle.cancel()
    await until_requested(job)
    job.ledger.gate.set()

    assert await result(job) == "canceled"
    sent = [write for write in job.ledger.writes if write.sequence == held.sequence]
    assert [write for write in sent if job.ledger.holds_back(write)] == [held, held]
    assert job.ledger.writes[-1].sequence > held.sequence


async def test_a_request_during_the_final_write_comes_too_late(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    await job.lend()
    await job.host.until_asked(1)
    job.ledger.gate.clear()
    job.ledger.holds_back = lambda write: write.is_final
    job.host.finish(1)
    await job.ledger.until_written(lambda write: write.is_final)

    await job.handle.cancel()
    await until_requested(job)
    job.ledger.gate.set()

    assert await result(job) == "completed"
    assert job.ledger.statuses[-1] is JobStatus.COMPLETED


async def test_a_request_after_continue_as_new_cancels_the_job(at_work: AtWork) -> None:
    job = await at_work(tasks=12, limits=with_history_limit(25))
    await job.lend(slots=2)
    newest = job.client.get_workflow_handle(job.handle.id)
    for index in range(1, 11):
        await job.host.until_asked(index)
        job.host.finish(index)
    async with asyncio.timeout(60):
        while (await newest.describe()).run_id == job.handle.first_execution_run_id:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.05)

    await newest.cancel()

    async with asyncio.timeout(60):
        assert await newest.result() == "canceled"
    assert JobStatus.CANCEL_REQUESTED in job.ledger.statuses


async def test_a_request_for_an_ended_job_changes_nothing(at_work: AtWork) -> None:
    job = await at_work(tasks=0)
    await job.handle.result()

    await job.handle.cancel()

    described = await job.handle.describe()
    assert described.status is WorkflowExecutionStatus.COMPLETED
    assert job.ledger.statuses == [JobStatus.COMPLETED]


async def test_a_worker_that_ends_cancels_no_job(temporal_client: Client) -> None:
    job = snapshot(2)
    ledger = Ledger(job)

    def worker() -> Worker:
        return Worker(
            temporal_client,
            task_queue=job.job_id,
            workflows=[JobWorkflow],
            activities=[ledger.claim_job, ledger.store_changes],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )

    async with worker():
        handle = await temporal_client.start_workflow(
            JobWorkflow.run, StartJob(job.job_id, 1), id=f"job-{job.job_id}", task_queue=job.job_id
        )
        await handle.execute_update(JobWorkflow.pause)
    async with worker():
        view = await handle.query(JobWorkflow.status)

        assert view is not None
        assert view.status is JobStatus.PAUSED
        await handle.cancel()
        async with asyncio.timeout(60):
            assert await handle.result() == "canceled"


async def test_a_workflow_that_is_terminated_leaves_the_job_as_it_is(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    await job.handle.execute_update(JobWorkflow.pause)
    written = len(job.ledger.writes)

    await job.handle.terminate()

    assert len(job.ledger.writes) == written


async def result(job: JobAtWork) -> str:
    async with asyncio.timeout(60):
        return await job.handle.result()


def texts(job: JobAtWork) -> str:
    """Each write once; one that a request interrupts is sent again."""
    writes = {write.sequence: write for write in job.ledger.writes}.values()
    return "".join(f"{moved.activity_text}\n" for write in writes for moved in write.jobs)


def moves(write: ProjectionWrite) -> list[JobStatus]:
    return [moved.status for moved in write.jobs]


async def until_requested(job: JobAtWork) -> None:
    """The workflow has taken a step after the request."""
    requested = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
    completed = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    async with asyncio.timeout(60):
        while True:
            kinds = [event.event_type for event in (await job.handle.fetch_history()).events]
            if requested in kinds and completed in kinds[kinds.index(requested) :]:
                return
            await asyncio.sleep(0.05)  # nothing tells of a new event
