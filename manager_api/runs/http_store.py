"""Runs of workers that speak HTTP: what a host would keep on its own disk (docs/protocol.md)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import FOR_CHANGE, Changed, Session, utc_now
from manager_api.database.tables import (
    HttpRunRow,
    HttpRunState,
    LeaseRow,
    LeaseState,
    TaskRow,
    WorkerRow,
    WorkerSlotRow,
    table_of,
)
from manager_api.runs.store import is_settled
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef
from workflows.domain.statuses import WorkerStatus

_OPEN = (HttpRunState.OFFERED, HttpRunState.RUNNING)
#: Nobody answers for a worker with one of these statuses.
_SILENT = frozenset({WorkerStatus.OFFLINE, WorkerStatus.ERROR})
#: Runs that are looked at in one transaction.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Activity:
    """The activity that a run's outcome is to be delivered to."""

    key: RunKey
    workflow_run_id: str
    activity_id: str


@dataclass(frozen=True, slots=True)
class Attached:
    worker_id: str = ""
    outcome: Outcome | None = None
    """None: it is still to come."""


# --- asked for by a job's workflow ----------------------------------------------------------------


async def attach(session: Session, ref: RunRef, workflow_run_id: str, activity_id: str) -> Attached:
    """Enter a run, or let the newest activity of a known one be the one that is answered."""
    row = await run_to_change(session, str(ref.key))
    if row is None:
        return await _enter(session, ref, workflow_run_id, activity_id)
    row.lease_id, row.generation = ref.lease_id, ref.generation
    worker = await session.get(WorkerRow, row.worker_id)
    row.session = worker.session if worker else row.session
    if row.state is HttpRunState.ENDED:
        # The activity returns it itself. Should that be lost, the run is asked for once more.
        row.workflow_run_id = row.activity_id = ""
        return Attached(row.worker_id, outcome_of(row))
    row.workflow_run_id, row.activity_id = workflow_run_id, activity_id
    return Attached(row.worker_id)


async def _enter(session: Session, ref: RunRef, workflow_run_id: str, activity_id: str) -> Attached:
    lease = await session.get(LeaseRow, ref.lease_id)
    worker_id = lease.worker_id if lease else ""
    worker = await session.get(
        WorkerRow, worker_id, with_for_update=FOR_CHANGE, populate_existing=True
    )
    query = select(TaskRow.id).where(
        TaskRow.job_id == ref.job_id, TaskRow.index_in_job == ref.index
    )
    task_id = await session.scalar(query)
    refusal = await _refusal(session, ref, lease, worker)
    if refusal or worker is None or task_id is None:
        return Attached(outcome=Outcome(OutcomeKind.REFUSED, refusal or "its task is gone"))
    for older in await open_of_worker(session, worker.id):
        await stop(session, older, "its worker was lent anew")
    now = utc_now()
    session.add(
        HttpRunRow(
            key=str(ref.key),
            job_id=ref.job_id,
            task_id=task_id,
            worker_id=worker.id,
            session=worker.session,
            lease_id=ref.lease_id,
            slot=ref.slot,
            generation=ref.generation,
            workflow_run_id=workflow_run_id,
            activity_id=activity_id,
            state=HttpRunState.OFFERED,
            created=now,
            touched=now,
        )
    )
    return Attached(worker.id)


async def _refusal(
    session: Session, ref: RunRef, lease: LeaseRow | None, worker: WorkerRow | None
) -> str:
    """Why the worker is not to be given this run; empty if it may be (protocol rule 4)."""
    if lease is None or lease.state is LeaseState.RETURNED:
        return "its lease has been returned"
    newest = await session.get(WorkerSlotRow, (lease.worker_id, ref.slot))
    if newest is not None and newest.generation > ref.generation:
        return "the worker was lent anew"
    if worker is None or worker.deleted_at is not None:
        return "the worker was deleted"
    if worker.status not in (WorkerStatus.AWAKE, WorkerStatus.STARTING):
        return f"the worker is {worker.status}"
    if worker.status_requested is not None:
        return f'the worker was requested to be "{worker.status_requested}"'
    return ""


