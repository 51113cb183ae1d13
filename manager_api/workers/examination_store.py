"""What the doctors on workers' machines have found, in the database."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events
from manager_api.database.engine import Session, utc_now
from manager_api.database.payloads import HOST_ORDERS
from manager_api.database.tables import WorkerExaminationRow, WorkerRow
from manager_api.workers.store import tell_of


async def order(session: Session, row: WorkerRow) -> None:
    """Order that the doctor on a worker's machine looks at it, and add an event to `/workers`."""
    known = await session.get(WorkerExaminationRow, row.id)
    if known is None:
        session.add(WorkerExaminationRow(worker_id=row.id, asked=utc_now()))
    else:
        known.asked = utc_now()
    events.append(session, HOST_ORDERS, {"order": "examine", "worker": row.id})
    tell_of(session, row)


async def store(session: Session, row: WorkerRow, report: Mapping[str, Any]) -> None:
    """Store what a doctor has found, if it was asked for, and add an event to `/workers`."""
    known = await session.get(WorkerExaminationRow, row.id)
    if known is not None:
        known.told, known.report = utc_now(), dict(report)
        tell_of(session, row)


async def of_worker(session: AsyncSession, worker_id: str) -> WorkerExaminationRow | None:
    return await session.get(WorkerExaminationRow, worker_id)
