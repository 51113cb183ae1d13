"""Tasks: queries, and the progress that hosts report past the workflow."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.db.engine import Session
from manager_api.db.tables import TaskRow


async def tasks_of_job(session: AsyncSession, job_id: str) -> Sequence[TaskRow]:
    """Without their commands, in the order the job type made them; none if no such job."""
    raise NotImplementedError


async def task(session: AsyncSession, task_id: str) -> TaskRow | None:
    raise NotImplementedError


async def task_by_index(session: AsyncSession, job_id: str, index: int) -> TaskRow | None:
    raise NotImplementedError


async def set_steps(session: Session, job_id: str, index: int, steps_completed: int) -> bool:
    """Store a task's progress; False if nothing changed. See `set_steps_of_many`."""
    raise NotImplementedError


async def set_steps_of_many(session: Session, job_id: str, steps: Mapping[int, int]) -> int:
    """Store progress by index, clamped to each task's total, and the job's sum with it.

    Tells `/jobs` and `/jobs/<job>`; returns how many tasks changed.
    """
    raise NotImplementedError


async def set_activity(session: Session, job_id: str, index: int, text: str) -> None:
    """The task's line of activity, and that it was heard of. Tells nobody, as Flamenco."""
    raise NotImplementedError
