"""What the farm keeper reads and writes; an older keeper's writes are refused (rule 17)."""

from collections.abc import Callable, Sequence
from datetime import datetime

from manager_api.db.engine import Database
from workflows.domain.matchmaking import FarmSnapshot, Offer, RecallOrder
from workflows.domain.messages import Lease


class Superseded(Exception):
    """A newer keeper has begun: this one stops."""


class SqlKeeperStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def next_epoch(self) -> int:
        """Begin an epoch; every older keeper is refused from now on."""
        raise NotImplementedError

    async def snapshot(self, is_present: Callable[[str], bool]) -> FarmSnapshot:
        raise NotImplementedError

    async def write_offers(self, epoch: int, offers: Sequence[Offer]) -> list[Lease]:
        """Write leases and return them, to be lent.

        Left out: an offer whose slot is lent, whose job is at another run or ended, whose worker
        has signed on anew or was deleted.

        Raises:
            Superseded: nothing was written.
        """
        raise NotImplementedError

    async def open_leases(self, offered_before: datetime) -> list[Lease]:
        """Leases offered before then that nobody has confirmed, to be lent again."""
        raise NotImplementedError

    async def recalled_leases(self, recalled_before: datetime) -> list[RecallOrder]:
        """Leases recalled before then that were not returned, to be recalled again."""
        raise NotImplementedError

    async def mark_recalled(self, epoch: int, recalls: Sequence[RecallOrder]) -> None:
        """A recall at once is never weakened to one after the task.

        Raises:
            Superseded: nothing was written.
        """
        raise NotImplementedError

    async def mark_returned(self, epoch: int, lease_ids: Sequence[str]) -> None:
        """Raises `Superseded`: nothing was written."""
        raise NotImplementedError

    async def outbox(self) -> list[tuple[str, int]]:
        """(job, run) of the workflows to start, oldest first."""
        raise NotImplementedError

    async def started(self, job_id: str, run: int) -> None:
        """Temporal has it: take it out of the outbox."""
        raise NotImplementedError

    async def mark_lost(self, epoch: int, worker_id: str, session: int | None = None) -> bool:
        """Status `error`, pending request cleared; tells `/workers`.

        False, and nothing done, if its session is another by now, or it is offline or in error.

        Raises:
            Superseded: nothing was written.
        """
        raise NotImplementedError
