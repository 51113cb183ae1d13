"""Stores what a job's workflow decided: state and events of it, in order, in one transaction."""

from manager_api.db.engine import Database
from workflows.domain.messages import JobSnapshot, Limits, ProjectionWrite, WriteAnswer


class SqlProjectionStore:
    def __init__(self, db: Database, limits: Limits | None = None) -> None:
        self._db = db
        self._limits = limits or Limits()

    async def claim(self, job_id: str, run: int) -> JobSnapshot | None:
        """What the run starts from; None if another run owns the job, or nobody does.

        Changes nothing, so it can be asked again.
        """
        raise NotImplementedError

    async def store(self, write: ProjectionWrite) -> WriteAnswer:
        """Store a write once, whatever is asked twice."""
        raise NotImplementedError
