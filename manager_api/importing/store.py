"""What the transfer of a Flamenco farm reads of this farm's database, and writes to it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.bulk import bulk_insert
from manager_api.database.engine import Session, utc_now
from manager_api.database.tables import (
    Base,
    FarmRow,
    JobBlockRow,
    JobRow,
    OutboxRow,
    TaskRow,
    WorkerRow,
    WorkerTagRow,
    table_of,
)
from manager_api.jobs.store import job


async def tag_ids_by_name(session: AsyncSession) -> dict[str, str]:
    rows = await session.execute(select(WorkerTagRow.id, WorkerTagRow.name))
    return {row.name: row.id for row in rows}


async def worker_ids(session: AsyncSession) -> set[str]:
    """Deleted workers, too."""
    return set(await session.scalars(select(WorkerRow.id)))


async def add_rows(session: Session, rows: Collection[Base]) -> None:
    """The rows in their order: later ones may refer to earlier ones."""
    for row in rows:
        session.add(row)
        await session.flush()


async def add_job(
    session: Session,
    row: JobRow,
    task_columns: Mapping[str, Sequence[Any]],
    blocklist: Collection[tuple[str, str]],
) -> None:
    """Store a job with its tasks and blocklist, and the order to start it unless it has ended.

    Args:
        blocklist: pairs of a worker's id and a task type.

    Raises:
        IntegrityError: a task's id is there already.
    """
    await add_rows(session, [row])
    await bulk_insert(
        session, table_of(TaskRow), task_columns, {"job_id": row.id, "frames_from": 1}
    )
    session.add_all(
        JobBlockRow(job_id=row.id, worker_id=worker_id, task_type=task_type)
        for worker_id, task_type in blocklist
    )
    if not row.is_ended:
        session.add(OutboxRow(job_id=row.id, run=row.run, created=utc_now()))


async def show_last_rendered(session: Session, job_id: str) -> None:
    """Set the farm's newest image, unless this farm has rendered something itself."""
    if await job(session, job_id) is not None:
        await session.execute(
            update(FarmRow)
            .where(FarmRow.last_rendered_job_id.is_(None))
            .values(last_rendered_job_id=job_id)
        )
