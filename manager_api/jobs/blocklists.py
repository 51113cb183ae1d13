"""Which workers a job does without, for which task types."""

from collections.abc import Sequence
from uuid import uuid4

from manager_api.contract.errors import BadRequest, JobNotFound
from manager_api.contract.worker_management import JobBlocklistEntry
from manager_api.database.engine import Database
from manager_api.database.tables import JobRow
from manager_api.jobs import blocklist_store as blocklists
from manager_api.jobs import store as jobs
from manager_api.jobs.service import JobControl, apply_change
from workflows.domain.messages import MOST_UNBLOCKED, Change


class BlocklistService:
    def __init__(self, database: Database, control: JobControl) -> None:
        self._database = database
        self._control = control

    async def get(self, job_id: str) -> list[JobBlocklistEntry]:
        """By the workers' names; empty also for a job that is none, as in Flamenco."""
        async with self._database.reading() as session:
            rows = await jobs.blocklist(session, job_id)
        return [
            JobBlocklistEntry(worker_id=worker_id, task_type=task_type, worker_name=name)
            for worker_id, task_type, name in rows
        ]

    async def remove(self, job_id: str, entries: Sequence[JobBlocklistEntry]) -> None:
        """Entries that are not on the list are fine."""
        if not 0 < len(entries) <= MOST_UNBLOCKED:
            raise BadRequest(f"name the entries to remove: 1 to {MOST_UNBLOCKED}")
        pairs = tuple((entry.worker_id.lower(), entry.task_type) for entry in entries)
        row = await self._row(job_id)
        if row is None or await self._removed_of_ended(job_id, pairs):
            return
        change = Change(unblock=pairs, request_id=str(uuid4()))
        try:
            await apply_change(self._database, self._control, row, change)
        except JobNotFound:
            return  # deleted meanwhile, and its blocklist with it

    async def _removed_of_ended(self, job_id: str, pairs: Sequence[tuple[str, str]]) -> bool:
        try:
            async with self._database.writing() as session:
                await blocklists.unblock(session, job_id, pairs)
        except jobs.NotEnded:
            return False
        return True

    async def _row(self, job_id: str) -> JobRow | None:
        async with self._database.reading() as session:
            return await jobs.job(session, job_id)
