"""What the manager does with jobs."""

import asyncio
import contextlib
from typing import Protocol
from uuid import uuid4

from manager_api.contract.answers import job_answer, task_summary
from manager_api.contract.errors import (
    BadRequest,
    JobNotFound,
    NotAcceptable,
    OrchestratorUnavailable,
    Refused,
)
from manager_api.contract.jobs import Job, JobsQueryResult, SubmittedJob
from manager_api.contract.tasks import JobTasksSummary
from manager_api.contract.worker_management import JobTagChange
from manager_api.database.engine import Changed, Database, Session
from manager_api.database.tables import JobRow
from manager_api.job_types.registry import JobTypeRegistry
from manager_api.jobs import insertion as submission
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.submission import compile_job
from manager_api.workers import store as worker_store
from manager_api.workers import tag_store as tags
from workflows.domain.job.transitions import check_job_action
from workflows.domain.messages import Change, JobAction
from workflows.domain.statuses import JobStatus
from workflows.domain.variables import Variables

#: How long a change waits for a run that is about to end, or about to be started.
PATIENCE_S = 20.0
_CLOSING_PAUSE_S = 0.1
_FIRST_WRITE_S = 3.0


class RunIsOver(Exception):
    """The job has no open workflow: it has ended, is ending, or has not been started yet."""


class JobControl(Protocol):
    """The way to a job's workflow (protocol rule 12: one way in)."""

    async def change(self, job_id: str, change: Change) -> None:
        """Asks the job's workflow, and waits until it has done so or refused.

        Raises:
            Refused: not possible in the current status.
            RunIsOver: look at the database, and ask again.
            OrchestratorUnavailable: nothing was changed, as far as we know.
        """

    async def start(self, job_id: str, run: int) -> None:
        """Starts the workflow of a run that was just committed, if that can be done at once.

        Never raises for Temporal's sake, nor waits for it: the outbox makes the start certain.
        """


#: What Flamenco's clients ask for by naming a status.
_ASKED_BY: dict[JobStatus, JobAction] = {
    JobStatus.CANCEL_REQUESTED: JobAction.CANCEL,
    JobStatus.PAUSE_REQUESTED: JobAction.PAUSE,
    JobStatus.REQUEUEING: JobAction.REQUEUE,
}
_PAUSING = frozenset({JobStatus.PAUSE_REQUESTED, JobStatus.PAUSED})
_GOING_ON = frozenset({JobStatus.QUEUED, JobStatus.ACTIVE})


class JobService:
    def __init__(
        self,
        database: Database,
        job_types: JobTypeRegistry,
        control: JobControl,
        variables: Variables,
    ) -> None:
        self._database = database
        self._job_types = job_types
        self._control = control
        self._variables = variables

    async def all(self) -> JobsQueryResult:
        async with self._database.reading() as session:
            rows = await jobs.all_jobs(session)
        return JobsQueryResult(jobs=[job_answer(row) for row in rows])

    async def get(self, job_id: str) -> Job:
        return job_answer(await job_row(self._database, job_id))

    async def tasks(self, job_id: str) -> JobTasksSummary:
        """None if there is no such job, as in Flamenco."""
        async with self._database.reading() as session:
            rows = await tasks.tasks_of_job(session, job_id)
            workers = await worker_store.workers_by_id(session, {row.worker_id for row in rows})
        # A hundred thousand of them take seconds, in which the event loop has others to serve.
        summaries = await asyncio.to_thread(lambda: [task_summary(row, workers) for row in rows])
        return JobTasksSummary(tasks=summaries)

    async def check(self, submitted: SubmittedJob) -> None:
        """Everything of a submission but the storing."""
        await compile_job(submitted, self._job_types, self._variables)

    async def submit(self, submitted: SubmittedJob) -> Job:
        new = await compile_job(submitted, self._job_types, self._variables)
        async with self._database.writing() as session:
            if new.worker_tag_id and not await tags.tag(session, new.worker_tag_id):
                raise BadRequest(f'there is no worker tag "{new.worker_tag_id}"')
            row = await submission.insert_job(session, new)
        await self._control.start(row.id, row.run)
        return job_answer(row)

    async def set_status(self, job_id: str, status: JobStatus, reason: str) -> None:
        """What a client means by naming a status; the present one means nothing."""
        row = await job_row(self._database, job_id)
        if row.status is status:
            return
        action = _ASKED_BY.get(status)
        if status in _GOING_ON and row.status in _PAUSING:
            action = JobAction.RESUME
        if action is None:
            raise Refused(f'a job that is "{row.status}" cannot be set to "{status}"')
        await self._act(row, action, reason)

    async def act(self, job_id: str, action: JobAction, reason: str) -> None:
        await self._act(await job_row(self._database, job_id), action, reason)

    async def set_priority(self, job_id: str, priority: int) -> None:
        row = await job_row(self._database, job_id)
        if row.is_ended:
            check_stays(row)
            try:
                async with self._database.writing() as session:
                    if not await jobs.set_priority(session, job_id, priority):
                        raise JobNotFound(job_id)
            except jobs.NotEnded:
                pass  # it was requeued this very moment
            else:
                return
        change = Change(priority=priority, request_id=str(uuid4()))
        await apply_change(self._database, self._control, row, change)

    async def set_tag(self, job_id: str, asked: JobTagChange) -> None:
        async with self._database.writing() as session:
            tag_id = await _tag_to_give(session, asked)
            if not await jobs.set_tag(session, job_id, tag_id):
                raise JobNotFound(job_id)

    async def _act(self, row: JobRow, action: JobAction, reason: str) -> None:
        # Of a job that runs, the row may lag behind: only its workflow knows what is possible.
        change = Change(action=action, reason=reason, request_id=str(uuid4()))
        await apply_change(self._database, self._control, row, change)


