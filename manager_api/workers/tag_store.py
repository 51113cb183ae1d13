"""Worker tags in the database. A job that has a tag is only for workers that have it too."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.errors import WorkerTagNotFound
from manager_api.database import events
from manager_api.database.engine import FOR_CHANGE, Changed, Session
from manager_api.database.payloads import WORKER_TAGS, tag_deleted, tag_event
from manager_api.database.tables import JobRow, ProvisionScope, WorkerTagMembershipRow, WorkerTagRow
from manager_api.workers import provision_store as provisions


async def insert_tag(session: Session, tag_id: str, name: str, description: str) -> WorkerTagRow:
    """Insert a tag and add an event to `/workertags`.

    Raises:
        IntegrityError: another tag has this name.
    """
    row = WorkerTagRow(id=tag_id, name=name, description=description)
    session.add(row)
    await session.flush()
    events.append(session, WORKER_TAGS, tag_event(row))
    return row


async def tag(session: AsyncSession, tag_id: str) -> WorkerTagRow | None:
    return await session.get(WorkerTagRow, tag_id)


async def existing_tag(session: AsyncSession, tag_id: str) -> WorkerTagRow:
    """Return the tag.

    Raises:
        WorkerTagNotFound: the tag does not exist.
    """
    return _existing(await tag(session, tag_id), tag_id)


async def existing_tag_to_change(session: Session, tag_id: str) -> WorkerTagRow:
    """Return the tag, locked against other writers until the transaction ends.

    Raises:
        WorkerTagNotFound: the tag does not exist.
    """
    row = await session.get(WorkerTagRow, tag_id, with_for_update=FOR_CHANGE)
    return _existing(row, tag_id)


async def existing_tag_to_delete(session: Session, tag_id: str) -> WorkerTagRow:
    """Return the tag, locked so that no job or worker gets it before the transaction ends.

    Raises:
        WorkerTagNotFound: the tag does not exist.
    """
    return _existing(await session.get(WorkerTagRow, tag_id, with_for_update=True), tag_id)


async def tag_to_give(
    session: Session, *, tag_id: str | None = None, name: str | None = None
) -> WorkerTagRow | None:
    """Return the tag with this id or this name, locked against deletion.

    The lock holds until the transaction ends.
    """
    is_it = WorkerTagRow.name == name if tag_id is None else WorkerTagRow.id == tag_id
    return await session.scalar(
        select(WorkerTagRow).where(is_it).with_for_update(read=True, key_share=True)
    )


async def all_tags(session: AsyncSession) -> Sequence[WorkerTagRow]:
    """Return all tags, sorted by name."""
    return (await session.scalars(select(WorkerTagRow).order_by(WorkerTagRow.name))).all()


async def by_worker(session: AsyncSession) -> Mapping[str, Sequence[WorkerTagRow]]:
    """Return the tags of each worker that has any, sorted by name, by worker id."""
    membership = WorkerTagMembershipRow
    query = (
        select(membership.worker_id, WorkerTagRow)
        .join(WorkerTagRow, WorkerTagRow.id == membership.tag_id)
        .order_by(WorkerTagRow.name)
    )
    found: defaultdict[str, list[WorkerTagRow]] = defaultdict(list)
    for worker_id, row in await session.execute(query):
        found[worker_id].append(row)
    return found


async def unfinished_jobs_of(session: AsyncSession, tag_id: str) -> Sequence[JobRow]:
    """Return the unfinished jobs of a tag. Every worker could serve them if it were deleted."""
    query = select(JobRow).where(JobRow.worker_tag_id == tag_id, JobRow.is_ended.is_(False))
    return (await session.scalars(query)).all()


async def update_tag(
    session: Session, row: WorkerTagRow, name: str, description: str | None
) -> None:
    """Change a tag and add an event to `/workertags`.

    Args:
        description: None keeps the old one.

    Raises:
        IntegrityError: another tag has this name.
    """
    row.name = name
    if description is not None:
        row.description = description
    await session.flush()
    events.append(session, WORKER_TAGS, tag_event(row))


async def delete_tag(session: Session, row: WorkerTagRow) -> None:
    """Delete a tag, take it from its jobs and workers, and add an event to `/workertags`."""
    jobs = update(JobRow).where(JobRow.worker_tag_id == row.id).values(worker_tag_id=None)
    await session.execute(jobs)
    await session.delete(row)
    await session.flush()
    await provisions.remove(session, ProvisionScope.TAG, row.id)
    events.append(session, WORKER_TAGS, tag_deleted(row.id))
    session.changed.add(Changed.FARM)


def _existing(row: WorkerTagRow | None, tag_id: str) -> WorkerTagRow:
    if row is None:
        raise WorkerTagNotFound(tag_id)
    return row
