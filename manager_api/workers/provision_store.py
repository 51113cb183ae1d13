"""Provisioned settings as stored, and what they come to for each worker."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.errors import NothingProvisioned
from manager_api.database import events
from manager_api.database.engine import Changed, Session, utc_now
from manager_api.database.tables import (
    HandBackRow,
    ProvisionRow,
    ProvisionScope,
    WorkerRow,
    WorkerTagMembershipRow,
    WorkerTagRow,
)
from workflows.domain.provisioning import Layer, Provision, layers_for, merged

PROVISIONS = "/provisions"
#: How the one target of the farm's scope is called in addresses; it is stored as an empty word.
WHOLE_FARM = "all"


async def all_provisions(session: AsyncSession) -> Sequence[ProvisionRow]:
    query = select(ProvisionRow).order_by(ProvisionRow.scope, ProvisionRow.target)
    return (await session.scalars(query)).all()


async def existing_provision(
    session: AsyncSession, scope: ProvisionScope, target: str
) -> ProvisionRow:
    """Raises:
    NothingProvisioned: nothing is set there.
    """
    row = await session.get(ProvisionRow, (scope, target))
    if row is None:
        raise NothingProvisioned(scope, target or WHOLE_FARM)
    return row


async def put(
    session: Session, scope: ProvisionScope, target: str, settings: Mapping[str, Any]
) -> ProvisionRow:
    """In the place of what was there; tells `/provisions`."""
    row = await session.merge(
        ProvisionRow(scope=scope, target=target, settings=dict(settings), updated=utc_now())
    )
    await _changed(session, scope, target)
    return row


async def remove(session: Session, scope: ProvisionScope, target: str) -> None:
    """What is set there, if anything; tells `/provisions`."""
    if (row := await session.get(ProvisionRow, (scope, target))) is not None:
        await session.delete(row)
        await _changed(session, scope, target)


async def layers_of(
    session: AsyncSession, rows: Collection[WorkerRow]
) -> Mapping[str, list[Layer]]:
    """What speaks of each of these workers, by its id, weakest first; none left out."""
    stored = [
        Layer(str(row.scope), row.target, row.settings) for row in await all_provisions(session)
    ]
    if not stored:
        return {row.id: [] for row in rows}
    is_by_tag = any(layer.scope == ProvisionScope.TAG for layer in stored)
    tags = await _tags_by_name(session) if is_by_tag else {}
    return {row.id: layers_for(stored, row.id, row.platform, tags.get(row.id, ())) for row in rows}


async def effective(session: AsyncSession, rows: Collection[WorkerRow]) -> Mapping[str, Provision]:
    """What is in force for each of these workers, by its id."""
    layers = await layers_of(session, rows)
    return {row.id: merged(layers[row.id]) if row.is_provisioned else Provision() for row in rows}


async def effective_by_id(
    session: AsyncSession, worker_ids: Iterable[str]
) -> Mapping[str, Provision]:
    """As `effective`; a worker that nobody has provisioned anything for may be left out."""
    if await session.scalar(select(ProvisionRow.scope).limit(1)) is None:
        return {}
    query = select(WorkerRow).where(WorkerRow.id.in_(set(worker_ids)))
    return await effective(session, (await session.scalars(query)).all())


def slots(row: WorkerRow, provided: Provision) -> int:
    """How many tasks it is given at a time. Over HTTP a worker asks for one after the other."""
    return row.slots if row.is_http or provided.slots is None else provided.slots


def task_types(row: WorkerRow, provided: Provision) -> list[str]:
    """What it is given."""
    return list(row.supported_task_types if provided.task_types is None else provided.task_types)


async def _tags_by_name(session: AsyncSession) -> Mapping[str, Sequence[str]]:
    """Ids of tags, by worker."""
    membership = WorkerTagMembershipRow
    query = (
        select(membership.worker_id, membership.tag_id)
        .join(WorkerTagRow, WorkerTagRow.id == membership.tag_id)
        .order_by(WorkerTagRow.name)
    )
    tags = defaultdict(list)
    for worker_id, tag_id in await session.execute(query):
        tags[worker_id].append(tag_id)
    return tags


async def _changed(session: Session, scope: ProvisionScope, target: str) -> None:
    # Values stay out of it: an environment may hold secrets, and everybody reads events.
    events.append(session, PROVISIONS, {"scope": str(scope), "target": target})
    # A worker that was of no use to a job may be now.
    await session.execute(delete(HandBackRow))
    session.changed.add(Changed.FARM)
