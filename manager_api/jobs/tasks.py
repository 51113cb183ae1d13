"""What the manager does with tasks and their logs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

from manager_api.contract.answers import task_answer
from manager_api.contract.errors import JobNotFound, Refused, TaskNotFound
from manager_api.contract.tasks import Task, TaskLogInfo
from manager_api.database.engine import Database
from manager_api.database.tables import JobRow, TaskRow
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.service import JobControl, apply_change
from manager_api.logs.task_logs import TaskLogs, job_files_url
from manager_api.workers import store as worker_store
from workflows.domain.job.transitions import check_task_action
from workflows.domain.messages import Change, TaskAction
from workflows.domain.statuses import TaskStatus

#: What Flamenco's clients ask for by naming a status.
_ASKED_BY: dict[TaskStatus, TaskAction] = {
    TaskStatus.CANCELED: TaskAction.CANCEL,
    TaskStatus.QUEUED: TaskAction.REQUEUE,
}


@dataclass(frozen=True, slots=True)
class LogStream:
    size: int
    """In bytes; what is appended meanwhile is not part of it."""
    blocks: AsyncIterator[bytes]


class TaskService:
    def __init__(self, database: Database, control: JobControl, logs: TaskLogs) -> None:
        self._database = database
        self._control = control
        self._logs = logs

    async def get(self, task_id: str) -> Task:
        async with self._database.reading() as session:
            row = await tasks.task(session, task_id)
            if row is None:
                raise TaskNotFound(task_id)
            workers = await worker_store.workers_by_id(session, {row.worker_id, *row.failed_by})
        return task_answer(row, workers)

    async def job_of(self, task_id: str) -> str:
        return (await self._row(task_id)).job_id

    async def log_tail(self, task_id: str) -> str:
        """Empty if there is no log."""
        row = await self._row(task_id)
        return await self._logs.tail(row.job_id, row.id, row.attempt)

    async def log_info(self, task_id: str) -> TaskLogInfo | None:
        """None if there is no log."""
        row = await self._row(task_id)
        size = await self._logs.size(row.job_id, row.id, row.attempt)
        if not size:
            return None
        url = f"{job_files_url(row.job_id)}/task-{row.id}.txt"
        return TaskLogInfo(task_id=row.id, job_id=row.job_id, url=url, size=size)

    async def log(self, task_id: str) -> LogStream:
        row = await self._row(task_id)
        return LogStream(*await self._logs.whole(row.job_id, row.id, row.attempt))

    async def set_status(self, task_id: str, status: TaskStatus, reason: str) -> None:
        """What a client means by naming a status; the present one means nothing."""
        row = await self._row(task_id)
        if row.status is status:
            return
        if status not in _ASKED_BY:
            raise Refused(f'a task that is "{row.status}" cannot be set to "{status}"')
        await self._act(row, _ASKED_BY[status], reason)

    async def act(self, task_id: str, action: TaskAction, reason: str) -> None:
        await self._act(await self._row(task_id), action, reason)

    async def _act(self, row: TaskRow, action: TaskAction, reason: str) -> None:
        job = await self._job(row.job_id)
        if job.is_ended:
            check_task_action(row.status, action)
        change = Change(
            task=row.index_in_job, task_action=action, reason=reason, request_id=str(uuid4())
        )
        await apply_change(self._database, self._control, job, change)

    async def _row(self, task_id: str) -> TaskRow:
        async with self._database.reading() as session:
            row = await tasks.task(session, task_id)
        if row is None:
            raise TaskNotFound(task_id)
        return row

    async def _job(self, job_id: str) -> JobRow:
        async with self._database.reading() as session:
            row = await jobs.job(session, job_id)
        if row is None:
            raise JobNotFound(job_id)
        return row
