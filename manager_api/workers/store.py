"""Workers: registration, sessions, statuses and what is asked of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from manager_api.contract.errors import WorkerNotFound
from manager_api.database import events
from manager_api.database.engine import FOR_CHANGE, Changed, Session, utc_now
from manager_api.database.payloads import WORKERS, worker_event
from manager_api.database.tables import (
    HandBackRow,
    ProvisionScope,
    TaskRow,
    WorkerRow,
    WorkerTagMembershipRow,
    WorkerTagRow,
)
from manager_api.workers import provision_store as provisions
from workflows.domain.statuses import WorkerStatus
from workflows.domain.worker import StatusRequest, can_be_lost, pending_after_report


@dataclass(frozen=True, slots=True)
class NewWorker:
    id: str
    name: str
    secret_hash: str
    platform: str
    supported_task_types: Sequence[str]
    address: str = ""
    software: str = ""


@dataclass(frozen=True, slots=True)
class SignOn:
    name: str
    supported_task_types: Sequence[str]
    software: str
    can_restart: bool
    address: str = ""


async def register(session: Session, new: NewWorker) -> WorkerRow:
    """Tells nobody, as in Flamenco: a worker shows up at its first sign-on."""
    now = utc_now()
    row = WorkerRow(
        id=new.id,
        name=new.name,
        secret_hash=new.secret_hash,
        address=new.address,
        status=WorkerStatus.UNREGISTERED,
        platform=new.platform,
        software=new.software,
        supported_task_types=list(new.supported_task_types),
        created=now,
        updated=now,
    )
    session.add(row)
    await session.flush()
    return row


async def worker(session: AsyncSession, worker_id: str) -> WorkerRow | None:
    """None if it was deleted, too. Credentials are checked against its `secret_hash`."""
    row = await session.get(WorkerRow, worker_id)
    return None if row is None or row.deleted_at is not None else row


async def worker_to_change(session: Session, worker_id: str) -> WorkerRow | None:
    """The worker, held against other writers until the transaction ends; None if deleted.

    What writes below takes such a row.
    """
    row = await session.get(
        WorkerRow, worker_id, with_for_update=FOR_CHANGE, populate_existing=True
    )
    return None if row is None or row.deleted_at is not None else row


async def existing_worker(session: AsyncSession, worker_id: str) -> WorkerRow:
    """Raises:
    WorkerNotFound: there is none, or it was deleted.
    """
    return _existing(await worker(session, worker_id), worker_id)


async def existing_worker_to_change(session: Session, worker_id: str) -> WorkerRow:
    """As `worker_to_change`.

    Raises:
        WorkerNotFound: there is none, or it was deleted.
    """
    return _existing(await worker_to_change(session, worker_id), worker_id)


async def workers_by_id(
    session: AsyncSession, worker_ids: Iterable[str | None]
) -> Mapping[str, WorkerRow]:
    """Deleted ones too: their names stay on what they did."""
    wanted = {worker_id for worker_id in worker_ids if worker_id}
    if not wanted:
        return {}
    rows = await session.scalars(select(WorkerRow).where(WorkerRow.id.in_(wanted)))
    return {row.id: row for row in rows}


async def all_workers(session: AsyncSession) -> Sequence[WorkerRow]:
    """Those that are not deleted, by name."""
    query = select(WorkerRow).where(WorkerRow.deleted_at.is_(None))
    return (await session.scalars(query.order_by(WorkerRow.name, WorkerRow.id))).all()


def pending_request(row: WorkerRow) -> StatusRequest | None:
    """The status that the worker is asked for."""
    requested = row.status_requested
    return StatusRequest(requested, row.is_lazy_request) if requested else None


async def sign_on(session: Session, row: WorkerRow, facts: SignOn) -> None:
    """Status `starting`; tells `/workers`."""
    previous = row.status
    row.status = WorkerStatus.STARTING
    row.name = facts.name
    row.address = facts.address or row.address
    row.software = facts.software
    if set(row.supported_task_types) != set(facts.supported_task_types):
        await _is_of_new_use(session, row.id)
    row.supported_task_types = list(facts.supported_task_types)
    row.can_restart = facts.can_restart
    row.last_seen = utc_now()
    _tell(session, row, previous)


def set_status(
    session: Session, row: WorkerRow, status: WorkerStatus, *, clears_request: bool = False
) -> None:
    """Store a status that was reported, and which request is pending then; tells `/workers`.

    Args:
        clears_request: no request is pending any more, whatever was asked for.
    """
    pending = None if clears_request else pending_after_report(status, pending_request(row))
    previous = row.status
    row.status = status
    _ask(row, pending)
    _tell(session, row, previous)


def set_request(session: Session, row: WorkerRow, pending: StatusRequest | None) -> None:
    """Store what the worker is asked to be from now on; None asks nothing. Tells `/workers`."""
    _ask(row, pending)
    _tell(session, row)


def begin_session(session: Session, row: WorkerRow, slots: int, live_runs: Sequence[str]) -> int:
    """A host signed on to the control channel; returns its session's number."""
    row.session += 1
    row.is_http = False
    row.slots = slots
    row.live_runs = list(live_runs)
    row.last_seen = utc_now()
    session.changed.add(Changed.FARM)
    return row.session


