"""Queries for jobs by the path that their frames go to."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import Session, utc_now
from manager_api.database.tables import JobRow
from manager_api.jobs import history as job_history

#: Most other jobs that are named; more of them say nothing new.
MOST_OTHERS = 20


async def first_free(session: AsyncSession, digests: Sequence[str | None]) -> int | None:
    """Return the index of the first output that no job has for itself; None if all are taken."""
    query = select(JobRow.own_output).where(JobRow.own_output.in_(digests))
    taken = set(await session.scalars(query))
    return next((index for index, digest in enumerate(digests) if digest not in taken), None)


async def with_same_output(session: AsyncSession, row: JobRow) -> Sequence[JobRow]:
    """Return other unfinished jobs that write to the same files, the oldest first."""
    if row.output is None:
        return ()
    query = (
        select(JobRow)
        .where(JobRow.output == row.output, JobRow.id != row.id, JobRow.is_ended.is_(False))
        .order_by(JobRow.created)
        .limit(MOST_OTHERS)
    )
    return (await session.scalars(query)).all()


async def note_same_output(session: Session, row: JobRow) -> None:
    """Note in the histories of a new job and of unfinished jobs that their frames go together."""
    now = utc_now()
    others = await with_same_output(session, row)
    for other in others:
        job_history.note_job(session, other, now, _sentence(row))
    if others:
        job_history.note_job(session, row, now, _sentence(others[0]))


def _sentence(other: JobRow) -> str:
    return (
        f'The job "{other.name}" ({other.id}) writes to the same files. '
        "Each of the two renders all of its frames, and the later frame stays."
    )
