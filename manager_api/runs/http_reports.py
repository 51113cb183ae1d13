"""What a report of an HTTP worker about its task reads and writes.

Such a worker reports every few seconds while it renders. So the statements are made once, and need
no mapping.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import Session
from manager_api.database.tables import HttpRunRow, HttpRunState, TaskRow, table_of
from workflows.domain.messages import RunKey
from workflows.domain.statuses import TaskStatus


class ReportedTask(NamedTuple):
    """A task, and the newest run of it that its reporting worker got."""

    id: str
    job_id: str
    index_in_job: int
    status: TaskStatus
    last_worker_id: str | None
    """The last worker that got the task."""
    last_attempt: int
    run: str | None
    """Its `str(RunKey)`. This and the rest is null if there is no such run, or it was forgotten."""
    run_state: HttpRunState | None
    stop_reason: str | None

    @property
    def open_run(self) -> RunKey | None:
        if self.run is None or self.run_state is HttpRunState.ENDED:
            return None
        return RunKey.parse(self.run)

    @property
    def attempt(self) -> int:
        return self.last_attempt if self.run is None else RunKey.parse(self.run).attempt


_tasks, _runs = table_of(TaskRow).c, table_of(HttpRunRow).c
_REPORTED = (
    select(
        _tasks.id,
        _tasks.job_id,
        _tasks.index_in_job,
        _tasks.status,
        _tasks.worker_id,
        _tasks.attempt,
        _runs.key,
        _runs.state,
        _runs.stop_reason,
    )
    .outerjoin_from(
        table_of(TaskRow),
        table_of(HttpRunRow),
        and_(
            _runs.task_id == _tasks.id,
            _runs.worker_id == bindparam("worker"),
            # A worker can speak only of what it has got.
            _runs.handed_out > 0,
        ),
    )
    .where(_tasks.id == bindparam("task"))
)
_HEARD_OF = (
    update(table_of(HttpRunRow))
    .where(_runs.key == bindparam("run"), _runs.state != HttpRunState.ENDED)
    .values(state=HttpRunState.RUNNING, touched=bindparam("now"), reported=bindparam("now"))
    .returning(_runs.key)
)


async def reported_task(session: AsyncSession, task_id: str, worker_id: str) -> ReportedTask | None:
    """Return a task that this worker speaks of; None if the task does not exist."""
    answer = await session.execute(_REPORTED, {"task": task_id, "worker": worker_id})
    tries = sorted(answer, key=lambda row: row.key and RunKey.parse(row.key))
    return ReportedTask._make(tries[-1]) if tries else None


async def heard_of(session: Session, key: RunKey, now: datetime) -> bool:
    """Record that a worker reported on a run, which stays locked until the transaction ends.

    Return False, and record nothing, if the run has ended or was forgotten.
    """
    return await session.scalar(_HEARD_OF, {"run": str(key), "now": now}) is not None
