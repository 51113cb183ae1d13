"""Stores why idle workers have no task, as sentences, where lists and pages read it."""

from collections.abc import Sequence

from sqlalchemy import or_, select

from manager_api.database import events
from manager_api.database.engine import Session
from manager_api.database.payloads import WORKERS, worker_event
from manager_api.database.tables import WorkerRow, WorkerTagRow
from workflows.domain.idleness import Idle, idle_sentence

#: The most workers that one transaction changes; each one is an event for every open page.
MOST_CHANGES = 200


async def write_idle(session: Session, idle: Sequence[Idle]) -> bool:
    """Store the sentences of all workers that have changed; return False if some are left to do."""
    tags = {row.id: row.name for row in await session.scalars(select(WorkerTagRow))}
    wanted = {each.worker_id: idle_sentence(each, tags) for each in idle}
    query = select(WorkerRow.id, WorkerRow.idle_reason).where(
        or_(WorkerRow.deleted_at.is_(None), WorkerRow.idle_reason.is_not(None))
    )
    stored = {row.id: row.idle_reason for row in await session.execute(query)}
    changed = [worker_id for worker_id in stored if stored[worker_id] != wanted.get(worker_id)]
    now = changed[:MOST_CHANGES]
    for worker in await session.scalars(select(WorkerRow).where(WorkerRow.id.in_(now))):
        worker.idle_reason = wanted.get(worker.id)
        events.append(session, WORKERS, worker_event(worker))
    return len(changed) <= MOST_CHANGES
