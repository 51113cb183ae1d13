"""Applies a workflow's moves of tasks to the tables.

The cost grows with the number of moves, not with the number of the job's tasks.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, case, func, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events
from manager_api.database.bulk import IN_CHUNK
from manager_api.database.engine import Session
from manager_api.database.payloads import WORKERS, task_event, topic_of_job, worker_event
from manager_api.database.tables import JobRow, TaskRow, WorkerRow, table_of
from manager_api.farm_history.ledger import Ended
from manager_api.jobs import history as job_history
from manager_api.jobs import stuck_store
from manager_api.jobs.task_store import tasks_by_index
from manager_api.metrics import measures
from manager_api.runs import http_store as http_runs
from workflows.domain.job.ranges import indexes_in, parse_ranges
from workflows.domain.messages import RunKey, TasksMoved
from workflows.domain.statuses import WAITING, TaskStatus

_TASKS = table_of(TaskRow)
#: Statuses that set a task's steps.
SETS_STEPS = frozenset({TaskStatus.QUEUED, TaskStatus.COMPLETED})
_FAILED = frozenset({TaskStatus.FAILED, TaskStatus.SOFT_FAILED})


class KnownWorkers:
    """The workers that this transaction has looked up.

    A database that was restored from a backup may lack a worker. A row that refers to a missing
    worker cannot be stored, so such a reference is left out.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._rows: dict[str, WorkerRow] = {}
        self._asked: set[str] = set()

    async def look_up(self, ids: Iterable[str | None]) -> None:
        new = {worker_id for worker_id in ids if worker_id} - self._asked
        if new:
            self._asked |= new
            rows = await self._session.scalars(select(WorkerRow).where(WorkerRow.id.in_(new)))
            self._rows.update((row.id, row) for row in rows)

    def get(self, worker_id: str | None) -> WorkerRow | None:
        return self._rows.get(worker_id or "")

    def __contains__(self, worker_id: str) -> bool:
        return worker_id in self._rows


