"""Runs of HTTP workers: the database keeps what a host keeps on its disk (docs/protocol.md)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import FOR_CHANGE, Changed, Session, utc_now
from manager_api.database.tables import (
    HttpRunRow,
    HttpRunState,
    JobRow,
    LeaseRow,
    LeaseState,
    TaskRow,
    WorkerRow,
    WorkerSlotRow,
    table_of,
)
from manager_api.runs.store import is_settled
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef, RunStopped
from workflows.domain.render_warnings import clipped
from workflows.domain.statuses import WorkerStatus

_OPEN = (HttpRunState.OFFERED, HttpRunState.RUNNING)
#: A worker with one of these statuses does not call the manager.
_SILENT = frozenset({WorkerStatus.OFFLINE, WorkerStatus.ERROR})
#: Most runs read in one transaction.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Activity:
    """The Temporal activity that waits for a run's outcome."""

    key: RunKey
    workflow_run_id: str
    activity_id: str


@dataclass(frozen=True, slots=True)
class Attached:
    """The answer to an activity that asked for a run."""

    worker_id: str = ""
    outcome: Outcome | None = None
    """None while the run has not ended."""


# --- requests of a job's workflow -----------------------------------------------------------------


async def attach(session: Session, ref: RunRef, workflow_run_id: str, activity_id: str) -> Attached:
    """Enter a run, or attach the activity to a known run; the newest activity gets the outcome."""
    row = await run_to_change(session, str(ref.key))
    if row is not None and row.state is HttpRunState.ENDED and not row.handed_out:
        # The attempt did not count, so it is offered again under the same key.
        await session.delete(row)
        await session.flush()
        row = None
    if row is None:
        return await _enter(session, ref, workflow_run_id, activity_id)
    row.lease_id, row.generation = ref.lease_id, ref.generation
    worker = await session.get(WorkerRow, row.worker_id)
    row.session = worker.session if worker else row.session
    if row.state is HttpRunState.ENDED:
        # The activity returns the outcome itself. If it is lost, the workflow asks once more.
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
        reason = refusal or "its task is gone"
        return Attached(outcome=Outcome(OutcomeKind.REFUSED, reason, not_handed_out=True))
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
    """Return why the worker must not get this run; empty if it may get it (protocol rule 4)."""
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
    """Stop a run: ask its worker if the worker has begun it and calls the manager, else end it."""
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
    """Store a run's outcome; return False if it has one already, which then counts."""
    if row.state is HttpRunState.ENDED:
        return False
    row.state = HttpRunState.ENDED
    row.outcome, row.reason = str(outcome.kind), outcome.reason
    row.findings = {
        "fault": str(outcome.fault),
        "rule": outcome.rule,
        "warnings": [list(each) for each in outcome.warnings],
    }
    row.touched = utc_now()
    session.changed.add(Changed.HTTP_RUNS)
    return True


def outcome_of(row: HttpRunRow) -> Outcome:
    """Return the outcome of an ended run."""
    found = row.findings or {}
    return Outcome(
        OutcomeKind(row.outcome),
        row.reason,
        not_handed_out=not row.handed_out,
        fault=found.get("fault", ""),
        rule=found.get("rule", ""),
        warnings=clipped((text, count) for text, count in found.get("warnings", ())),
    )


async def withdraw(session: Session, stopped: Sequence[RunStopped]) -> None:
    """End those of the runs that their job gave up before they were handed out."""
    query = select(HttpRunRow).where(
        HttpRunRow.key.in_([str(each.key) for each in stopped]),
        HttpRunRow.state == HttpRunState.OFFERED,
    )
    for row in await session.scalars(query.with_for_update(of=HttpRunRow)):
        end(session, row, Outcome(OutcomeKind.CANCELED, "its job gave it up"))


