"""Stored provisioned settings, and the settings in force for each worker."""

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
from workflows.domain.asides import from_json, types_left_out
from workflows.domain.provisioning import MOST_SLOTS, Layer, Provision, layers_for, merged

PROVISIONS = "/provisions"
#: The name in URLs of the farm scope's only target. It is stored as an empty string.
WHOLE_FARM = "all"
_NOTHING_SET = Provision()


async def all_provisions(session: AsyncSession) -> Sequence[ProvisionRow]:
    query = select(ProvisionRow).order_by(ProvisionRow.scope, ProvisionRow.target)
    return (await session.scalars(query)).all()


async def existing_provision(
    session: AsyncSession, scope: ProvisionScope, target: str
) -> ProvisionRow:
    """Return the settings of a target.

    Raises:
        NothingProvisioned: the target has no settings.
    """
    row = await session.get(ProvisionRow, (scope, target))
    if row is None:
        raise NothingProvisioned(scope, target or WHOLE_FARM)
    return row


async def put(
    session: Session, scope: ProvisionScope, target: str, settings: Mapping[str, Any]
) -> ProvisionRow:
    """Store settings in place of the target's old ones, and add an event to `/provisions`."""
    row = await session.merge(
        ProvisionRow(scope=scope, target=target, settings=dict(settings), updated=utc_now())
    )
    await _changed(session, scope, target)
    return row


async def remove(session: Session, scope: ProvisionScope, target: str) -> None:
    """Remove a target's settings; if it has any, add an event to `/provisions`."""
    if (row := await session.get(ProvisionRow, (scope, target))) is not None:
        await session.delete(row)
        await _changed(session, scope, target)


async def layers_of(
    session: AsyncSession, rows: Collection[WorkerRow]
) -> Mapping[str, list[Layer]]:
    """Return the layers that apply to each worker, by worker id, the weakest layer first.

    Every worker has an entry, also if no layer applies to it.
    """
    stored = [
        Layer(str(row.scope), row.target, row.settings) for row in await all_provisions(session)
    ]
    if not stored:
        return {row.id: [] for row in rows}
    is_by_tag = any(layer.scope == ProvisionScope.TAG for layer in stored)
    tags = await _tags_by_name(session) if is_by_tag else {}
    return {row.id: layers_for(stored, row.id, row.platform, tags.get(row.id, ())) for row in rows}


async def effective(session: AsyncSession, rows: Collection[WorkerRow]) -> Mapping[str, Provision]:
    """Return the settings in force for each of these workers, by worker id."""
    layers = await layers_of(session, rows)
    # Most workers have none, and the keeper asks for all workers every few seconds.
    return {
        row.id: merged(of_row)
        if row.is_provisioned and (of_row := layers[row.id])
        else _NOTHING_SET
        for row in rows
    }


async def effective_by_id(
    session: AsyncSession, worker_ids: Iterable[str]
) -> Mapping[str, Provision]:
    """Return the settings in force, by worker id. Workers without settings may be left out."""
    if await session.scalar(select(ProvisionRow.scope).limit(1)) is None:
        return {}
    query = select(WorkerRow).where(WorkerRow.id.in_(set(worker_ids)))
    return await effective(session, (await session.scalars(query)).all())


def slots(row: WorkerRow, provided: Provision) -> int:
    """Return how many tasks a worker is given at a time.

    Provisioned slots do not count for an HTTP worker: it asks for one task after the other.
    """
    if not row.is_http and provided.slots is not None:
        return provided.slots
    # A manager of an older build may have stored any number.
    return min(row.slots, MOST_SLOTS)


def task_types(row: WorkerRow, provided: Provision) -> list[str]:
    """Return the types of the tasks that a worker takes, also those for which it is set aside."""
    return list(row.supported_task_types if provided.task_types is None else provided.task_types)


def lent_task_types(row: WorkerRow, provided: Provision) -> list[str]:
    """Return the types of the tasks that a worker is given now."""
    left_out = types_left_out(from_json(row.set_aside))
    return [kind for kind in task_types(row, provided) if kind not in left_out]


async def _tags_by_name(session: AsyncSession) -> Mapping[str, Sequence[str]]:
    """Return the ids of each worker's tags, in the order of the tags' names, by worker id."""
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
    # The event holds no values: an environment may hold secrets, and every client reads events.
    events.append(session, PROVISIONS, {"scope": str(scope), "target": target})
    # A job may now have use for a worker that it handed back.
    await session.execute(delete(HandBackRow))
    session.changed.add(Changed.FARM)
