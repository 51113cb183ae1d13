"""Queries for comments. A subject is what a comment is on: a job or a worker."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.errors import NotFound
from manager_api.database import events
from manager_api.database.engine import FOR_CHANGE, Session
from manager_api.database.tables import CommentRow
from manager_api.jobs.store import existing_job
from manager_api.workers.store import existing_worker

COMMENTS = "/comments"


@dataclass(frozen=True, slots=True)
class Subject:
    """A job or a worker: one of the two ids."""

    job_id: str | None = None
    worker_id: str | None = None

    @property
    def is_of(self) -> ColumnElement[bool]:
        if self.job_id is not None:
            return CommentRow.job_id == self.job_id
        return CommentRow.worker_id == self.worker_id


async def check_exists(session: AsyncSession, subject: Subject) -> None:
    """
    Raises:
        JobNotFound: there is no such job.
        WorkerNotFound: there is no such worker.
    """
    if subject.job_id is not None:
        await existing_job(session, subject.job_id)
    else:
        await existing_worker(session, str(subject.worker_id))


async def comments_on(session: AsyncSession, subject: Subject) -> Sequence[CommentRow]:
    """Return the comments, the oldest first."""
    query = select(CommentRow).where(subject.is_of).order_by(CommentRow.created, CommentRow.id)
    return (await session.scalars(query)).all()


async def count(session: AsyncSession, subject: Subject) -> int:
    query = select(func.count()).select_from(CommentRow).where(subject.is_of)
    return await session.scalar(query) or 0


async def comment_to_change(session: Session, comment_id: str) -> CommentRow:
    """
    Raises:
        NotFound: there is no such comment.
    """
    row = await session.get(CommentRow, comment_id, with_for_update=FOR_CHANGE)
    if row is None:
        raise NotFound(f'no such comment "{comment_id}"')
    return row


def add(session: Session, row: CommentRow) -> None:
    session.add(row)
    _tell(session, row)


def edit(session: Session, row: CommentRow, text: str, now: datetime) -> None:
    row.text, row.edited = text, now
    _tell(session, row)


async def delete(session: Session, row: CommentRow) -> None:
    await session.delete(row)
    _tell(session, row)


def _tell(session: Session, row: CommentRow) -> None:
    """Append an event that names the job or worker; pages that show it fetch its comments again."""
    subject = asdict(Subject(row.job_id, row.worker_id))
    events.append(session, COMMENTS, {name: value for name, value in subject.items() if value})
