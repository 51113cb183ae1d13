"""Stores what a job's workflow decided: states and events, in order, in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events, happenings
from manager_api.database.engine import Changed, Database, Session, utc_now
from manager_api.database.payloads import JOBS, job_event
from manager_api.database.tables import HandBackRow, JobBlockRow, JobRow, table_of
from manager_api.farm_history.ledger import count_ended
from manager_api.jobs import history as job_history
from manager_api.jobs import job_leases, stuck_store
from manager_api.jobs.demands import read_demand
from manager_api.jobs.store import job_to_change
from manager_api.jobs.task_moves import KnownWorkers, TaskMoves
from manager_api.jobs.task_table import read_compact, read_names, take_over
from manager_api.runs import http_store as http_runs
from workflows.domain.job.claiming import MOST_TASKS, first_write, may_claim
from workflows.domain.messages import (
    Change,
    Demand,
    JobMoved,
    JobSnapshot,
    Limits,
    ProjectionWrite,
    WriteAnswer,
)
from workflows.domain.notifications import TOLD_OF_JOBS
from workflows.domain.writes import answer_out_of_turn, fingerprint


class SqlProjectionStore:
    """Answers claims and stores projection writes.

    `limits` is called at each claim, so a changed setting counts from the next run on.
    """

    def __init__(self, db: Database, limits: Callable[[], Limits] = Limits) -> None:
        self._db = db
        self._limits = limits

    async def claim(self, job_id: str, run: int) -> JobSnapshot | None:
        """Return the state that the run starts from; None if this run does not own the job.

        The first write of a new run most often tells the demand only; then the claim stores it. A
        run can claim repeatedly until it has written something else. Then the answer is None: only
        a workflow of a Temporal that was restored from an older backup claims a run that has
        written (protocol rule 16).
        """
        snapshot, is_large = await self._snapshot(job_id, run)
        if snapshot is None or snapshot.told is not None or is_large:
            return snapshot
        if (write := first_write(snapshot)) is None:
            return snapshot
        if await self.store(write) is not WriteAnswer.STORED:
            return None
        return replace(snapshot, sequence=write.sequence, told=write.demand)

    async def _snapshot(self, job_id: str, run: int) -> tuple[JobSnapshot | None, bool]:
        """Return what a claim answers, as far as it is stored, and whether the job is large."""
        async with self._db.reading() as session:
            job = await session.get(JobRow, job_id)
            if job is None or job.run != run or job.is_ended:
                return None, False
            demand = read_demand(job.demand) or Demand(job.demand_version)
            if not may_claim(
                job_id, run, sequence=job.sequence, last=job.last_write, demand=demand
            ):
                return None, False
            is_told = job.sequence > 0
            snapshot = JobSnapshot(
                job_id=job_id,
                run=run,
                status=job.status,
                priority=job.priority,
                tasks=await read_compact(session, job_id),
                sequence=job.sequence,
                # The run counts from here, and comes to the version that was told.
                demand_version=demand.version - 1 if is_told else demand.version,
                blocked=await _blocked(session, job_id),
                limits=self._limits(),
                change=_change_to_make(job),
                task_names=await read_names(session, job_id),
                told=demand if is_told else None,
            )
            return snapshot, sum((job.task_counts or {}).values()) > MOST_TASKS

    async def store(self, write: ProjectionWrite) -> WriteAnswer:
        """Store a write once, even if it arrives several times."""
        async with self._db.writing() as session:
            job = await job_to_change(session, write.job_id)
            if job is None or job.run != write.run:
                return WriteAnswer.GONE
            answer = answer_out_of_turn(
                write, sequence=job.sequence, is_ended=job.is_ended, last=job.last_write
            )
            if answer is None:
                await _Applier(session, job, write).apply()
            return answer or WriteAnswer.STORED


def _change_to_make(job: JobRow) -> Change | None:
    return None if job.pending_change is None else Change(**job.pending_change).clipped()


async def _blocked(session: AsyncSession, job_id: str) -> tuple[tuple[str, str], ...]:
    query = (
        select(JobBlockRow.worker_id, JobBlockRow.task_type)
        .where(JobBlockRow.job_id == job_id)
        .order_by(JobBlockRow.worker_id, JobBlockRow.task_type)
    )
    return tuple((row.worker_id, row.task_type) for row in await session.execute(query))


class _Applier:
    """Applies one write to the tables. Events of tasks come before events of their job."""

    def __init__(self, session: Session, job: JobRow, write: ProjectionWrite) -> None:
        self._session = session
        self._job = job
        self._write = write
        self._now = utc_now()
        self._workers = KnownWorkers(session)

    async def apply(self) -> None:
        job, write = self._job, self._write
        sums_before = _sums(job)
        job.sequence, job.last_write = write.sequence, fingerprint(write)
        if write.stopped:
            # Before the moves: what is given up must not be handed out any more.
            await http_runs.withdraw(self._session, write.stopped)
        moves = TaskMoves(self._session, job, self._workers, self._now)
        await moves.apply(write.tasks)
        needs_refresh = moves.moved_in_bulk
        if write.snapshot is not None:
            is_new = await take_over(self._session, job, write.snapshot, self._now)
            needs_refresh = needs_refresh or is_new
        is_told = self._job_moves(needs_refresh)
        if not is_told and (needs_refresh or sums_before != _sums(job)):
            self._tell_job(refresh_tasks=needs_refresh)
        if moves.freed_stuck:
            await stuck_store.tell_stuck(self._session, job)
        await self._store_blocklist()
        await job_leases.apply(self._session, write, self._workers, self._now)
        asks_for_more = self._store_demand()
        if write.is_final:
            await self._end()
        if asks_for_more or _concerns_keeper(write):
            self._session.changed.add(Changed.FARM)
        await count_ended(self._session, job, moves.ended)

    def _job_moves(self, needs_refresh: bool) -> bool:
        """Store the job's own changes; return whether their events cover changes of tasks, too."""
        write, job = self._write, self._job
        if write.priority is not None and write.priority != job.priority:
            job.priority = write.priority
            self._tell_job()
        for moved in write.jobs:
            job.activity = moved.activity_text
            self._move_job(moved)
        if write.status is not None and write.status != job.status:
            self._move_job(JobMoved(job.status, write.status, job.activity, needs_refresh))
            return True
        return any(moved.refresh_tasks or not needs_refresh for moved in write.jobs)

    def _move_job(self, moved: JobMoved) -> None:
        self._job.status = moved.status
        self._job.updated = self._now
        job_history.note_job(self._session, self._job, self._now)
        payload = job_event(self._job, previous=moved.previous, refresh_tasks=moved.refresh_tasks)
        events.append(self._session, JOBS, payload)
        if kind := TOLD_OF_JOBS.get(moved.status):
            key = f"{self._job.run}:{self._write.sequence}"
            happenings.note_of_job(self._session, kind, self._job, key, self._job.activity)

    def _tell_job(self, *, refresh_tasks: bool = False) -> None:
        self._job.updated = self._now
        events.append(self._session, JOBS, job_event(self._job, refresh_tasks=refresh_tasks))

    async def _store_blocklist(self) -> None:
        if self._write.blocked is None:
            return
        await self._workers.look_up(worker_id for worker_id, _ in self._write.blocked)
        await self._session.execute(delete(JobBlockRow).where(JobBlockRow.job_id == self._job.id))
        rows = [
            {"job_id": self._job.id, "worker_id": worker_id, "task_type": task_type}
            for worker_id, task_type in self._write.blocked
            if worker_id in self._workers
        ]
        if rows:
            await self._session.execute(insert(table_of(JobBlockRow)), rows)

    def _store_demand(self) -> bool:
        """Store the demand; return whether the job may now use workers that it could not before."""
        demand, job = self._write.demand, self._job
        if demand is None or demand.version < job.demand_version:
            return False
        # Within one version the demand only shrinks: each started task lowers it.
        asks_for_more = demand.version > job.demand_version
        job.demand = asdict(demand) if demand.wants else None
        job.demand_version = demand.version
        return asks_for_more

    async def _end(self) -> None:
        self._job.is_ended = True
        self._job.demand = None
        await job_leases.return_all(self._session, self._job.id, self._now)
        await self._session.execute(delete(HandBackRow).where(HandBackRow.job_id == self._job.id))


def _sums(job: JobRow) -> tuple[int, int, dict[str, int] | None]:
    """Return what an event of the job tells of its tasks."""
    return job.steps_completed, job.steps_total, job.task_counts


def _concerns_keeper(write: ProjectionWrite) -> bool:
    lists: Sequence[object] = (write.jobs, write.moved, write.returned)
    return any(lists) or write.priority is not None or write.all_held is not None or write.is_final
