"""Stores what a job's run reports about its leases."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Update, bindparam, delete, insert, update

from manager_api.database.engine import Session
from manager_api.database.tables import HandBackRow, LeaseRow, LeaseState, table_of
from manager_api.jobs.task_moves import KnownWorkers
from workflows.domain.messages import LeaseReturned, ProjectionWrite

_LEASES = table_of(LeaseRow)


async def apply(
    session: Session, write: ProjectionWrite, workers: KnownWorkers, now: datetime
) -> None:
    """Update the leases in the order in which things happened: accepted, moved, returned."""
    of_run = (
        update(_LEASES)
        .where(_LEASES.c.job_id == write.job_id, _LEASES.c.run == write.run)
        .where(_LEASES.c.state != LeaseState.RETURNED)
        .values(changed=now)
    )
    held = (*write.held, *(write.all_held or ()))
    if held:
        await session.execute(
            of_run.where(_LEASES.c.id.in_(held), _LEASES.c.state == LeaseState.OFFERED).values(
                state=LeaseState.HELD
            )
        )
    if write.moved:
        await _move(session, of_run, write.moved)
    if write.all_held is not None:
        # An offered lease may be on its way to the run, so only held leases count as gone.
        gone = _LEASES.c.id.not_in(write.all_held), _LEASES.c.state == LeaseState.HELD
        await session.execute(of_run.where(*gone).values(state=LeaseState.RETURNED))
    if write.returned:
        ids = [lease.lease_id for lease in write.returned]
        returned = of_run.where(_LEASES.c.id.in_(ids)).values(state=LeaseState.RETURNED)
        await session.execute(returned)
        await _store_hand_backs(session, write.job_id, write.returned, workers)


async def return_all(session: Session, job_id: str, now: datetime) -> None:
    """Mark all leases of a job as returned, because its run has ended."""
    await session.execute(
        update(_LEASES)
        .where(_LEASES.c.job_id == job_id, _LEASES.c.state != LeaseState.RETURNED)
        .values(state=LeaseState.RETURNED, changed=now)
    )


async def _move(session: Session, of_run: Update, moved: Sequence[tuple[str, int]]) -> None:
    statement = of_run.where(_LEASES.c.id == bindparam("lease_id")).values(
        session=bindparam("new_session")
    )
    rows = [{"lease_id": lease_id, "new_session": number} for lease_id, number in moved]
    await session.execute(statement, rows)


async def _store_hand_backs(
    session: Session, job_id: str, returned: Sequence[LeaseReturned], workers: KnownWorkers
) -> None:
    """Store which workers the job handed back, and at which version of its demand.

    Demand version 0 means that the job did not hand the worker back for lack of a task.
    """
    versions: dict[str, int] = {}
    for lease in returned:
        if lease.demand_version:
            known = versions.get(lease.worker_id, 0)
            versions[lease.worker_id] = max(known, lease.demand_version)
    if not versions:
        return
    await workers.look_up(versions)
    table = table_of(HandBackRow)
    await session.execute(
        delete(table).where(table.c.job_id == job_id, table.c.worker_id.in_(versions))
    )
    rows = [
        {"job_id": job_id, "worker_id": worker_id, "demand_version": version}
        for worker_id, version in versions.items()
        if worker_id in workers
    ]
    if rows:
        await session.execute(insert(table), rows)
