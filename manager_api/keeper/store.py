"""The farm keeper's queries and writes. The writes of an older keeper are refused (rule 17)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select, tuple_, update

from manager_api.database import epoch as epochs
from manager_api.database.batching import Batched
from manager_api.database.bulk import IN_CHUNK
from manager_api.database.engine import Changed, Database, Session, utc_now
from manager_api.database.tables import JobRow, LeaseRow, LeaseState, OutboxRow, WorkerRow
from manager_api.jobs.store import restart_run
from manager_api.keeper.idleness import write_idle
from manager_api.keeper.offers import OfferWriter, lease_message
from manager_api.keeper.shortages import write_shortages
from manager_api.keeper.snapshot import IsHttpPresent, everybody, farm_snapshot
from manager_api.workers import store as workers
from workflows.domain.farm_facts import FarmSnapshot
from workflows.domain.keeping import StoredRun
from workflows.domain.matchmaking import Offer, Reasons, RecallOrder
from workflows.domain.messages import Lease

AFTER_TASK, AT_ONCE = "after-task", "at-once"

#: Columns in the order of `StoredRun`.
_RUNS = select(JobRow.id, JobRow.run, JobRow.sequence, JobRow.is_ended)


class SqlKeeperStore:
    """Reads and writes for the keeper.

    `is_http_present` answers for HTTP workers, because they have no control channel.
    """

    def __init__(self, db: Database, is_http_present: IsHttpPresent = everybody) -> None:
        self._db = db
        self._is_http_present = is_http_present
        self._starts = Batched(self._remove_starts)

    async def next_epoch(self) -> int:
        """Begin an epoch and return its number; older keepers are refused from now on."""
        async with self._db.writing() as session:
            return await epochs.next_epoch(session)

    async def snapshot(self, is_present: Callable[[str], bool]) -> FarmSnapshot:
        """Return a snapshot of the farm; see `farm_snapshot`."""
        async with self._db.reading() as session:
            return await farm_snapshot(session, is_present, self._is_http_present)

    async def write_offers(self, epoch: int, offers: Sequence[Offer]) -> list[Lease]:
        """Write leases and return them, to be lent.

        An offer is left out if its slot is lent, if its job has ended or is at another run, or if
        its worker was deleted or has begun another session.

        Raises:
            Superseded: a newer keeper has taken over; nothing was written.
        """
        async with self._db.writing() as session:
            await epochs.check_epoch(session, epoch)
            return await OfferWriter(session, epoch).write(offers)

    async def unconfirmed_leases(self, older_than_s: float) -> list[Lease]:
        """Return leases that were offered at least so long ago and are not held yet.

        Their `lend` message is to be sent again. One from later than now, since the clock was put
        back, counts as old: a message that is sent twice harms nothing.
        """
        now = utc_now()
        before = now - timedelta(seconds=older_than_s)
        query = (
            select(LeaseRow, WorkerRow)
            .join(WorkerRow, WorkerRow.id == LeaseRow.worker_id)
            .where(LeaseRow.state == LeaseState.OFFERED)
            .where((LeaseRow.changed < before) | (LeaseRow.changed > now))
        )
        async with self._db.reading() as session:
            return [lease_message(lease, worker) for lease, worker in await session.execute(query)]

    async def mark_recalled(self, epoch: int, recalls: Sequence[RecallOrder]) -> None:
        """Mark leases as recalled. A recall at once stays one, even if one after the task follows.

        Raises:
            Superseded: a newer keeper has taken over; nothing was written.
        """
        at_once = [order.lease_id for order in recalls if order.at_once]
        after_task = [order.lease_id for order in recalls if not order.at_once]
        async with self._db.writing() as session:
            await epochs.check_epoch(session, epoch)
            await _change_open(session, at_once, recall=AT_ONCE)
            await _change_open(session, after_task, LeaseRow.recall == "", recall=AFTER_TASK)

    async def mark_returned(self, epoch: int, lease_ids: Sequence[str]) -> None:
        """Mark leases as returned, because the job's run that held them does not exist any more.

        Raises:
            Superseded: a newer keeper has taken over; nothing was written.
        """
        async with self._db.writing() as session:
            await epochs.check_epoch(session, epoch)
            await _change_open(session, lease_ids, state=LeaseState.RETURNED)
            session.changed.add(Changed.FARM)

    async def write_reasons(self, epoch: int, reasons: Reasons) -> bool:
        """Store why tasks wait and workers are idle; return False if a part is left to do.

        Raises:
            Superseded: a newer keeper has taken over; nothing was written.
        """
        async with self._db.writing() as session:
            await epochs.check_epoch(session, epoch)
            is_all_of_jobs = await write_shortages(session, reasons.shortages)
            return await write_idle(session, reasons.idle) and is_all_of_jobs

    async def outbox(self, most: int | None = None) -> list[tuple[str, int]]:
        """Return (job id, run number) of the workflows to start, or of the `most` oldest ones."""
        query = select(OutboxRow.job_id, OutboxRow.run).order_by(OutboxRow.created).limit(most)
        async with self._db.reading() as session:
            return [(row.job_id, row.run) for row in await session.execute(query)]

    async def start_anew(self, job_id: str, run: int) -> bool:
        """Begin a new run from the database for a job whose workflow is gone (rule 16).

        Return False if `run` has ended or another run owns the job; then nothing is changed.
        """
        async with self._db.writing() as session:
            return await restart_run(session, job_id, run) is not None

    async def unfinished_runs(self) -> list[StoredRun]:
        """Return the runs that should have an open workflow: not ended, and not in the outbox."""
        waiting = select(OutboxRow.job_id)
        query = _RUNS.where(JobRow.is_ended.is_(False), JobRow.id.not_in(waiting))
        async with self._db.reading() as session:
            return [StoredRun(*row) for row in await session.execute(query)]

    async def stored_runs(self, job_ids: Collection[str]) -> Mapping[str, StoredRun]:
        """Return the jobs' runs by job id, without jobs that do not exist."""
        found: dict[str, StoredRun] = {}
        ids = sorted(job_ids)
        async with self._db.reading() as session:
            for first in range(0, len(ids), IN_CHUNK):
                query = _RUNS.where(JobRow.id.in_(ids[first : first + IN_CHUNK]))
                found.update((row[0], StoredRun(*row)) for row in await session.execute(query))
        return found

    async def started(self, job_id: str, run: int) -> None:
        """Remove a run from the outbox, because Temporal has its workflow."""
        await self._starts.get((job_id, run))

    async def _remove_starts(self, runs: Collection[tuple[str, int]]) -> Mapping[Any, None]:
        query = delete(OutboxRow).where(tuple_(OutboxRow.job_id, OutboxRow.run).in_(runs))
        async with self._db.writing() as session:
            await session.execute(query)
        return {}

    async def mark_lost(self, epoch: int, worker_id: str, session: int | None = None) -> bool:
        """Mark a worker as lost; see `workers.mark_lost`.

        Args:
            epoch: the keeper's epoch.
            worker_id: the worker.
            session: the host's session at the moment when the host was found missing.

        Raises:
            Superseded: a newer keeper has taken over; nothing was written.
        """
        async with self._db.writing() as transaction:
            await epochs.check_epoch(transaction, epoch)
            row = await workers.worker_to_change(transaction, worker_id)
            return row is not None and workers.mark_lost(transaction, row, session)

    async def prune_returned(self, before: datetime) -> int:
        """Delete leases that were returned before this time; return how many."""
        query = delete(LeaseRow).where(
            LeaseRow.state == LeaseState.RETURNED, LeaseRow.changed < before
        )
        async with self._db.writing() as session:
            result = await session.execute(query)
            return result.rowcount  # type: ignore[attr-defined,no-any-return] # a DELETE's has it


async def _change_open(
    session: Session, lease_ids: Sequence[str], *only_if: ColumnElement[bool], **values: object
) -> None:
    await session.execute(
        update(LeaseRow)
        .where(LeaseRow.id.in_(lease_ids), LeaseRow.state != LeaseState.RETURNED, *only_if)
        .values(changed=utc_now(), **values)
    )
