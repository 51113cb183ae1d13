"""The blocklist of an ended job; that of a job that runs is its workflow's."""

from collections.abc import Iterable

from sqlalchemy import delete

from manager_api.database.engine import Session
from manager_api.database.tables import JobBlockRow
from manager_api.jobs.store import NotEnded, job_to_change


async def unblock(session: Session, job_id: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Takes (worker, task type) pairs off the list of a job, if it is there.

    Raises:
        NotEnded: a run owns the job.
    """
    row = await job_to_change(session, job_id)
    if row is None:
        return
    if not row.is_ended:
        raise NotEnded(job_id)
    for worker_id, task_type in pairs:
        await session.execute(
            delete(JobBlockRow).where(
                JobBlockRow.job_id == job_id,
                JobBlockRow.worker_id == worker_id,
                JobBlockRow.task_type == task_type,
            )
        )
