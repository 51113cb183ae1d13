"""Writes the keeper's offers to the database as leases."""

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import select

from manager_api.database.engine import Session, utc_now
from manager_api.database.restored import number_of_last_restore
from manager_api.database.tables import JobRow, LeaseRow, LeaseState, WorkerRow, WorkerSlotRow
from manager_api.workers import provision_store as provisions
from workflows.domain.matchmaking import Offer
from workflows.domain.messages import Lease


class OfferWriter:
    """Writes the offers of one pass, in a few statements for any number of offers."""

    def __init__(self, session: Session, epoch: int) -> None:
        self._session = session
        self._epoch = epoch

    async def write(self, offers: Sequence[Offer]) -> list[Lease]:
        possible = await self._possible(offers)
        if not possible:
            return []
        workers_by_id = await self._workers({offer.worker_id for offer in possible})
        generations = await self._next_generations(possible)
        provided = await provisions.effective(self._session, workers_by_id.values())
        now = utc_now()
        rows = [
            LeaseRow(
                id=str(uuid4()),
                worker_id=offer.worker_id,
                session=offer.session,
                slot=offer.slot,
                generation=generation,
                job_id=offer.job_id,
                run=offer.run,
                state=LeaseState.OFFERED,
                recall="",
                epoch=self._epoch,
                changed=now,
                task_types=provisions.lent_task_types(
                    workers_by_id[offer.worker_id], provided[offer.worker_id]
                ),
            )
            for offer, generation in zip(possible, generations, strict=True)
        ]
        self._session.add_all(rows)
        await self._session.flush()
        return [lease_message(row, workers_by_id[row.worker_id]) for row in rows]

    async def _possible(self, offers: Sequence[Offer]) -> list[Offer]:
        runs = await self._current_runs({offer.job_id for offer in offers})
        workers_by_id = await self._workers({offer.worker_id for offer in offers})
        taken = await self._taken_slots({offer.worker_id for offer in offers})
        possible = []
        for offer in offers:
            worker = workers_by_id.get(offer.worker_id)
            slot = (offer.worker_id, offer.slot)
            is_current = worker is not None and worker.session == offer.session
            if is_current and runs.get(offer.job_id) == offer.run and slot not in taken:
                taken.add(slot)
                possible.append(offer)
        return possible

    async def _current_runs(self, job_ids: set[str]) -> dict[str, int]:
        """Return the open runs by job, locked: a run must not end before its lease is written."""
        query = (
            select(JobRow.id, JobRow.run)
            .where(JobRow.id.in_(job_ids), JobRow.is_ended.is_(False))
            .order_by(JobRow.id)
            .with_for_update(read=True)
        )
        return {row.id: row.run for row in await self._session.execute(query)}

    async def _workers(self, worker_ids: set[str]) -> dict[str, WorkerRow]:
        query = select(WorkerRow).where(
            WorkerRow.id.in_(worker_ids), WorkerRow.deleted_at.is_(None)
        )
        return {row.id: row for row in await self._session.scalars(query)}

    async def _taken_slots(self, worker_ids: set[str]) -> set[tuple[str, int]]:
        query = select(LeaseRow.worker_id, LeaseRow.slot).where(
            LeaseRow.worker_id.in_(worker_ids), LeaseRow.state != LeaseState.RETURNED
        )
        return {(row.worker_id, row.slot) for row in await self._session.execute(query)}

    async def _next_generations(self, offers: Sequence[Offer]) -> list[int]:
        """Return a generation for each offer, greater than all earlier ones of its slot."""
        query = select(WorkerSlotRow).where(
            WorkerSlotRow.worker_id.in_({offer.worker_id for offer in offers})
        )
        slots = {(row.worker_id, row.slot): row for row in await self._session.scalars(query)}
        restored = await number_of_last_restore(self._session)
        generations = []
        for offer in offers:
            key = (offer.worker_id, offer.slot)
            if key not in slots:
                slots[key] = WorkerSlotRow(worker_id=key[0], slot=key[1], generation=0)
                self._session.add(slots[key])
            slots[key].generation = max(slots[key].generation + 1, restored)
            generations.append(slots[key].generation)
        return generations


def lease_message(row: LeaseRow, worker: WorkerRow) -> Lease:
    # A lease that an older build wrote has no task types.
    task_types = row.task_types if row.task_types is not None else worker.supported_task_types
    return Lease(
        id=row.id,
        worker_id=row.worker_id,
        worker_name=worker.name,
        session=row.session,
        slot=row.slot,
        generation=row.generation,
        job_id=row.job_id,
        run=row.run,
        is_http=worker.is_http,
        has_deck=worker.has_deck,
        task_types=tuple(task_types),
    )