async def _tag_to_give(session: Session, asked: JobTagChange) -> str | None:
    """None if no tag is named.

    Raises:
        NotAcceptable: there is no such tag.
    """
    if asked.id is not None:
        row = await tags.tag_to_give(session, tag_id=asked.id.lower())
    elif asked.name is not None:
        row = await tags.tag_to_give(session, name=asked.name)
    else:
        return None
    if row is None:
        wanted = asked.name if asked.id is None else asked.id
        raise NotAcceptable(f'there is no worker tag "{(wanted or "")[:100]}"')
    return row.id


async def job_row(database: Database, job_id: str) -> JobRow:
    """Raises:
    JobNotFound: there is no such job.
    """
    async with database.reading() as session:
        row = await jobs.job(session, job_id)
    if row is None:
        raise JobNotFound(job_id)
    return row


async def apply_change(
    database: Database, control: JobControl, row: JobRow, change: Change
) -> None:
    """Through the workflow that runs the job, else by a new run that begins with the change.

    Returns when the change can be read; should Temporal be away, when it is sure to come.

    Raises:
        Refused: not possible in the current status.
        OrchestratorUnavailable: the run stayed between ending and ended, or its start is due.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while not await _applied(database, control, row, change):
                await asyncio.sleep(_CLOSING_PAUSE_S)
                async with database.reading() as session:
                    fresh = await jobs.job(session, row.id)
                if fresh is None:
                    raise JobNotFound(row.id)
                row = fresh
            return
    raise OrchestratorUnavailable("the job is between two runs; try again")


def check_stays(row: JobRow) -> None:
    """Raises:
    Refused: the job is archived, or its deletion was asked for.
    """
    if row.delete_requested_at is not None:
        raise Refused("the job is being deleted")
    if row.archived_at is not None:
        raise Refused("the job is archived")


async def _applied(database: Database, control: JobControl, row: JobRow, change: Change) -> bool:
    """False when the job is between two runs."""
    check_stays(row)
    if not row.is_ended:
        try:
            await control.change(row.id, change)
        except RunIsOver:
            return False
        return True
    if change.action is not None:
        check_job_action(row.status, change.action)
    try:
        async with database.writing() as session:
            run = await jobs.begin_rerun(session, row.id, change)
    except jobs.NotEnded:
        return False  # somebody else began a run this very moment
    except jobs.NothingMore:
        return False  # likewise: the next look says so
    await control.start(row.id, run)
    await _until_written(database, row.id, run)
    return True


async def _until_written(database: Database, job_id: str, run: int) -> None:
    """Waits a moment for a new run's first write: who asks next shall see what they asked for."""
    committed = asyncio.Event()
    database.listen(Changed.EVENTS, committed.set)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_WRITE_S):
                while not await _has_written(database, job_id, run):
                    await committed.wait()
                    committed.clear()
    finally:
        database.unlisten(Changed.EVENTS, committed.set)


async def _has_written(database: Database, job_id: str, run: int) -> bool:
    async with database.reading() as session:
        row = await jobs.job(session, job_id)
    return row is None or row.run != run or row.sequence > 0
