"""Reads and changes a job's RNA overrides; a change counts for commands handed out after it."""

from collections.abc import Sequence

from manager_api.contract.errors import BadRequest
from manager_api.contract.rna_overrides import RnaOverrides
from manager_api.database import events
from manager_api.database.engine import Database, utc_now
from manager_api.database.payloads import JOBS, job_event
from manager_api.jobs import history as job_history
from manager_api.jobs import store as jobs
from workflows.domain.rna_overrides import BadOverrides, assignments, check


class RnaOverrideService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, job_id: str) -> RnaOverrides:
        async with self._database.reading() as session:
            row = await jobs.existing_job(session, job_id)
        return RnaOverrides(overrides=row.rna_overrides or [])

    async def change(self, job_id: str, lines: Sequence[str]) -> RnaOverrides:
        """Replace the overrides; note a change in the history and append an event to `/jobs`.

        Raises:
            BadRequest: some line is not an assignment; the message names each such line.
            JobNotFound: there is no such job.
            Refused: the job is archived or being deleted.
        """
        try:
            check(lines)
        except BadOverrides as problems:
            raise BadRequest(str(problems)) from problems
        async with self._database.writing() as session:
            row = await jobs.existing_job_to_change(session, job_id)
            jobs.check_stays(row)
            if (row.rna_overrides or []) != list(lines):
                row.rna_overrides = list(lines) or None
                row.updated = utc_now()
                job_history.note_job(session, row, row.updated, _noted(lines))
                told = job_event(row) | {"are_overrides_changed": True}
                events.append(session, JOBS, told)
        return RnaOverrides(overrides=list(lines))


def _noted(lines: Sequence[str]) -> str:
    texts = [line for _, line in assignments(lines)]
    return f"RNA overrides changed: {'; '.join(texts)}" if texts else "RNA overrides removed"