class TaskMoves:
    """Moves tasks of one job, which this transaction has locked, and updates the job's sums."""

    def __init__(self, session: Session, job: JobRow, workers: KnownWorkers, now: datetime) -> None:
        self._session = session
        self._job = job
        self._workers = workers
        self._now = now
        self.moved_in_bulk = False
        self.freed_stuck = False
        """Whether a task that was stuck has moved."""
        self.ended: list[Ended] = []
        """The tries that these moves have ended."""

    async def apply(self, moves: Sequence[TasksMoved]) -> None:
        """Apply the moves in their order; a task may be in several of them."""
        for in_bulk, group in groupby(moves, lambda move: move.in_bulk):
            if not in_bulk:
                await self._one_by_one(list(group))
                continue
            if not self.moved_in_bulk:
                self.freed_stuck |= bool(await stuck_store.stuck(self._session, self._job.id))
            self.moved_in_bulk = True
            for move in group:
                await self._in_bulk(move)
        if self.moved_in_bulk:
            await sum_up(self._session, self._job)

    async def _one_by_one(self, moves: Sequence[TasksMoved]) -> None:
        on_offer = await self._on_offer(moves)
        indexes = {index for move in moves for index in indexes_in(move.indexes)}
        rows = await tasks_by_index(self._session, self._job.id, sorted(indexes))
        await self._workers.look_up(move.worker_id for move in moves)
        await self._workers.look_up(row.worker_id for row in rows.values())
        for move in moves:
            for index in indexes_in(move.indexes):
                if index in rows and move in on_offer:
                    rows[index].attempt = move.attempt or 0
                elif index in rows:
                    self._move(rows[index], move)

    async def _on_offer(self, moves: Sequence[TasksMoved]) -> set[TasksMoved]:
        """Return the offers that no worker has fetched; `hand_out` moves their tasks."""
        keys = {move: self._key(move) for move in moves if move.is_offer}
        if not keys:
            return set()
        fetched = await http_runs.handed_out(self._session, keys.values())
        return {move for move, key in keys.items() if key not in fetched}

    def _key(self, move: TasksMoved) -> RunKey:
        return RunKey(self._job.id, int(move.indexes), self._job.run, move.attempt or 0)

    async def hand_out(self, row: TaskRow, key: RunKey, worker_id: str) -> None:
        """Move a task that its HTTP worker fetches now.

        The workflow has decided so already. If its write has not come yet, the write moves the
        task.
        """
        if self._job.run == key.run and row.status in WAITING and row.attempt == key.attempt:
            await self._one_by_one(
                [
                    TasksMoved(
                        str(key.index),
                        TaskStatus.ACTIVE,
                        "Started",
                        worker_id=worker_id,
                        attempt=key.attempt,
                    )
                ]
            )

    def _move(self, row: TaskRow, move: TasksMoved) -> None:
        previous = row.status
        self.freed_stuck |= row.silent_since is not None
        worker = self._workers.get(move.worker_id)
        self._note_times(row, move)
        if move.attempt not in (None, row.attempt):
            row.memory_peak = None
        for name, value in self._values(move).items():
            setattr(row, name, value)
        if move.renders_again:
            row.frames_from = row.attempt + 1
        self._set_steps(row)
        self._count(previous, row.status)
        named = self._workers.get(row.worker_id)
        payload = task_event(
            row,
            named.name if named else None,
            previous=None if previous == row.status else previous,
        )
        events.append(
            self._session, topic_of_job(self._job.id), payload, aside={"attempt": row.attempt}
        )
        if worker is not None:
            events.append_late(self._session, WORKERS, partial(_newest_of_worker, worker))
        if move.status in _FAILED:
            job_history.note_task(self._session, row, self._now)

    def _note_times(self, row: TaskRow, move: TasksMoved) -> None:
        status = move.status
        if status is TaskStatus.ACTIVE:
            row.started_at, row.ended_at = self._now, None
            if move.worker_id is not None:
                measures.task_started(move.worker_id, row.job_id, self._now)
        elif row.status is TaskStatus.ACTIVE:
            row.ended_at = self._now
            # The row still names the worker of this try, even if the move names another one.
            self._note_end(move, row.task_type, row.worker_id, row.started_at, row.steps_total)
            measures.task_ended(row.task_type, status, row.job_id, row.worker_id, self._now)
            if status is TaskStatus.COMPLETED and row.started_at is not None:
                took = self._now - row.started_at
                measures.task_took(row.task_type, took.total_seconds())
                self._note_frames(row, took.total_seconds())

    def _note_frames(self, row: TaskRow, seconds: float) -> None:
        # Tasks that wait for others make something of the frames, such as a video.
        if not row.depends_on and row.steps_total:
            self._job.render_ms += round(1000 * seconds)
            self._job.render_steps += row.steps_total

    def _count(self, previous: TaskStatus, status: TaskStatus) -> None:
        counts = Counter(self._job.task_counts or {})
        counts[previous] -= 1
        counts[status] += 1
        self._job.task_counts = {str(each): count for each, count in counts.items() if count > 0}

    def _note_end(
        self,
        move: TasksMoved,
        task_type: str,
        worker_id: str | None,
        started_at: datetime | None,
        steps: int,
    ) -> None:
        self.ended.append(
            Ended(
                task_type, move.status, move.activity_text, worker_id, started_at, self._now, steps
            )
        )

    def _set_steps(self, row: TaskRow) -> None:
        if row.status in SETS_STEPS:
            steps = row.steps_total if row.status is TaskStatus.COMPLETED else 0
            self._job.steps_completed += steps - row.steps_completed
            row.steps_completed = steps

    async def _in_bulk(self, move: TasksMoved) -> None:
        await self._workers.look_up([move.worker_id])
        ended_at = case((_TASKS.c.status == TaskStatus.ACTIVE, self._now), else_=_TASKS.c.ended_at)
        values = self._values(move) | steps_set_by(move.status) | {"ended_at": ended_at}
        if move.renders_again:
            values["frames_from"] = _TASKS.c.attempt + 1
        statement = (
            update(_TASKS)
            .where(
                _TASKS.c.job_id == self._job.id,
                _TASKS.c.index_in_job.between(bindparam("first"), bindparam("last")),
            )
            .values(values)
        )
        await self._note_ends(move)
        ranges = [{"first": r.start, "last": r.stop - 1} for r in parse_ranges(move.indexes)]
        for first in range(0, len(ranges), IN_CHUNK):
            await self._session.execute(statement, ranges[first : first + IN_CHUNK])

    async def _note_ends(self, move: TasksMoved) -> None:
        """Note the ends of the tries that a change of the job interrupts."""
        if move.status is TaskStatus.ACTIVE:
            return
        columns = (_TASKS.c.task_type, _TASKS.c.worker_id, _TASKS.c.started_at)
        query = select(_TASKS.c.index_in_job, *columns, _TASKS.c.steps_total).where(
            _TASKS.c.job_id == self._job.id,
            # A literal: with a parameter, SQLite would not use the index of active tasks.
            literal_column("tasks.status = 'active'"),
        )
        ranges = parse_ranges(move.indexes)
        for index, *about in await self._session.execute(query):
            if any(index in each for each in ranges):
                self._note_end(move, *about)

    def _values(self, move: TasksMoved) -> dict[str, Any]:
        values: dict[str, Any] = {
            "status": move.status,
            "activity": move.activity_text,
            "updated": self._now,
            "silent_since": None,
        }
        if self._workers.get(move.worker_id) is not None:
            values |= {"worker_id": move.worker_id, "last_touched": self._now}
        if move.status is TaskStatus.ACTIVE:
            values["warnings"] = None
        if move.warnings is not None:
            values["warnings"] = [list(each) for each in move.warnings]
        if move.attempt is not None:
            values["attempt"] = move.attempt
        if move.failures is not None:
            values["failures"] = move.failures
        if move.failed_by is not None:
            values["failed_by"] = list(move.failed_by)
        return values


def steps_set_by(status: TaskStatus) -> dict[str, Any]:
    """Return the progress columns that an UPDATE to this status must set, too."""
    match status:
        case TaskStatus.COMPLETED:
            return {"steps_completed": _TASKS.c.steps_total}
        case TaskStatus.QUEUED:
            return {"steps_completed": 0}
    return {}


async def sum_up(session: AsyncSession, job: JobRow) -> None:
    """Count the job's tasks and sum up their steps.

    This reads every task, so use it only after changes of many.
    """
    query = (
        select(
            TaskRow.status,
            func.count(),
            func.sum(TaskRow.steps_completed),
            func.sum(TaskRow.steps_total),
        )
        .where(TaskRow.job_id == job.id)
        .group_by(TaskRow.status)
    )
    found = (await session.execute(query)).all()
    job.task_counts = {str(status): count for status, count, _, _ in found}
    job.steps_completed = sum(completed for _, _, completed, _ in found)
    job.steps_total = sum(total for _, _, _, total in found)
    if str(TaskStatus.COMPLETED) not in job.task_counts:
        # The times of frames that are rendered again say nothing any more.
        job.render_ms, job.render_steps = 0, 0


async def _newest_of_worker(worker: WorkerRow, session: Session) -> dict[str, Any]:
    """Return the payload of a worker that other transactions may have changed meanwhile."""
    if session.get_bind().dialect.name == "postgresql":
        await session.refresh(worker)
    return worker_event(worker)
