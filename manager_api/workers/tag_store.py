"""Worker tags: which jobs are for which workers."""

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events
from manager_api.database.engine import FOR_CHANGE, Changed, Session
from manager_api.database.payloads import WORKER_TAGS, tag_deleted, tag_event
from manager_api.database.tables import JobRow, ProvisionScope, WorkerTagRow
from manager_api.workers import provision_store as provisions


async def insert_tag(session: Session, tag_id: str, name: str, description: str) -> WorkerTagRow:
    """Tells `/workertags`.

    Raises:
        IntegrityError: the name is taken.
    """
    row = WorkerTagRow(id=tag_id, name=name, description=description)
    session.add(row)
    await session.flush()
    events.append(session, WORKER_TAGS, tag_event(row))
    return row


async def tag(session: AsyncSession, tag_id: str) -> WorkerTagRow | None:
    return await session.get(WorkerTagRow, tag_id)


async def tag_to_give(
    session: Session, *, tag_id: str | None = None, name: str | None = None
) -> WorkerTagRow | None:
    """By id or by name; not deleted before the transaction ends."""
    is_it = WorkerTagRow.name == name if tag_id is None else WorkerTagRow.id == tag_id
    return await session.scalar(
        select(WorkerTagRow).where(is_it).with_for_update(read=True, key_share=True)
    )


async def tag_to_delete(session: Session, tag_id: str) -> WorkerTagRow | None:
    """Given to nobody else before the transaction ends."""
    return await session.get(WorkerTagRow, tag_id, with_for_update=True)


async def all_tags(session: AsyncSession) -> Sequence[WorkerTagRow]:
    """By name."""
    return (await session.scalars(select(WorkerTagRow).order_by(WorkerTagRow.name))).all()


async def unfinished_jobs_of(session: AsyncSession, tag_id: str) -> Sequence[JobRow]:
    """What deleting the tag would open to every worker."""
    query = select(JobRow).where(JobRow.worker_tag_id == tag_id, JobRow.is_ended.is_(False))
    return (await session.scalars(query)).all()


async def update_tag(
    session: Session, tag_id: str, name: str, description: str | None
) -> WorkerTagRow | None:
    """Without a description the old one stays. Tells `/workertags`. None: no such tag.

    Raises:
        IntegrityError: the name is taken.
    """
    row = await session.get(WorkerTagRow, tag_id, with_for_update=FOR_CHANGE)
    if row is None:
        return None
    row.name = name
    if description is not None:
        row.description = description
    await session.flush()
    events.append(session, WORKER_TAGS, tag_event(row))
    return row


async def delete_tag(session: Session, tag_id: str) -> bool:
    """Its jobs lose it, workers are its members no more. Tells `/workertags`."""
    if await session.get(WorkerTagRow, tag_id) is None:
        return False
    jobs = update(JobRow).where(JobRow.worker_tag_id == tag_id).values(worker_tag_id=None)
    await session.execute(jobs)
    await session.execute(delete(WorkerTagRow).where(WorkerTagRow.id == tag_id))
    await provisions.remove(session, ProvisionScope.TAG, tag_id)
    events.append(session, WORKER_TAGS, tag_deleted(tag_id))
    session.changed.add(Changed.FARM)
    return True
