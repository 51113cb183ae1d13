"""Reads tasks and their logs, and changes the status of tasks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from manager_api.contract.answers import task_answer, task_worker
from manager_api.contract.job_details import LogOfTry, TaskLogTries
from manager_api.contract.tasks import Task, TaskLogInfo
from manager_api.database.engine import Database
from manager_api.database.tables import JobRow, TaskRow
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.control import JobControl, apply_change
from manager_api.logs.task_logs import TaskLogs, job_files_url
from manager_api.workers import store as worker_store
from workflows.domain.job.named_statuses import task_action_for
from workflows.domain.messages import Change
from workflows.domain.statuses import TaskStatus


@dataclass(frozen=True, slots=True)
class LogStream:
    job_id: str
    """The task's job."""
    size: int
    """The log's size in bytes, without what is appended while the log is read."""
    blocks: AsyncIterator[bytes]


class TaskService:
    def __init__(
        self, database: Database, control: JobControl, logs: TaskLogs, public_path: str = ""
    ) -> None:
        self._database = database
        self._public_path = public_path
        self._control = control
        self._logs = logs

    async def get(self, task_id: str) -> Task:
        async with self._database.reading() as session:
            row = await tasks.existing_task(session, task_id)
            workers = await worker_store.workers_by_id(session, {row.worker_id, *row.failed_by})
        return task_answer(row, workers)

    async def log_tail(self, task_id: str) -> str:
        """Return the end of the log; an empty text if there is no log."""
        row = await self._row(task_id)
        return await self._logs.tail(row.job_id, row.id, row.attempt)

    async def log_info(self, task_id: str) -> TaskLogInfo | None:
        """Return the log's size and address; None if there is no log."""
        row = await self._row(task_id)
        size = await self._logs.size(row.job_id, row.id, row.attempt)
        if not size:
            return None
        url = f"{job_files_url(row.job_id, self._public_path)}/task-{row.id}.txt"
        return TaskLogInfo(task_id=row.id, job_id=row.job_id, url=url, size=size)

    async def log(self, task_id: str) -> LogStream:
        row = await self._row(task_id)
        return LogStream(row.job_id, *await self._logs.whole(row.job_id, row.id, row.attempt))

    async def log_tries(self, task_id: str) -> TaskLogTries:
        """Return the tries whose logs are kept, the newest first."""
        row = await self._row(task_id)
        sizes = await self._logs.sizes_of_tries(row.job_id, row.id, row.attempt)
        given = {
            attempt: await self._logs.assigned_to(row.job_id, row.id, attempt) for attempt in sizes
        }
        async with self._database.reading() as session:
            workers = await worker_store.workers_by_id(session, given.values())
        return TaskLogTries(
            tries=[
                LogOfTry(attempt=attempt, size=size, worker=task_worker(given[attempt], workers))
                for attempt, size in reversed(sizes.items())
            ]
        )

    async def log_of_try(self, task_id: str, attempt: int) -> LogStream:
        """Return the log of one try; its size is 0 if there is none."""
        row = await self._row(task_id)
        return LogStream(row.job_id, *await self._logs.whole_try(row.job_id, row.id, attempt))

    async def set_status(self, task_id: str, status: TaskStatus, reason: str) -> None:
        """Do what a client asks for by naming a status; nothing if the task has that status.

        Raises:
            TaskNotFound: there is no such task.
            Refused: no action leads to that status, or the action is not possible now.
        """
        row, job = await self._row_and_job(task_id)
        action = task_action_for(row.status, status)
        if action is not None:
            await self._act(row, job, Change(task_action=action, reason=reason))

    async def act(self, task_id: str, change: Change) -> None:
        """Change a task; `change` need not name it."""
        await self._act(*await self._row_and_job(task_id), change)

    async def _act(self, row: TaskRow, job: JobRow, change: Change) -> None:
        change = replace(change, task=row.index_in_job)
        await apply_change(self._database, self._control, job, change, of_task=row)

    async def _row(self, task_id: str) -> TaskRow:
        async with self._database.reading() as session:
            return await tasks.existing_task(session, task_id)

    async def _row_and_job(self, task_id: str) -> tuple[TaskRow, JobRow]:
        async with self._database.reading() as session:
            row = await tasks.existing_task(session, task_id)
            return row, await jobs.existing_job(session, row.job_id)