async def handed_out(session: AsyncSession, keys: Collection[RunKey]) -> set[RunKey]:
    """Return those of the runs that their workers have got."""
    query = select(HttpRunRow.key).where(
        HttpRunRow.key.in_([str(key) for key in keys]), HttpRunRow.handed_out > 0
    )
    return {RunKey.parse(key) for key in await session.scalars(query)}


async def on_offer(session: AsyncSession, job_id: str) -> list[RunKey]:
    """Return the runs of a job that wait for their workers to fetch them."""
    query = select(HttpRunRow.key).where(
        HttpRunRow.job_id == job_id, HttpRunRow.state == HttpRunState.OFFERED
    )
    return [RunKey.parse(key) for key in await session.scalars(query)]


# --- a worker's sessions --------------------------------------------------------------------------


async def begin_session(session: Session, row: WorkerRow) -> None:
    """Begin a session of an HTTP worker; the runs that are kept for it become its live runs."""
    row.session += 1
    row.is_http = True
    row.is_provisioned = True
    row.has_deck = False
    row.can_upgrade = False
    row.slots = 1
    query = select(HttpRunRow.key).where(HttpRunRow.worker_id == row.id)
    row.live_runs = sorted(await session.scalars(query))
    row.polls_until = None
    session.changed.add(Changed.FARM)


async def process_began(session: Session, row: WorkerRow) -> None:
    """Record that a worker signed on: its new process does not know the runs of the last one."""
    for run in await open_of_worker(session, row.id):
        if run.state is HttpRunState.OFFERED:
            continue
        kind = OutcomeKind.CANCELED if run.stop_reason else OutcomeKind.LOST
        end(session, run, Outcome(kind, run.stop_reason or "its worker started anew"))
        # The activity belongs to a lease of the old session; the workflow asks for the run again.
        run.workflow_run_id = run.activity_id = ""
    await begin_session(session, row)


async def give_back(session: Session, worker_id: str, reason: str) -> None:
    """End the open runs of a worker that will run nothing for a while, without a failure.

    A refused run ends its lease, too. Otherwise the worker would be offered the next task at once.
    """
    for run in await open_of_worker(session, worker_id):
        kind = OutcomeKind.CANCELED if run.stop_reason else OutcomeKind.REFUSED
        end(session, run, Outcome(kind, run.stop_reason or reason))


async def withdraw_offers(session: Session, worker_id: str, reason: str) -> None:
    for run in await open_of_worker(session, worker_id):
        if run.state is HttpRunState.OFFERED:
            end(session, run, Outcome(OutcomeKind.REFUSED, reason))


async def confirm_stops(session: Session, worker_id: str) -> None:
    """End the runs that the worker had to stop. It asks for a task, so it has stopped them."""
    for run in await open_of_worker(session, worker_id):
        if run.stop_reason:
            end(session, run, Outcome(OutcomeKind.CANCELED, run.stop_reason))


# --- queries --------------------------------------------------------------------------------------


async def run_to_change(session: Session, key: str) -> HttpRunRow | None:
    """Return a run, locked against other writers until the transaction ends."""
    return await session.get(HttpRunRow, key, with_for_update=FOR_CHANGE, populate_existing=True)


async def is_open(session: AsyncSession, key: str, worker_id: str) -> bool:
    """Return whether the worker has this run and the run has no outcome yet."""
    row = await session.get(HttpRunRow, key)
    return row is not None and row.worker_id == worker_id and row.state in _OPEN


async def open_of_worker(session: AsyncSession, worker_id: str) -> Sequence[HttpRunRow]:
    """Return the worker's runs without an outcome, oldest first."""
    query = select(HttpRunRow).where(HttpRunRow.worker_id == worker_id, HttpRunRow.state.in_(_OPEN))
    return (await session.scalars(query.order_by(HttpRunRow.created, HttpRunRow.key))).all()


async def with_news(session: AsyncSession, worker_ids: Collection[str]) -> set[str]:
    """Return those of these waiting workers that must be answered now.

    Such a worker has an open run, is not awake any more, has a requested status, or was deleted.
    """
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


