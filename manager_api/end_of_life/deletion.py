"""Requests the deletion of jobs. `end_of_life.deleter` carries it out, even after restarts."""

from datetime import datetime, timedelta

from manager_api.contract.deletion import JobDeletionInfo
from manager_api.contract.errors import NothingMatches
from manager_api.database.engine import Database
from manager_api.end_of_life import deletion_store as deletions
from manager_api.jobs import store as jobs
from workflows.domain.job.transitions import check_job_deletion

#: Jobs marked in one transaction. Other writers get their turn between two transactions.
_AT_ONCE = 200


class DeletionService:
    def __init__(self, database: Database, *, has_shaman: bool) -> None:
        self._database = database
        self._has_shaman = has_shaman

    async def what_would_it_do(self, job_id: str) -> JobDeletionInfo:
        async with self._database.reading() as session:
            row = await jobs.existing_job(session, job_id)
        return JobDeletionInfo(shaman_checkout=self._has_shaman and bool(row.shaman_checkout_id))

    async def request(self, job_id: str) -> None:
        """Request a job's deletion; a second request changes nothing.

        Raises:
            JobNotFound: there is no such job.
            Refused: the job's status is one that it only passes through.
        """
        async with self._database.writing() as session:
            row = await jobs.existing_job_to_change(session, job_id)
            if row.delete_requested_at is None:
                check_job_deletion(row.status)
                deletions.request(session, row)

    async def request_all(self, updated_max: datetime) -> None:
        """Request the deletion of all jobs that did not change after that second.

        Raises:
            NothingMatches: there is no such job.
        """
        until, count = _up_to_full_second(updated_max), 0
        while True:
            async with self._database.writing() as session:
                marked = await deletions.request_some(session, until, _AT_ONCE)
            count += marked
            if marked < _AT_ONCE:
                break
        if not count:
            raise NothingMatches("no job was last updated then or before")


def _up_to_full_second(moment: datetime) -> datetime:
    if not moment.microsecond:
        return moment
    try:
        return moment.replace(microsecond=0) + timedelta(seconds=1)
    except OverflowError:  # the last second that a datetime can express
        return moment
