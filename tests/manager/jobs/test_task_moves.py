"""Tasks that a workflow moved: their rows, their steps, and who is told."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import JobRow, TaskRow
from manager_api.jobs import history as job_history
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.jobs.task_moves import KnownWorkers, TaskMoves
from manager_api.workers import store as workers
from workflows.domain.messages import (
    JobMoved,
    ProjectionWrite,
    RunKey,
    TasksMoved,
    WriteAnswer,
)
from workflows.domain.statuses import JobStatus, TaskStatus, WorkerStatus

Make = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]

STARTED = JobMoved(JobStatus.QUEUED, JobStatus.ACTIVE, "a task was started", refresh_tasks=False)
CANCELED = (
    JobMoved(JobStatus.QUEUED, JobStatus.CANCEL_REQUESTED, "canceled by Ana", refresh_tasks=True),
    JobMoved(JobStatus.CANCEL_REQUESTED, JobStatus.CANCELED, "its tasks were canceled", False),
)


async def store(db: Database, job_id: str, sequence: int, **changes: Any) -> WriteAnswer:
    run = changes.pop("run", 1)
    return await SqlProjectionStore(db).store(ProjectionWrite(job_id, run, sequence, **changes))


async def job_row(db: Database, job_id: str) -> JobRow:
    async with db.reading() as session:
        row = await jobs.job(session, job_id)
    assert row is not None
    return row


async def task_rows(db: Database, job_id: str) -> list[TaskRow]:
    async with db.reading() as session:
        return list(await tasks.tasks_of_job(session, job_id))


def moved(indexes: str, status: TaskStatus, text: str = "", **fields: Any) -> TasksMoved:
    return TasksMoved(indexes, status, text, **fields)


async def test_frames_of_earlier_attempts_count_until_a_task_renders_them_again(
    db: Database, insert: Make
) -> None:
    job_id = await insert()
    done = moved("1-2", TaskStatus.COMPLETED, attempt=4, in_bulk=True)
    again = moved("1", TaskStatus.QUEUED, renders_again=True)
    await store(db, job_id, 1, tasks=(done, again))

    await store(db, job_id, 2, tasks=(replace(again, indexes="2", in_bulk=True),))

    assert [row.frames_from for row in await task_rows(db, job_id)][:2] == [5, 5]


async def test_the_event_of_a_worker_tells_what_another_transaction_has_stored_meanwhile(
    db: Database, insert: Make, worker: Make, told: Told
) -> None:
    """Else it would come after the event of that change, and undo it for clients."""
    job_id, worker_id = await insert(), await worker("carmen")
    await told()
    started = moved("1", TaskStatus.ACTIVE, worker_id=worker_id, attempt=1)

    async with db.writing() as session:
        job = await jobs.job(session, job_id)
        assert job is not None
        moves = TaskMoves(session, job, KnownWorkers(session), utc_now())
        await moves.apply([started])
        if not db.is_sqlite:  # whose transactions that write come one after another
            async with db.writing() as other:
                row = await workers.worker_to_change(other, worker_id)
                assert row is not None
                workers.set_status(other, row, WorkerStatus.ERROR)

    last = [payload["status"] for topic, payload in await told() if topic == "/workers"][-1]
    async with db.reading() as session:
        now = await workers.worker(session, worker_id)
    assert now is not None
    assert last == now.status == ("awake" if db.is_sqlite else "error")


async def test_a_task_on_offer_moves_when_it_is_handed_out_and_only_once(
    db: Database, insert: Make, worker: Make, told: Told
) -> None:
    job_id, worker_id = await insert(), await worker("carmen")
    offer = moved("2", TaskStatus.ACTIVE, "Started", worker_id=worker_id, attempt=1, is_offer=True)
    await store(db, job_id, 1, tasks=(offer,))
    on_offer = (await task_rows(db, job_id))[1]

    for _ in range(2):
        async with db.writing() as session:
            job = await jobs.job_to_change(session, job_id)
            assert job is not None
            row = await tasks.existing_task_of_job(session, job_id, 2)
            moves = TaskMoves(session, job, KnownWorkers(session), utc_now())
            await moves.hand_out(row, RunKey(job_id, 2, 1, 1), worker_id)

    fetched = (await task_rows(db, job_id))[1]
    assert (on_offer.status, on_offer.attempt) == (TaskStatus.QUEUED, 1)
    assert (fetched.status, fetched.attempt, fetched.worker_id) == (
        TaskStatus.ACTIVE,
        1,
        worker_id,
    )
    changes = [event for topic, event in await told() if "job_id" in event]
    assert [(event["previous_status"], event["status"]) for event in changes] == [
        ("queued", "active")
    ]


async def test_a_started_task_is_told_with_its_worker(
    db: Database, insert: Make, worker: Make, told: Told
) -> None:
    job_id, worker_id = await insert(), await worker("carmen")
    await told()

    start = moved("2", TaskStatus.ACTIVE, "Started", worker_id=worker_id, attempt=1)
    await store(db, job_id, 1, tasks=(start,), jobs=(STARTED,))

    task = (await task_rows(db, job_id))[1]
    assert (task.status, task.activity, task.attempt) == (TaskStatus.ACTIVE, "Started", 1)
    assert task.worker_id == worker_id
    assert task.last_touched is not None
    of_task, of_worker, of_job = await told()
    assert of_task[0] == f"/jobs/{job_id}"
    assert of_task[1] | {"updated": ""} == {
        "id": task.id,
        "job_id": job_id,
        "name": "task 2",
        "updated": "",
        "status": "active",
        "previous_status": "queued",
        "activity": "Started",
        "steps_completed": 0,
        "steps_total": 10,
        "worker": {"name": "carmen", "uuid": worker_id},
    }
    assert (of_worker[0], of_worker[1]["id"]) == ("/workers", worker_id)
    assert (of_job[0], of_job[1]["previous_status"], of_job[1]["status"]) == (
        "/jobs",
        "queued",
        "active",
    )


@pytest.mark.parametrize("in_bulk", [False, True])
async def test_a_task_that_moves_is_not_stuck_any_more(
    db: Database, insert: Make, told: Told, in_bulk: bool
) -> None:
    job_id, since = await insert(), utc_now()
    await store(db, job_id, 1, tasks=(moved("1", TaskStatus.ACTIVE, attempt=1),))
    async with db.writing() as session:
        await tasks.set_silences(session, {RunKey(job_id, 1, 1, 1): since})
    before = (await task_rows(db, job_id))[0].silent_since

    await store(db, job_id, 2, tasks=(moved("1", TaskStatus.QUEUED, in_bulk=in_bulk),))
    counts = [event["tasks_stuck"] for _, event in await told() if "tasks_stuck" in event]

    assert before == since
    assert (await task_rows(db, job_id))[0].silent_since is None
    assert counts == [1, 0]


@pytest.mark.parametrize("in_bulk", [False, True])
async def test_of_tasks_that_were_not_stuck_no_count_is_told(
    db: Database, insert: Make, told: Told, in_bulk: bool
) -> None:
    job_id = await insert()

    await store(db, job_id, 1, tasks=(moved("1", TaskStatus.ACTIVE, in_bulk=in_bulk),))

    assert not any("tasks_stuck" in event for _, event in await told())


async def test_memory_is_that_of_the_newest_attempt(db: Database, insert: Make) -> None:
    job_id = await insert()
    await store(db, job_id, 1, tasks=(moved("1", TaskStatus.ACTIVE, attempt=1),))
    async with db.writing() as session:
        await tasks.set_memory_peaks(session, job_id, {1: (1, 5_000_000_000)})

    done = moved("1", TaskStatus.QUEUED)
    await store(db, job_id, 2, tasks=(moved("1", TaskStatus.ACTIVE, attempt=1), done))
    kept = (await task_rows(db, job_id))[0].memory_peak
    await store(db, job_id, 3, tasks=(moved("1", TaskStatus.ACTIVE, attempt=2),))

    assert kept == 5_000_000_000
    assert (await task_rows(db, job_id))[0].memory_peak is None


async def test_one_write_may_move_a_task_twice(db: Database, insert: Make, told: Told) -> None:
    job_id = await insert()
    await told()

    done = moved("1", TaskStatus.COMPLETED)
    await store(db, job_id, 1, tasks=(moved("1", TaskStatus.ACTIVE), done))

    hops = [(e["previous_status"], e["status"]) for t, e in await told() if t != "/jobs"]
    assert hops == [("queued", "active"), ("active", "completed")]


async def test_steps_follow_completed_and_queued_only(
    db: Database, insert: Make, told: Told
) -> None:
    job_id = await insert(3)
    await store(db, job_id, 1, tasks=(moved("1-3", TaskStatus.ACTIVE),))
    async with db.writing() as session:
        await tasks.set_steps_of_many(session, job_id, {1: 3, 2: 4, 3: 5})
    await told()

    await store(
        db,
        job_id,
        2,
        tasks=(
            moved("1", TaskStatus.COMPLETED),
            moved("2", TaskStatus.QUEUED),
            moved("3", TaskStatus.SOFT_FAILED),
        ),
    )

    assert [task.steps_completed for task in await task_rows(db, job_id)] == [10, 0, 5]
    assert (await job_row(db, job_id)).steps_completed == 15
    of_job = [event for topic, event in await told() if topic == "/jobs"]
    assert [event["steps_completed"] for event in of_job] == [15]


async def test_a_last_worker_stays_unless_another_is_named(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(1), await worker()

    await store(db, job_id, 1, tasks=(moved("1", TaskStatus.ACTIVE, worker_id=worker_id),))
    await store(db, job_id, 2, tasks=(moved("1", TaskStatus.QUEUED),))

    assert (await task_rows(db, job_id))[0].worker_id == worker_id


async def test_workers_that_the_database_does_not_know_stop_no_write(
    db: Database, insert: Make
) -> None:
    job_id, unknown = await insert(1), str(uuid4())

    start = moved("1", TaskStatus.ACTIVE, worker_id=unknown)
    answer = await store(db, job_id, 1, tasks=(start,), blocked=((unknown, "blender"),))

    assert answer is WriteAnswer.STORED
    assert (await task_rows(db, job_id))[0].status is TaskStatus.ACTIVE


async def test_indexes_that_the_job_does_not_have_are_passed_over(
    db: Database, insert: Make
) -> None:
    job_id = await insert(1)

    assert (
        await store(db, job_id, 1, tasks=(moved("1-3", TaskStatus.ACTIVE),)) is WriteAnswer.STORED
    )


async def test_moves_in_bulk_are_one_event_of_the_job(
    db: Database, insert: Make, told: Told
) -> None:
    job_id = await insert(4)
    await told()

    bulk = moved("1-2,4", TaskStatus.CANCELED, "the job was canceled", in_bulk=True)
    await store(db, job_id, 1, tasks=(bulk,), jobs=CANCELED)

    rows = await task_rows(db, job_id)
    assert [row.status for row in rows] == [
        TaskStatus.CANCELED,
        TaskStatus.CANCELED,
        TaskStatus.QUEUED,
        TaskStatus.CANCELED,
    ]
    assert rows[3].activity == "the job was canceled"
    hops = [(e["previous_status"], e["status"], e["refresh_tasks"]) for _, e in await told()]
    assert hops == [
        ("queued", "cancel-requested", True),
        ("cancel-requested", "canceled", False),
    ]
    job = await job_row(db, job_id)
    assert (job.status, job.activity) == (JobStatus.CANCELED, "its tasks were canceled")


async def test_moves_in_bulk_without_a_move_of_the_job_refresh_its_tasks(
    db: Database, insert: Make, told: Told
) -> None:
    job_id = await insert(4)
    await told()

    await store(db, job_id, 1, tasks=(moved("1-4", TaskStatus.QUEUED, in_bulk=True),))

    [(topic, event)] = await told()
    assert (topic, event["refresh_tasks"]) == ("/jobs", True)
    assert "previous_status" not in event


async def test_a_requeue_in_bulk_takes_the_steps_back(db: Database, insert: Make) -> None:
    job_id = await insert(3)
    await store(db, job_id, 1, tasks=(moved("1-3", TaskStatus.COMPLETED),))
    before = (await job_row(db, job_id)).steps_completed

    await store(db, job_id, 2, tasks=(moved("1-2", TaskStatus.QUEUED, in_bulk=True),))

    assert before == 30
    assert (await job_row(db, job_id)).steps_completed == 10
    assert [task.steps_completed for task in await task_rows(db, job_id)] == [0, 0, 10]


async def test_single_and_bulk_moves_keep_their_order(db: Database, insert: Make) -> None:
    job_id = await insert(2)

    await store(
        db,
        job_id,
        1,
        tasks=(
            moved("1", TaskStatus.ACTIVE, attempt=1),
            moved("1-2", TaskStatus.CANCELED, in_bulk=True),
            moved("2", TaskStatus.QUEUED),
        ),
    )

    first, second = await task_rows(db, job_id)
    assert (first.status, first.attempt) == (TaskStatus.CANCELED, 1)
    assert second.status is TaskStatus.QUEUED


async def test_a_tasks_times_are_those_of_its_newest_attempt(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await worker("carmen")
    start = moved("1", TaskStatus.ACTIVE, worker_id=worker_id, attempt=1)

    await store(db, job_id, 1, tasks=(start,))
    begun = (await task_rows(db, job_id))[0]
    await store(db, job_id, 2, tasks=(moved("1", TaskStatus.COMPLETED),))
    done = (await task_rows(db, job_id))[0]
    await store(db, job_id, 3, tasks=(start,))
    again = (await task_rows(db, job_id))[0]

    assert begun.ended_at is None
    assert done.started_at == begun.started_at
    assert done.started_at is not None
    assert done.ended_at is not None
    assert again.started_at is not None
    assert done.started_at < done.ended_at < again.started_at
    assert again.ended_at is None


async def test_many_tasks_that_are_canceled_end_where_they_were_active(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await worker("carmen")
    await store(db, job_id, 1, tasks=(moved("2", TaskStatus.ACTIVE, worker_id=worker_id),))

    await store(db, job_id, 2, tasks=(moved("1-3", TaskStatus.CANCELED, in_bulk=True),))

    ended = [row.ended_at is not None for row in await task_rows(db, job_id)]
    assert ended == [False, True, False]


async def test_a_jobs_history_has_its_statuses_and_its_tasks_failures(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await worker("carmen")
    start = moved("2", TaskStatus.ACTIVE, "Started", worker_id=worker_id, attempt=1)
    await store(db, job_id, 1, tasks=(start,), jobs=(STARTED,))
    await store(db, job_id, 2, tasks=(moved("2", TaskStatus.SOFT_FAILED, "no GPU"),))

    async with db.reading() as session:
        rows = await job_history.newest(session, job_id, 10)

    assert [(row.task_index, row.status, row.text) for row in rows] == [
        (2, "soft-failed", "no GPU"),
        (None, "active", "a task was started"),
        (None, "queued", "Submitted"),
    ]
    assert rows[0].worker_id == worker_id