async def open_runs(session: AsyncSession) -> Sequence[HttpRunRow]:
    query = select(HttpRunRow).where(HttpRunRow.state.in_(_OPEN))
    return (await session.scalars(query)).all()


class WorkedRun(NamedTuple):
    """A run that its worker has, with the facts that tell whether its time is over."""

    key: str
    reported: datetime
    task_type: str
    job_metadata: dict[str, str]
    began: datetime
    silent_since: datetime | None


async def worked_on(session: AsyncSession) -> Sequence[WorkedRun]:
    """Return the runs that their workers have and that they need not stop."""
    query = (
        select(
            HttpRunRow.key,
            func.coalesce(HttpRunRow.reported, HttpRunRow.touched),
            TaskRow.task_type,
            JobRow.job_metadata,
            func.coalesce(TaskRow.started_at, HttpRunRow.created),
            TaskRow.silent_since,
        )
        .join(TaskRow, TaskRow.id == HttpRunRow.task_id)
        .join(JobRow, JobRow.id == HttpRunRow.job_id)
        .where(HttpRunRow.state == HttpRunState.RUNNING, HttpRunRow.stop_reason == "")
    )
    return [WorkedRun(*row) for row in await session.execute(query)]


async def undelivered(session: AsyncSession) -> Sequence[HttpRunRow]:
    """Return ended runs whose outcome an activity waits for, at most 500, oldest first."""
    query = select(HttpRunRow).where(
        HttpRunRow.state == HttpRunState.ENDED, HttpRunRow.activity_id != ""
    )
    return (await session.scalars(query.order_by(HttpRunRow.touched).limit(_BATCH))).all()


def activity_of(row: HttpRunRow) -> Activity:
    return Activity(RunKey.parse(row.key), row.workflow_run_id, row.activity_id)


# --- housekeeping ---------------------------------------------------------------------------------


async def detach(session: Session, activities: Collection[Activity]) -> None:
    """Record that these activities do not wait any more; leave newer activities attached."""
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
    """Record that the workers reported at this time to be working on these runs."""
    runs, tasks = table_of(HttpRunRow), table_of(TaskRow)
    await session.execute(update(runs).where(runs.c.key.in_(keys)).values(touched=at))
    of_runs = select(runs.c.task_id).where(runs.c.key.in_(keys))
    await session.execute(update(tasks).where(tasks.c.id.in_(of_runs)).values(last_touched=at))


async def heard_by(session: Session, now: datetime) -> None:
    """Record runs that were heard of later than now as heard of now."""
    for column in (HttpRunRow.touched, HttpRunRow.reported):
        change = update(HttpRunRow).where(column > now, HttpRunRow.state != HttpRunState.ENDED)
        await session.execute(change.values({column: now}))


async def settled(session: AsyncSession) -> Sequence[str]:
    """Return ended runs without a waiting activity whose end the job's projection has, too.

    The projection has no attempts that were never handed out. A run of an older session stays
    while its lease is open, because the workflow asks for it again.
    """
    is_of_session = HttpRunRow.session == WorkerRow.session
    open_lease = select(LeaseRow.id).where(
        LeaseRow.id == HttpRunRow.lease_id, LeaseRow.state != LeaseState.RETURNED
    )
    query = (
        select(HttpRunRow.key, HttpRunRow.handed_out)
        .join(WorkerRow, WorkerRow.id == HttpRunRow.worker_id)
        .where(HttpRunRow.state == HttpRunState.ENDED, HttpRunRow.activity_id == "")
        .where(is_of_session | ~open_lease.exists() | (HttpRunRow.handed_out == 0))
    )
    kept = (await session.execute(query)).all()
    return [
        row.key
        for row in kept
        if not row.handed_out or await is_settled(session, RunKey.parse(row.key))
    ]


async def forget(session: Session, keys: Collection[str]) -> None:
    await session.execute(delete(HttpRunRow).where(HttpRunRow.key.in_(keys)))
