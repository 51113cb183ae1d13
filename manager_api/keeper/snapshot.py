"""Reads the keeper's snapshot of the farm, one moment of the database, in a few queries."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import utc_now
from manager_api.database.tables import (
    HandBackRow,
    JobRow,
    LeaseRow,
    LeaseState,
    WorkerTagMembershipRow,
)
from manager_api.jobs.demands import read_demand
from manager_api.jobs.stuck_store import stuck_by_worker
from manager_api.workers import provision_store as provisions
from manager_api.workers import store as workers
from workflows.domain.asides import from_json, reason_for_all, types_left_out
from workflows.domain.farm_facts import FarmSnapshot, JobFacts, LeaseFacts, WorkerFacts

#: Tells whether an HTTP worker counts as present, from its id and the time it was last seen.
IsHttpPresent = Callable[[str, datetime | None], bool]


def everybody(worker_id: str, last_seen: datetime | None) -> bool:
    return True


async def farm_snapshot(
    session: AsyncSession,
    is_present: Callable[[str], bool],
    is_http_present: IsHttpPresent = everybody,
) -> FarmSnapshot:
    """Return the jobs that have not ended, the workers, their open leases, and the hand-backs.

    Deleted workers, workers that wait to be let in, and returned leases are left out.
    """
    return FarmSnapshot(
        await _worker_facts(session, is_present, is_http_present),
        await _job_facts(session),
        await _lease_facts(session),
        await _hand_backs(session),
    )


async def _worker_facts(
    session: AsyncSession, is_present: Callable[[str], bool], is_http_present: IsHttpPresent
) -> tuple[WorkerFacts, ...]:
    now = utc_now()
    tags = defaultdict(set)
    membership = select(WorkerTagMembershipRow.worker_id, WorkerTagMembershipRow.tag_id)
    for worker_id, tag_id in await session.execute(membership):
        tags[worker_id].add(tag_id)
    rows = await workers.all_workers(session)
    provided = await provisions.effective(session, rows)
    return tuple(
        WorkerFacts(
            id=row.id,
            name=row.name,
            status=row.status,
            session=row.session,
            slots=provisions.slots(row, provided[row.id]),
            task_types=frozenset(provisions.lent_task_types(row, provided[row.id])),
            tags=frozenset(tags[row.id]),
            is_present=is_http_present(row.id, row.last_seen)
            if row.is_http
            else is_present(row.id),
            status_requested=row.status_requested,
            is_lazy_request=row.is_lazy_request,
            live_runs=tuple(row.live_runs),
            is_http=row.is_http,
            is_polling=row.polls_until is not None and row.polls_until > now,
            is_paused=row.is_paused,
            set_aside=reason_for_all(from_json(row.set_aside)),
            types_left_out=types_left_out(from_json(row.set_aside)),
        )
        for row in rows
        if not row.is_waiting
    )


async def _job_facts(session: AsyncSession) -> tuple[JobFacts, ...]:
    query = (
        select(
            JobRow.id,
            JobRow.run,
            JobRow.status,
            JobRow.priority,
            JobRow.worker_tag_id,
            JobRow.demand,
            JobRow.delete_requested_at,
        )
        .where(JobRow.is_ended.is_(False))
        .order_by(JobRow.created, JobRow.id)
    )
    return tuple(
        JobFacts(
            id=row.id,
            run=row.run,
            status=row.status,
            priority=row.priority,
            age_rank=rank,
            tag=row.worker_tag_id,
            # A job that is to be deleted gets no workers.
            demand=None if row.delete_requested_at else read_demand(row.demand),
        )
        for rank, row in enumerate(await session.execute(query))
    )


async def _lease_facts(session: AsyncSession) -> tuple[LeaseFacts, ...]:
    query = (
        select(LeaseRow)
        .where(LeaseRow.state.in_((LeaseState.OFFERED, LeaseState.HELD)))
        .order_by(LeaseRow.id)
    )
    stuck = await stuck_by_worker(session)

    def takes_one_stuck(row: LeaseRow) -> bool:
        # A task does not tell its lease. Of several slots of one worker, any may be the stuck one.
        stuck[row.job_id, row.worker_id] -= 1
        return stuck[row.job_id, row.worker_id] >= 0

    return tuple(
        LeaseFacts(
            id=row.id,
            worker_id=row.worker_id,
            session=row.session,
            slot=row.slot,
            generation=row.generation,
            job_id=row.job_id,
            run=row.run,
            is_held=row.state is LeaseState.HELD,
            recall=row.recall,
            task_types=None if row.task_types is None else frozenset(row.task_types),
            is_stuck=takes_one_stuck(row),
        )
        for row in await session.scalars(query)
    )


async def _hand_backs(session: AsyncSession) -> dict[tuple[str, str], int]:
    query = (
        select(HandBackRow)
        .join(JobRow, JobRow.id == HandBackRow.job_id)
        .where(JobRow.is_ended.is_(False))
    )
    return {(row.job_id, row.worker_id): row.demand_version for row in await session.scalars(query)}