async def stop(session: Session, row: HttpRunRow, reason: str) -> None:
    """End a run that was not begun; have one that was ended by its worker."""
    worker = await session.get(WorkerRow, row.worker_id)
    is_heard = (
        worker is not None
        and worker.deleted_at is None
        and worker.status not in _SILENT
        and worker.session == row.session
    )
    if row.state is HttpRunState.RUNNING and is_heard:
        row.stop_reason = row.stop_reason or reason
    else:
        end(session, row, Outcome(OutcomeKind.CANCELED, reason))


def end(session: Session, row: HttpRunRow, outcome: Outcome) -> bool:
    """Keep what became of a run. The first outcome counts; false if this is not it."""
    if row.state is HttpRunState.ENDED:
        return False
    row.state = HttpRunState.ENDED
    row.outcome, row.reason = str(outcome.kind), outcome.reason
    row.touched = utc_now()
    session.changed.add(Changed.HTTP_RUNS)
    return True


def outcome_of(row: HttpRunRow) -> Outcome:
    """Of a run that has ended."""
    return Outcome(OutcomeKind(row.outcome), row.reason)


# --- a worker's sessions --------------------------------------------------------------------------


async def begin_session(session: Session, row: WorkerRow) -> None:
    """The worker is heard of for the first time, or anew. What is kept for it goes along."""
    row.session += 1
    row.is_http = True
    row.is_provisioned = True
    row.slots = 1
    query = select(HttpRunRow.key).where(HttpRunRow.worker_id == row.id)
    row.live_runs = sorted(await session.scalars(query))
    row.polls_until = None
    session.changed.add(Changed.FARM)


async def process_began(session: Session, row: WorkerRow) -> None:
    """A worker signed on: of what its last process ran it knows nothing."""
    for run in await open_of_worker(session, row.id):
        if run.state is HttpRunState.OFFERED:
            continue
        kind = OutcomeKind.CANCELED if run.stop_reason else OutcomeKind.LOST
        end(session, run, Outcome(kind, run.stop_reason or "its worker started anew"))
        # The activity of before belongs to a lease of the session before. It is asked for again.
        run.workflow_run_id = run.activity_id = ""
    await begin_session(session, row)


async def give_back(session: Session, worker_id: str, reason: str) -> None:
    """The worker runs nothing now, and will not for a while: nobody is blamed.

    Its lease ends with it, or the next task would be offered to it in the same breath.
    """
    for run in await open_of_worker(session, worker_id):
        kind = OutcomeKind.CANCELED if run.stop_reason else OutcomeKind.REFUSED
        end(session, run, Outcome(kind, run.stop_reason or reason))


async def withdraw_offers(session: Session, worker_id: str, reason: str) -> None:
    for run in await open_of_worker(session, worker_id):
        if run.state is HttpRunState.OFFERED:
            end(session, run, Outcome(OutcomeKind.REFUSED, reason))


async def confirm_stops(session: Session, worker_id: str) -> None:
    """The worker has nothing to do, so it has ended what it was told to end."""
    for run in await open_of_worker(session, worker_id):
        if run.stop_reason:
            end(session, run, Outcome(OutcomeKind.CANCELED, run.stop_reason))


# --- looking --------------------------------------------------------------------------------------


async def run_to_change(session: Session, key: str) -> HttpRunRow | None:
    """Held against other writers until the transaction ends."""
    return await session.get(HttpRunRow, key, with_for_update=FOR_CHANGE, populate_existing=True)


async def is_open(session: AsyncSession, key: str, worker_id: str) -> bool:
    """Whether the worker has such a run, and it has no outcome yet."""
    row = await session.get(HttpRunRow, key)
    return row is not None and row.worker_id == worker_id and row.state in _OPEN


