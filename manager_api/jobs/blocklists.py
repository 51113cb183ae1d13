"""Reads and shortens a job's blocklist: which workers get no tasks of which task types."""

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
        """Return the entries, sorted by worker name; none for an unknown job, as in Flamenco."""
        async with self._database.reading() as session:
            rows = await blocklists.blocklist(session, job_id)
        return [
            JobBlocklistEntry(worker_id=worker_id, task_type=task_type, worker_name=name)
            for worker_id, task_type, name in rows
        ]

    async def remove(self, job_id: str, entries: Sequence[JobBlocklistEntry]) -> None:
        """Remove entries from the blocklist; ignore entries that are not on it."""
        if not 0 < len(entries) <= MOST_UNBLOCKED:
            raise BadRequest(f"name the entries to remove: 1 to {MOST_UNBLOCKED}")
        pairs = tuple((entry.worker_id.lower(), entry.task_type) for entry in entries)
        async with self._database.reading() as session:
            row = await jobs.job(session, job_id)
        if row is None:
            return  # as in Flamenco, an unknown job is no error
        with suppress(JobNotFound):  # the job was deleted meanwhile, and its blocklist with it
            await apply_change(self._database, self._control, row, Change(unblock=pairs))
