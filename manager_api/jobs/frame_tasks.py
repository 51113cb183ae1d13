"""Which task of a job renders which frames, and how long it took: one bounded answer."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any, NamedTuple

from sqlalchemy import Text, cast, select

from manager_api.contract.answers import Rows, task_worker
from manager_api.contract.frames import FrameTask, FrameTasks
from manager_api.database.engine import Database
from manager_api.database.tables import TaskRow
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.workers import store as worker_store
from workflows.domain.blender_arguments import frame_spans
from workflows.domain.statuses import TaskStatus

#: Most frames in one answer, as in the sequence viewer.
MAX_FRAMES = 10_000
#: Tasks whose commands are read in one go.
_AT_ONCE = 1_000


class _Rendering(NamedTuple):
    """A task, as far as it concerns its frames."""

    index_in_job: int
    status: TaskStatus
    commands: str
    """As JSON."""
    worker_id: str | None
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def seconds(self) -> float | None:
        if self.status is not TaskStatus.COMPLETED or not (self.started_at and self.ended_at):
            return None
        return (self.ended_at - self.started_at).total_seconds()


async def frame_tasks(database: Database, job_id: str) -> FrameTasks:
    """Return the tasks that render frames, in the job's order, up to `MAX_FRAMES` frames.

    Raises:
        JobNotFound: there is no such job.
    """
    columns = [getattr(TaskRow, column) for column in _Rendering._fields]
    # As text: decoding thousands of commands would block the event loop.
    query = select(*(cast(c, Text) if c is TaskRow.commands else c for c in columns))
    found = _Found()
    async with database.reading() as session:
        await jobs.existing_job(session, job_id)
        some: list[_Rendering] = []
        async for row in tasks.tasks_in_order(session, job_id, query):
            some.append(_Rendering(*row))
            if len(some) == _AT_ONCE:
                await asyncio.to_thread(found.take, some)
                some = []
            if found.left < 0:
                break
        await asyncio.to_thread(found.take, some)
        ids = {task.worker_id for task, _ in found.tasks}
        workers = await worker_store.workers_by_id(session, ids)
    return FrameTasks(
        tasks=[_answer(task, frames, workers) for task, frames in found.tasks if frames],
        is_complete=found.left >= 0,
    )


class _Found:
    """The tasks that render frames, and how many frames still fit into the answer."""

    def __init__(self) -> None:
        self.tasks: list[tuple[_Rendering, list[int]]] = []
        self.left = MAX_FRAMES

    def take(self, some: Sequence[_Rendering]) -> None:
        for task in some:
            if self.left < 0:
                return
            # One frame more than fits says that the answer is not complete.
            if frames := list(islice(_frames(json.loads(task.commands)), self.left + 1)):
                self.tasks.append((task, frames[: self.left]))
                self.left -= len(frames)


def _frames(commands: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    for command in commands:
        arguments = command.get("parameters", {}).get("args")
        if command.get("name") == "blender-render" and isinstance(arguments, list):
            yield from chain(*(frame_spans([str(each) for each in arguments]) or ()))


def _answer(task: _Rendering, frames: list[int], workers: Rows) -> FrameTask:
    return FrameTask(
        index_in_job=task.index_in_job,
        status=task.status,
        frames=frames,
        seconds=task.seconds,
        worker=task_worker(task.worker_id, workers),
    )
