"""The keeper's look at the farm: one moment of it, in five queries."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.db import workers
from manager_api.db.tables import (
    HandBackRow,
    JobRow,
    LeaseRow,
    LeaseState,
    WorkerTagMembershipRow,
)
from workflows.domain.matchmaking import FarmSnapshot, JobFacts, LeaseFacts, WorkerFacts
from workflows.domain.messages import Demand, Want


async def farm_snapshot(session: AsyncSession, is_present: Callable[[str], bool]) -> FarmSnapshot:
    """Jobs that have not ended, workers that are not deleted, leases that are not returned."""
    return FarmSnapshot(
        await _worker_facts(session, is_present),
        await _job_facts(session),
        await _lease_facts(session),
        await _hand_backs(session),
    )


async def _worker_facts(
    session: AsyncSession, is_present: Callable[[str], bool]
) -> tuple[WorkerFacts, ...]:
    tags = defaultdict(set)
    membership = select(WorkerTagMembershipRow.worker_id, WorkerTagMembershipRow.tag_id)
    for worker_id, tag_id in await session.execute(membership):
        tags[worker_id].add(tag_id)
    return tuple(
        WorkerFacts(
            id=row.id,
            name=row.name,
            status=row.status,
            session=row.session,
            slots=row.slots,
            task_types=frozenset(row.supported_task_types),
            tags=frozenset(tags[row.id]),
            is_present=is_present(row.id),
            status_requested=row.status_requested,
            is_lazy_request=row.is_lazy_request,
            live_runs=tuple(row.live_runs),
        )
        for row in await workers.all_workers(session)
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
            demand=_demand(row.demand),
        )
        for rank, row in enumerate(await session.execute(query))
    )


def _demand(stored: dict[str, Any] | None) -> Demand | None:
    if stored is None:
        return None
    wants = tuple(
        Want(want["task_type"], want["count"], tuple(want["blocked"]), tuple(want["failed"]))
        for want in stored["wants"]
    )
    return Demand(stored["version"], wants)


async def _lease_facts(session: AsyncSession) -> tuple[LeaseFacts, ...]:
    query = select(LeaseRow).where(LeaseRow.state.in_((LeaseState.OFFERED, LeaseState.HELD)))
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
