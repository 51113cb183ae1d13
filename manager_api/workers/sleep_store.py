"""Stored sleep schedules, and the requests that they make of their workers.

The times of schedules are in the time zone of the manager's machine.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import Session
from manager_api.database.tables import SleepScheduleRow, WorkerRow
from manager_api.workers import store as workers
from workflows.domain.sleep_schedule import BadSchedule, SleepSchedule, is_request_due
from workflows.domain.statuses import WorkerStatus
from workflows.domain.worker import request_status


async def of_worker(session: AsyncSession, worker_id: str) -> SleepScheduleRow | None:
    return await session.get(SleepScheduleRow, worker_id)


async def by_worker(session: AsyncSession) -> Mapping[str, SleepScheduleRow]:
    return {row.worker_id: row for row in await session.scalars(select(SleepScheduleRow))}


async def ends_of_sleep(session: AsyncSession, now: datetime) -> Sequence[tuple[str, datetime]]:
    """Return (name, end) of the workers whose sleep ends by their schedules."""
    query = (
        select(WorkerRow.name, SleepScheduleRow)
        .join(SleepScheduleRow, SleepScheduleRow.worker_id == WorkerRow.id)
        .where(WorkerRow.status == WorkerStatus.ASLEEP, WorkerRow.deleted_at.is_(None))
    )
    found = []
    for name, row in await session.execute(query):
        schedule = _schedule(row)
        if schedule is not None and (end := schedule.asleep_until(now)) is not None:
            found.append((name, end))
    return found


async def save(session: Session, worker: WorkerRow, schedule: SleepSchedule, now: datetime) -> None:
    """Store a schedule, and request at once the status that it gives the worker now."""
    row = SleepScheduleRow(
        worker_id=worker.id,
        is_active=schedule.is_active,
        days_of_week=schedule.days_of_week,
        start_time=schedule.start_time,
        end_time=schedule.end_time,
        next_check=schedule.next_check(now),
    )
    await session.merge(row)
    _ask(session, worker, schedule, now)


async def scheduled_status(
    session: AsyncSession, worker_id: str, now: datetime
) -> WorkerStatus | None:
    """Return the status that a worker's schedule gives it at `now`; None without a schedule."""
    row = await of_worker(session, worker_id)
    schedule = None if row is None else _schedule(row)
    return None if schedule is None else schedule.status_at(now)


async def due(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return the ids of the workers whose schedule is due for a check."""
    query = (
        select(SleepScheduleRow.worker_id)
        .join(WorkerRow, WorkerRow.id == SleepScheduleRow.worker_id)
        .where(WorkerRow.deleted_at.is_(None))
        .where(SleepScheduleRow.is_active.is_(True), SleepScheduleRow.next_check <= now)
        .order_by(SleepScheduleRow.worker_id)
    )
    return (await session.scalars(query)).all()


async def look_at(session: Session, worker_id: str, now: datetime) -> None:
    """Request the status that a worker's schedule gives it now, and store the next check."""
    worker = await workers.worker_to_change(session, worker_id)
    row = await of_worker(session, worker_id)
    if worker is None or row is None:
        return
    schedule = _schedule(row)
    row.next_check = None if schedule is None else schedule.next_check(now)
    if schedule is not None:
        _ask(session, worker, schedule, now)


def _ask(session: Session, worker: WorkerRow, schedule: SleepSchedule, now: datetime) -> None:
    says = schedule.status_at(now)
    if is_request_due(worker.status, workers.pending_request(worker), says):
        pending = request_status(worker.status, says, is_lazy=False, can_restart=worker.can_restart)
        workers.set_request(session, worker, pending)


def _schedule(row: SleepScheduleRow) -> SleepSchedule | None:
    """Return the stored schedule; None if it is not valid."""
    try:
        return SleepSchedule.parse(
            is_active=row.is_active,
            days_of_week=row.days_of_week,
            start_time=row.start_time,
            end_time=row.end_time,
        )
    except BadSchedule:
        return None
