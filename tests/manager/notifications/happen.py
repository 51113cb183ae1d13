"""Lets things happen to jobs, for tests of notifications."""

from typing import Any

from manager_api.database import happenings
from manager_api.database.engine import Database, utc_now
from workflows.domain.notifications import Happening, HappeningKind


class Happen:
    """Notes happenings to jobs of the numbers from 1 on, in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(
        self, kind: HappeningKind = HappeningKind.JOB_FAILED, count: int = 1, **fields: Any
    ) -> None:
        async with self._database.writing() as session:
            for number in range(1, count + 1):
                key = f"{number}:{utc_now().isoformat()}"
                facts = {"name": f"job {number}", "job_id": str(number), "text": "no camera"}
                happenings.note(session, key, Happening(kind, **(facts | fields)))