async def open_of_worker(session: AsyncSession, worker_id: str) -> Sequence[HttpRunRow]:
    """Those without an outcome, oldest first."""
    query = select(HttpRunRow).where(HttpRunRow.worker_id == worker_id, HttpRunRow.state.in_(_OPEN))
    return (await session.scalars(query.order_by(HttpRunRow.created, HttpRunRow.key))).all()


async def with_news(session: AsyncSession, worker_ids: Collection[str]) -> set[str]:
    """Those of them that may be given a run, or are not what they were when they asked for one."""
    waiting = select(WorkerRow.id).where(
        WorkerRow.id.in_(worker_ids),
        WorkerRow.deleted_at.is_(None),
        WorkerRow.status == WorkerStatus.AWAKE,
        WorkerRow.status_requested.is_(None),
    )
    given = select(HttpRunRow.worker_id).where(
        HttpRunRow.worker_id.in_(worker_ids), HttpRunRow.state.in_(_OPEN)
    )
    changed = set(worker_ids).difference(await session.scalars(waiting))
    return changed.union(await session.scalars(given))


async def newest_of_task(session: AsyncSession, task_id: str, worker_id: str) -> HttpRunRow | None:
    """The worker's last try at a task, unless that is settled."""
    query = select(HttpRunRow).where(
        HttpRunRow.task_id == task_id, HttpRunRow.worker_id == worker_id
    )
    rows = (await session.scalars(query)).all()
    return max(rows, key=lambda row: RunKey.parse(row.key), default=None)


async def open_runs(session: AsyncSession) -> Sequence[HttpRunRow]:
    query = select(HttpRunRow).where(HttpRunRow.state.in_(_OPEN))
    return (await session.scalars(query)).all()


async def undelivered(session: AsyncSession) -> Sequence[HttpRunRow]:
    """Runs whose outcome an activity waits for."""
    query = select(HttpRunRow).where(
        HttpRunRow.state == HttpRunState.ENDED, HttpRunRow.activity_id != ""
    )
    return (await session.scalars(query.order_by(HttpRunRow.touched).limit(_BATCH))).all()


def activity_of(row: HttpRunRow) -> Activity:
    return Activity(RunKey.parse(row.key), row.workflow_run_id, row.activity_id)


# --- housekeeping ---------------------------------------------------------------------------------


async def detach(session: Session, activities: Collection[Activity]) -> None:
    """These activities wait for nothing any more, unless a newer one has taken their place."""
    table = table_of(HttpRunRow)
    for each in activities:
        await session.execute(
            update(table)
            .where(table.c.key == str(each.key))
            .where(table.c.workflow_run_id == each.workflow_run_id)
            .where(table.c.activity_id == each.activity_id)
            .values(workflow_run_id="", activity_id="")
        )


async def touch(session: Session, keys: Collection[str], at: datetime) -> None:
    """Their workers said that they are at them."""
    runs, tasks = table_of(HttpRunRow), table_of(TaskRow)
    await session.execute(update(runs).where(runs.c.key.in_(keys)).values(touched=at))
    of_runs = select(runs.c.task_id).where(runs.c.key.in_(keys))
    await session.execute(update(tasks).where(tasks.c.id.in_(of_runs)).values(last_touched=at))


async def settled(session: AsyncSession) -> Sequence[str]:
    """Runs whose end is recorded and that nobody waits for."""
    query = select(HttpRunRow.key).where(
        HttpRunRow.state == HttpRunState.ENDED, HttpRunRow.activity_id == ""
    )
    kept = (await session.scalars(query)).all()
    return [key for key in kept if await is_settled(session, RunKey.parse(key))]


async def forget(session: Session, keys: Collection[str]) -> None:
    await session.execute(delete(HttpRunRow).where(HttpRunRow.key.in_(keys)))
