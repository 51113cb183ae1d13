"""Requeue with changes: compiles a job again with edited settings, and keeps finished tasks."""

import asyncio
from typing import Any

from manager_api.contract.job_details import Recompilation
from manager_api.database.engine import Database
from manager_api.database.tables import JobRow
from manager_api.job_types.registry import JobTypeRegistry
from manager_api.jobs import replacement as recompilation
from manager_api.jobs import store as jobs
from manager_api.jobs.control import PATIENCE_S, JobControl, apply_change
from manager_api.jobs.submission import compile_again
from workflows.domain.job.transitions import Refused, check_job_action
from workflows.domain.messages import Change, JobAction
from workflows.domain.statuses import JobStatus
from workflows.domain.variables import Variables

#: Pause between two checks whether a run has ended.
_LOOK_S = 0.05


class RecompilationService:
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

    async def recompile(self, job_id: str, settings: dict[str, Any]) -> Recompilation:
        """Compile the job with other settings, replace its tasks, and requeue it.

        A paused job stays paused.

        Raises:
            Refused: the job is at work, being deleted, or archived.
            BadRequest: the job type refuses the settings, with a sentence that says why; nothing
                was changed.
        """
        row = await self._row(job_id)
        jobs.check_stays(row)
        # A requeue with changes is possible in the same statuses as a plain requeue.
        check_job_action(row.status, JobAction.REQUEUE)
        new = await compile_again(row, settings, self._job_types, self._variables)
        stays_paused = row.status is JobStatus.PAUSED
        if not row.is_ended:
            await self._end(row)
        try:
            async with self._database.writing() as session:
                held = await jobs.existing_job_to_change(session, job_id)
                kept = await recompilation.replace_tasks(session, held, new, stays_paused)
        except jobs.NotEnded as work:
            raise Refused("another request has just requeued the job") from work
        return Recompilation(tasks=len(new.tasks), kept=kept)

    async def _end(self, row: JobRow) -> None:
        """Wait until no workflow owns the job's tasks.

        A paused job's workflow is still open, so the job is canceled first.

        Raises:
            Refused: the run did not end within `PATIENCE_S`.
        """
        if row.status is JobStatus.PAUSED:
            change = Change(action=JobAction.CANCEL, reason="to be compiled again, with changes")
            await apply_change(self._database, self._control, row, change)
        for _ in range(int(PATIENCE_S / _LOOK_S)):
            if (await self._row(row.id)).is_ended:
                return
            await asyncio.sleep(_LOOK_S)
        raise Refused("the job is about to end; try again in a moment")

    async def _row(self, job_id: str) -> JobRow:
        async with self._database.reading() as session:
            return await jobs.existing_job(session, job_id)
