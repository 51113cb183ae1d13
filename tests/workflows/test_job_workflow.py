"""What a job's workflow adds to its core: messages, answers, activities, continue-as-new."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from manager_api.database.engine import Database
from manager_api.jobs.control import RunIsOver
from manager_api.temporal.orchestrator import TemporalJobs
from tests.workflows.job_at_work import LIMITS, SHORT, JobAtWork, with_history_limit
from workflows.domain.fault_rules import Fault
from workflows.domain.job.transitions import Refused
from workflows.domain.messages import (
    Change,
    Demand,
    JobAction,
    Limits,
    Outcome,
    OutcomeKind,
    Recall,
    SessionChanged,
    TaskAction,
    Want,
    WorkerGone,
    WriteAnswer,
    worker_task_queue,
)
from workflows.domain.statuses import JobStatus, TaskStatus
from workflows.job import JobWorkflow
from workflows.job_interface import JOB_FAILED, Ask, JobView

AtWork = Callable[..., Awaitable[JobAtWork]]


def unused_database(directory: Path) -> Database:
    """Changes of a job that runs need none."""
    return Database(f"sqlite+aiosqlite:///{directory}/unused.sqlite")


async def test_a_lent_worker_gets_one_task_after_another(at_work: AtWork) -> None:
    job = await at_work(tasks=3)

    await job.lend()
    for count in (1, 2, 3):
        await job.host.until_asked(count)
        job.host.finish(count)

    assert await job.handle.result() == "completed"
    assert [run.index for run in job.host.asked] == [1, 2, 3]


async def test_writes_are_numbered_and_the_last_one_is_final(at_work: AtWork) -> None:
    job = await at_work(tasks=2)
    job.host.finish(1)
    job.host.finish(2)

    await job.lend()
    await job.handle.result()

    numbers = [write.sequence for write in job.ledger.writes]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [write.is_final for write in job.ledger.writes].index(True) == len(numbers) - 1


async def test_a_job_without_tasks_completes_at_once(at_work: AtWork) -> None:
    job = await at_work(tasks=0)

    assert await job.handle.result() == "completed"
    assert job.ledger.statuses == [JobStatus.COMPLETED]


async def test_a_run_begins_with_the_change_it_was_started_for(at_work: AtWork) -> None:
    job = await at_work(tasks=2, change=Change(action=JobAction.CANCEL))

    assert await job.handle.result() == "canceled"


async def test_an_update_answers_when_the_change_was_written(at_work: AtWork) -> None:
    job = await at_work(tasks=2)

    status = await job.handle.execute_update(JobWorkflow.pause, Ask("lunch"))

    assert status == "paused"
    assert job.ledger.statuses[-1] is JobStatus.PAUSED
    await job.handle.execute_update(JobWorkflow.cancel)


async def test_the_managers_update_takes_every_kind_of_change(
    at_work: AtWork, tmp_path: Path
) -> None:
    job = await at_work(tasks=3)
    control = TemporalJobs(job.client, unused_database(tmp_path))
    job_id = job.job.job_id

    await control.change(job_id, Change(priority=80))
    await control.change(job_id, Change(task=2, task_action=TaskAction.CANCEL))
    await control.change(job_id, Change(unblock=((job.host.worker_id, "blender"),)))
    await control.change(job_id, Change(action=JobAction.PAUSE, request_id="r1"))
    view = await job.handle.query(JobWorkflow.status)

    assert view == JobView(JobStatus.PAUSED, 80, 1, {"paused": 2, "canceled": 1}, [])
    with pytest.raises(Refused, match='"paused" cannot take the action "pause"'):
        await control.change(job_id, Change(action=JobAction.PAUSE))
    await control.change(job_id, Change(action=JobAction.CANCEL))
    await job.handle.result()
    with pytest.raises(RunIsOver):
        await control.change(job_id, Change(action=JobAction.REQUEUE))


@workflow.defn(name="Job")
class OlderJobWorkflow:
    """As a manager runs it whose build has no update `change`."""

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)


async def test_a_manager_of_an_older_build_records_nothing_of_a_change(
    temporal_client: Client, tmp_path: Path
) -> None:
    job_id = str(uuid4())
    control = TemporalJobs(temporal_client, unused_database(tmp_path))
    older = Worker(
        temporal_client,
        task_queue=job_id,
        workflows=[OlderJobWorkflow],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with older:
        handle = await temporal_client.start_workflow(
            OlderJobWorkflow.run, id=f"job-{job_id}", task_queue=job_id
        )

        with pytest.raises(RunIsOver):
            await control.change(job_id, Change(action=JobAction.CANCEL, request_id="r1"))

        history = await handle.fetch_history()
        await handle.terminate()
    kinds = {EventType.Name(event.event_type) for event in history.events}
    assert not any("UPDATE" in kind for kind in kinds)


async def test_an_update_that_does_not_fit_is_refused_with_the_reason(at_work: AtWork) -> None:
    job = await at_work(tasks=1)

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await job.handle.execute_update(JobWorkflow.resume)

    cause = refused.value.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.type, "queued" in cause.message) == ("Refused", True)
    await job.handle.execute_update(JobWorkflow.cancel)


async def test_a_worker_can_be_taken_off_the_blocklist_of_a_running_job(at_work: AtWork) -> None:
    job = await at_work(tasks=3, limits=replace(LIMITS, blocklist_threshold=1))
    job.host.finish(1, Outcome(OutcomeKind.FAILED, "exit code 1"))
    await job.lend()
    await job.ledger.until_written(lambda write: bool(write.blocked))

    ask = Ask(unblock=((job.host.worker_id, "blender"),))
    await job.handle.execute_update(JobWorkflow.unblock, ask)

    assert [w.blocked for w in job.ledger.writes if w.blocked is not None][-1] == ()
    await job.lend()
    assert (await job.host.until_asked(2))[-1].index == 2
    await job.handle.execute_update(JobWorkflow.cancel)


async def test_the_same_request_gets_the_same_answer(at_work: AtWork) -> None:
    job = await at_work(tasks=1)

    first = await job.handle.execute_update(JobWorkflow.pause, Ask(request_id="r1"), id="u1")
    second = await job.handle.execute_update(JobWorkflow.pause, Ask(request_id="r1"), id="u2")

    assert (first, second) == ("paused", "paused")
    await job.handle.execute_update(JobWorkflow.cancel)


async def test_a_signal_that_does_not_fit_is_dropped(at_work: AtWork) -> None:
    job = await at_work(tasks=1)

    await job.handle.signal("resume")
    await job.handle.signal("cancel", Ask("enough"))

    assert await job.handle.result() == "canceled"


async def test_canceling_a_job_stops_its_run_and_waits_for_the_worker(at_work: AtWork) -> None:
    job = await at_work(tasks=2)
    await job.lend()
    await job.host.until_asked(1)

    await job.handle.execute_update(JobWorkflow.cancel)

    assert await job.handle.result() == "canceled"
    assert [run.index for run in job.host.stopped] == [1]
    stopped = [stop.key.index for write in job.ledger.writes for stop in write.stopped]
    assert stopped == [1]


async def test_a_task_that_no_host_took_is_canceled_without_one(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    job.host.worker_id = "nobody"  # whose task queue nobody polls
    await job.lend()
    await _until(job, lambda view: view.tasks.get("active") == 1)

    await job.handle.execute_update(JobWorkflow.cancel)

    async with asyncio.timeout(LIMITS.schedule_to_start_s / 2):
        assert await job.handle.result() == "canceled"


async def test_a_recall_lets_the_task_end_and_starts_no_other(at_work: AtWork) -> None:
    job = await at_work(tasks=2)
    (lease,) = await job.lend()
    await job.host.until_asked(1)

    await job.handle.signal(JobWorkflow.recall, [Recall(lease.id)])
    job.host.finish(1)
    view = await _until(job, lambda view: view.tasks.get("completed") == 1)

    assert view.workers == []
    await job.handle.execute_update(JobWorkflow.cancel)


async def test_a_lost_worker_frees_its_task_at_once(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    await job.lend()
    await job.host.until_asked(1)

    await job.handle.signal(JobWorkflow.worker_gone, WorkerGone(job.host.worker_id, 1))
    await _until(job, lambda view: view.tasks.get("queued") == 1)
    job.host.forget(1)
    await job.lend()
    runs = await job.host.until_asked(2)
    job.host.finish(1)

    assert await job.handle.result() == "completed"
    assert [run.attempt for run in runs] == [1, 2]


async def test_a_run_named_at_sign_on_goes_on_in_the_new_session(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    await job.lend()
    (run,) = await job.host.until_asked(1)

    changed = SessionChanged(job.host.worker_id, 2, (str(run.key),))
    await job.handle.signal(JobWorkflow.session_changed, changed)
    write = await job.ledger.until_written(lambda write: bool(write.moved))

    assert write.moved == ((run.lease_id, 2),)
    await job.handle.terminate()


async def test_a_host_may_take_up_its_run_after_an_offer_of_it_has_ended(at_work: AtWork) -> None:
    """A host that has lost its manager finds Temporal late, and has kept what it rendered."""
    job = await at_work(tasks=1, limits=Limits(schedule_to_start_s=5))
    await job.lend()
    (run,) = await job.host.until_asked(1)
    changed = SessionChanged(job.host.worker_id, 2, (str(run.key),))
    await job.handle.signal(JobWorkflow.session_changed, changed)

    await _until_timed_out(job)
    late = Worker(
        job.client,
        task_queue=worker_task_queue(job.host.worker_id, 2),
        activities=[job.host.run_task],
    )
    async with late:
        runs = await job.host.until_asked(2)
        job.host.finish(1)

        assert await job.handle.result() == "completed"

    assert runs == [run, run]


async def test_the_next_task_is_with_the_host_before_it_is_free(at_work: AtWork) -> None:
    job = await at_work(tasks=4)
    await job.lend(has_deck=True)
    job.host.finish(1, SHORT)

    runs = await job.host.until_asked(3)
    view = await _until(job, lambda view: view.tasks.get("completed") == 1)

    keys = {run.index: run.key for run in runs}
    assert {run.index: run.after for run in runs} == {1: "", 2: "", 3: str(keys[2])}
    assert view.tasks == {"completed": 1, "active": 1, "queued": 2}
    for index in (3, 2, 4):  # an outcome may overtake the one before
        job.host.finish(index, SHORT)
    assert await job.handle.result() == "completed"
    assert [run.attempt for run in job.host.asked] == [1, 1, 1, 1]


async def test_a_recalled_worker_is_asked_for_the_task_on_its_deck(at_work: AtWork) -> None:
    job = await at_work(tasks=3)
    (lease,) = await job.lend(has_deck=True)
    job.host.finish(1, SHORT)
    await job.host.until_asked(3)

    await job.handle.signal(JobWorkflow.recall, [Recall(lease.id)])
    job.host.finish(2, SHORT)
    view = await _until(job, lambda view: not view.workers)

    assert [run.index for run in job.host.asked_back] == [3]
    assert view.tasks == {"completed": 2, "queued": 1}
    job.host.forget(3)
    await job.lend(has_deck=True)
    job.host.finish(3)
    assert await job.handle.result() == "completed"
    assert [run.attempt for run in job.host.asked if run.index == 3] == [1, 1]


async def test_a_host_that_cannot_be_asked_keeps_what_it_has_on_deck(at_work: AtWork) -> None:
    """An older host took the place of one that has a deck: it does not know the question."""
    job = await at_work(tasks=3)
    (lease,) = await job.lend(has_deck=True)
    job.host.finish(1, SHORT)
    await job.host.until_asked(3)
    job.host.refuses_questions = True

    await job.handle.signal(JobWorkflow.recall, [Recall(lease.id)])
    job.host.finish(2, SHORT)
    await _until(job, lambda view: view.tasks == {"completed": 2, "active": 1})
    job.host.finish(3, SHORT)

    assert await job.handle.result() == "completed"


async def _until_timed_out(job: JobAtWork) -> None:
    timed_out = EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT
    async with asyncio.timeout(60):
        while True:
            history = await job.handle.fetch_history()
            if any(event.event_type == timed_out for event in history.events):
                return
            await asyncio.sleep(0.1)  # nothing tells of a new event


async def test_an_exception_on_the_host_is_nobodys_failure(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    job.host.finish(1, Outcome(OutcomeKind.LOST, "shim killed"))
    await job.lend()
    await job.host.until_asked(1)
    job.host.forget(1)
    await job.host.until_asked(2)
    job.host.finish(1)

    assert await job.handle.result() == "completed"
    failures = {moved.failures for write in job.ledger.writes for moved in write.tasks}
    assert failures <= {0, None}


async def test_the_workflow_of_a_failed_job_fails(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    job.host.finish(1, Outcome(OutcomeKind.FAILED, "no camera", fault=Fault.SCENE))

    await job.lend()
    with pytest.raises(WorkflowFailureError) as failure:
        await job.handle.result()

    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == JOB_FAILED
    described = await job.handle.describe()
    assert described.status is WorkflowExecutionStatus.FAILED
    assert described.search_attributes["JobStatus"] == ["failed"]
    assert job.ledger.writes[-1].jobs[-1].status is JobStatus.FAILED


async def test_a_workflow_tells_the_demand_that_its_claim_has_not_told(at_work: AtWork) -> None:
    job = await at_work(tasks=2, is_claimed=False)
    job.ledger.tells = False
    job.ledger.gate.set()

    write = await job.ledger.until_written(lambda write: write.demand is not None)

    assert write.sequence == 1
    assert write.demand == Demand(1, (Want("blender", 2),))


async def test_send_all_is_answered_with_a_snapshot(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    job.ledger.answers = [WriteAnswer.SEND_ALL]
    job.host.finish(1)

    await job.lend()
    await job.handle.result()

    _, first, again = job.ledger.writes[:3]
    assert (first.sequence, first.snapshot) == (again.sequence, None)
    assert again.snapshot is not None


async def test_a_workflow_that_is_told_so_makes_the_database_ask_for_everything(
    at_work: AtWork,
) -> None:
    job = await at_work(tasks=1)
    await _until(job, lambda view: view.status is JobStatus.QUEUED)
    before = await job.handle.query(JobWorkflow.sequence)
    assert before is not None
    job.ledger.answers = [WriteAnswer.SEND_ALL]

    await job.handle.signal(JobWorkflow.tell_again)

    whole = await job.ledger.until_written(lambda write: write.snapshot is not None)
    assert whole.sequence == before + 1
    assert await job.handle.query(JobWorkflow.sequence) == whole.sequence
    await job.handle.execute_update(JobWorkflow.cancel)


async def test_a_run_that_owns_no_job_ends(at_work: AtWork) -> None:
    job = await at_work(tasks=3)
    await _until(job, lambda view: view.status is JobStatus.QUEUED)
    job.ledger.answers = [WriteAnswer.GONE]

    await job.handle.execute_update(JobWorkflow.pause)

    async with asyncio.timeout(20):
        await job.handle.result()


async def test_continue_as_new_attaches_what_runs(at_work: AtWork) -> None:
    tasks = 12
    job = await at_work(tasks=tasks, limits=with_history_limit(25))
    await job.lend(slots=2)
    for index in range(1, tasks - 1):
        await job.host.until_asked(index)
        job.host.finish(index)
    await _until_continued(job)
    for index in (tasks - 1, tasks):
        job.host.finish(index)

    assert await job.client.get_workflow_handle(job.handle.id).result() == "completed"
    assert {run.attempt for run in job.host.asked} == {1}
    numbers = [write.sequence for write in job.ledger.writes]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_queries_show_the_job_and_its_tasks(at_work: AtWork) -> None:
    job = await at_work(tasks=2)
    await job.lend()
    await job.host.until_asked(1)

    view = await job.handle.query(JobWorkflow.status)
    tasks = await job.handle.query(JobWorkflow.tasks)

    assert view is not None
    assert (view.status, view.workers) == (JobStatus.ACTIVE, ["host"])
    assert [(task.index, task.status, task.worker) for task in tasks] == [
        (1, TaskStatus.ACTIVE, "host"),
        (2, TaskStatus.QUEUED, ""),
    ]
    await job.handle.execute_update(JobWorkflow.cancel)


async def test_search_attributes_follow_status_and_priority(at_work: AtWork) -> None:
    job = await at_work(tasks=1)

    await job.handle.execute_update(JobWorkflow.set_priority, Ask(priority=80))
    await job.handle.execute_update(JobWorkflow.pause)
    # The attributes are set right after the write that the update waited for.
    await job.handle.execute_update(JobWorkflow.cancel)
    await job.handle.result()

    attributes = (await job.handle.describe()).search_attributes
    assert attributes["JobStatus"] == ["canceled"]
    assert attributes["JobPriority"] == [80]


async def _until(job: JobAtWork, is_so: Callable[[JobView], bool]) -> JobView:
    handle = job.client.get_workflow_handle(job.handle.id)
    async with asyncio.timeout(30):
        while True:
            view = await handle.query(JobWorkflow.status)
            if view is not None and is_so(view):
                return view
            await asyncio.sleep(0.05)


async def _until_continued(job: JobAtWork) -> None:
    handle = job.client.get_workflow_handle(job.handle.id)
    async with asyncio.timeout(30):
        while True:
            if (await handle.describe()).run_id != job.handle.first_execution_run_id:
                return
            await asyncio.sleep(0.05)
