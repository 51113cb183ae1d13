"""Changes a job: through its workflow while it runs, otherwise in the database."""

import asyncio
import contextlib
from dataclasses import asdict, replace
from typing import Any, Protocol
from uuid import uuid4

from manager_api.contract.errors import OrchestratorUnavailable
from manager_api.database import trail
from manager_api.database.engine import Changed, Database
from manager_api.database.row_changes import shown
from manager_api.database.tables import JobRow, TaskRow
from manager_api.jobs import ended
from manager_api.jobs import store as jobs
from workflows.domain.messages import Change

#: How long a change waits while a run is about to end or about to start.
PATIENCE_S = 20.0
#: How long a request that has begun a run waits for its workflow's first write.
FIRST_WRITE_S = 3.0
TEMPORAL_SILENT = "Temporal does not answer; try again"
_CLOSING_PAUSE_S = 0.1


class RunIsOver(Exception):
    """The job has no open workflow: it has ended, is ending, or has not been started yet."""


class JobControl(Protocol):
    """The way to a job's workflow (protocol rule 12: one way in)."""

    async def change(self, job_id: str, change: Change) -> None:
        """Ask the job's workflow for a change, and wait until it has made or refused it.

        Raises:
            Refused: the change is not possible in the current status.
            RunIsOver: no workflow is open; read the job's row again, and ask again.
            OrchestratorUnavailable: nothing was changed, as far as we know.
        """


async def apply_change(
    database: Database,
    control: JobControl,
    row: JobRow,
    change: Change,
    of_task: TaskRow | None = None,
) -> None:
    """Make a change, and return when the database shows it.

    Args:
        of_task: the task that the change is for; None if it is for the job.

    If Temporal is away, return when the change is stored and will certainly be made. Every
    repetition uses the same request id, so the change is made once.

    Raises:
        JobNotFound: the job was deleted meanwhile.
        Refused: the change is not possible in the current status.
        OrchestratorUnavailable: the run has neither ended nor started after `PATIENCE_S`, or
            Temporal does not answer.
    """
    trail.note(*_difference(row if of_task is None else of_task, change))
    change = replace(change, request_id=str(uuid4()))
    is_between_runs = False
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while not await _applied(database, control, row, change):
                is_between_runs = True
                await asyncio.sleep(_CLOSING_PAUSE_S)
                async with database.reading() as session:
                    row = await jobs.existing_job(session, row.id)
                is_between_runs = False
            return
    if is_between_runs:
        raise OrchestratorUnavailable("the job is between two runs; try again")
    raise OrchestratorUnavailable(TEMPORAL_SILENT)


def _difference(row: JobRow | TaskRow, change: Change) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the audit shows of a change: the workflow makes it, maybe later."""
    asked = {
        name: shown(value)
        for name, value in asdict(change).items()
        if name != "request_id" and value not in (None, "", (), [], {})
    }
    before: dict[str, Any] = {"status": str(row.status)}
    if "priority" in asked and isinstance(row, JobRow):
        before["priority"] = row.priority
    return before, asked


async def _applied(database: Database, control: JobControl, row: JobRow, change: Change) -> bool:
    """Try the change once; return False if the job is between two runs."""
    if not row.is_ended:
        # The row may be out of date: only the workflow knows which changes are possible.
        jobs.check_stays(row)
        try:
            await control.change(row.id, change)
        except RunIsOver:
            return False
        return True
    try:
        async with database.writing() as session:
            held = await jobs.existing_job_to_change(session, row.id)
            run = await ended.make_change(session, held, change)
    except jobs.NotEnded:
        return False  # another request has just begun a run
    if run is not None:
        await _until_written(database, row.id, run)
    return True


async def _until_written(database: Database, job_id: str, run: int) -> None:
    """Wait briefly for a new run's first write, so that the caller can read the change."""
    committed = asyncio.Event()
    database.listen(Changed.EVENTS, committed.set)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_WRITE_S):
                while not await _has_written(database, job_id, run):
                    await committed.wait()
                    committed.clear()
    finally:
        database.unlisten(Changed.EVENTS, committed.set)


async def _has_written(database: Database, job_id: str, run: int) -> bool:
    async with database.reading() as session:
        row = await jobs.job(session, job_id)
    return row is None or row.run != run or row.sequence > 0
