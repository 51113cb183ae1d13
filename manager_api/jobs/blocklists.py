"""Which workers a job does without, for which task types."""

from collections.abc import Sequence
from contextlib import suppress

from manager_api.contract.errors import BadRequest, JobNotFound
from manager_api.contract.worker_management import JobBlocklistEntry
from manager_api.database.engine import Database
from manager_api.jobs import blocklist_store as blocklists
from manager_api.jobs import store as jobs
from manager_api.jobs.control import JobControl, apply_change
from workflows.domain.messages import MOST_UNBLOCKED, Change


class BlocklistService:
    def __init__(self, database: Database, control: JobControl) -> None:
        self._database = database
        self._control = control

    async def get(self, job_id: str) -> list[JobBlocklistEntry]:
        """By the workers' names; empty also for a job that is none, as in Flamenco."""
        async with self._database.reading() as session:
            rows = await blocklists.blocklist(session, job_id)
        return [
            JobBlocklistEntry(worker_id=worker_id, task_type=task_type, worker_name=name)
            for worker_id, task_type, name in rows
        ]

    async def remove(self, job_id: str, entries: Sequence[JobBlocklistEntry]) -> None:
        """Entries that are not on the list are fine."""
        if not 0 < len(entries) <= MOST_UNBLOCKED:
            raise BadRequest(f"name the entries to remove: 1 to {MOST_UNBLOCKED}")
        pairs = tuple((entry.worker_id.lower(), entry.task_type) for entry in entries)
        async with self._database.reading() as session:
            row = await jobs.job(session, job_id)
        if row is None:
            return  # as in Flamenco: there is nothing to remove
        with suppress(JobNotFound):  # it was deleted meanwhile, and its blocklist with it
            await apply_change(self._database, self._control, row, Change(unblock=pairs))