async def seen(session: Session, worker_ids: Sequence[str], at: datetime) -> None:
    """They were heard of; tells nobody."""
    await session.execute(
        update(WorkerRow).where(WorkerRow.id.in_(worker_ids)).values(last_seen=at)
    )


def mark_lost(session: Session, row: WorkerRow, host_session: int | None = None) -> bool:
    """Status `error`, a pending request ends; tells `/workers`.

    False, with nothing done, if it has a newer session than `host_session`, or is gone anyway.
    """
    if not can_be_lost(row.status) or host_session not in (None, row.session):
        return False
    set_status(session, row, WorkerStatus.ERROR, clears_request=True)
    return True


async def delete_worker(session: Session, row: WorkerRow) -> None:
    """Stamp it deleted; the row stays, for its tasks' and leases' sake. Tells `/workers`."""
    row.deleted_at = utc_now()
    await provisions.remove(session, ProvisionScope.WORKER, row.id)
    _tell(session, row)
    session.changed.add(Changed.DELETED_WORKERS)


async def deleted(session: AsyncSession, worker_ids: Iterable[str]) -> set[str]:
    """Those of them that were deleted."""
    query = select(WorkerRow.id).where(
        WorkerRow.id.in_(worker_ids), WorkerRow.deleted_at.is_not(None)
    )
    return set(await session.scalars(query))


def set_paused(session: Session, row: WorkerRow, *, is_paused: bool) -> None:
    """Paused, it finishes what it runs and gets nothing more. Tells `/workers`, although nothing
    that Flamenco knows has changed: who listens looks again.
    """
    if row.is_paused != is_paused:
        row.is_paused = is_paused
        _tell(session, row)


async def set_tags(session: Session, row: WorkerRow, tag_ids: Sequence[str]) -> None:
    """Replaces its tags; unknown ones are ignored. Tells `/workers`."""
    membership = WorkerTagMembershipRow
    await session.execute(delete(membership).where(membership.worker_id == row.id))
    there = await session.scalars(
        select(WorkerTagRow.id).with_for_update(read=True, key_share=True)
    )
    known = set(tag_ids).intersection(there)
    session.add_all(membership(worker_id=row.id, tag_id=tag_id) for tag_id in sorted(known))
    await _is_of_new_use(session, row.id)
    _tell(session, row)


async def tags_of(session: AsyncSession, worker_id: str) -> Sequence[WorkerTagRow]:
    """By name."""
    membership = WorkerTagMembershipRow
    query = (
        select(WorkerTagRow)
        .join(membership, membership.tag_id == WorkerTagRow.id)
        .where(membership.worker_id == worker_id)
        .order_by(WorkerTagRow.name)
    )
    return (await session.scalars(query)).all()


async def last_task(session: AsyncSession, worker_id: str) -> TaskRow | None:
    """The task it works on, else the one that changed last; without its commands."""
    query = (
        select(TaskRow)
        .where(TaskRow.worker_id == worker_id)
        .order_by(TaskRow.updated.desc())
        .limit(1)
        .options(defer(TaskRow.commands, raiseload=True))
    )
    # Written out, since a parameter would hide from SQLite that the index of active tasks fits.
    active = query.where(literal_column("tasks.status = 'active'"))
    return await session.scalar(active) or await session.scalar(query)


async def _is_of_new_use(session: Session, worker_id: str) -> None:
    """A job that had no use for it may have one now (protocol rule 2)."""
    await session.execute(delete(HandBackRow).where(HandBackRow.worker_id == worker_id))


def _existing(row: WorkerRow | None, worker_id: str) -> WorkerRow:
    if row is None:
        raise WorkerNotFound(worker_id)
    return row


def _ask(row: WorkerRow, pending: StatusRequest | None) -> None:
    row.status_requested = None if pending is None else pending.status
    row.is_lazy_request = pending is not None and pending.is_lazy


def _tell(session: Session, row: WorkerRow, previous: WorkerStatus | None = None) -> None:
    row.updated = utc_now()
    is_moved = previous is not None and previous != row.status
    events.append(session, WORKERS, worker_event(row, previous=previous if is_moved else None))
    session.changed.add(Changed.FARM)
