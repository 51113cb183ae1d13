"""Workers in the database: registration, sessions, statuses, requested statuses, tags."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from manager_api.contract.errors import WorkerNotFound
from manager_api.database import events, happenings
from manager_api.database.engine import FOR_CHANGE, Changed, Session, utc_now
from manager_api.database.payloads import HOST_ORDERS, WORKERS, worker_event
from manager_api.database.tables import (
    HandBackRow,
    ProvisionScope,
    TaskRow,
    WorkerRow,
    WorkerTagMembershipRow,
    WorkerTagRow,
    table_of,
)
from manager_api.version import NAME
from manager_api.workers import provision_store as provisions
from workflows.domain.asides import Aside, from_json, stored, to_json
from workflows.domain.control import UpgradeReport, UpgradeState
from workflows.domain.notifications import HappeningKind
from workflows.domain.statuses import WorkerStatus
from workflows.domain.worker import StatusRequest, can_be_lost, pending_after_report

#: Stored in place of the hash of a secret; no secret fits it.
_REVOKED = ""
#: A host that has stored a secret shows it from its next connection but one on at the latest.
_MOST_NEW_SECRETS = 3
#: Hosts keep these until they are ordered otherwise.
_KEPT = frozenset({WorkerStatus.AWAKE, WorkerStatus.ASLEEP})
_BEGAN_AGAIN = "The worker's host began again before the new version was installed."


@dataclass(frozen=True, slots=True)
class NewWorker:
    id: str
    name: str
    secret_hash: str
    platform: str
    supported_task_types: Sequence[str]
    address: str = ""
    software: str = ""
    is_waiting: bool = False


@dataclass(frozen=True, slots=True)
class SignOn:
    name: str
    supported_task_types: Sequence[str]
    software: str
    can_restart: bool
    address: str = ""


class ListedWorker(NamedTuple):
    """The columns of `WorkerRow` that a list shows."""

    id: str
    name: str
    status: WorkerStatus
    software: str
    can_restart: bool
    status_requested: WorkerStatus | None
    is_lazy_request: bool
    last_seen: datetime | None


_workers = table_of(WorkerRow).c
_LISTED = (
    select(*(_workers[column] for column in ListedWorker._fields))
    .where(_workers.deleted_at.is_(None))
    .order_by(_workers.name, _workers.id)
)


async def register(session: Session, new: NewWorker) -> WorkerRow:
    """Insert a worker. It adds no event, as in Flamenco: a worker shows up at its first sign-on.

    A worker that waits shows up at once, because it can be let in.
    """
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
        is_waiting=new.is_waiting,
        created=now,
        updated=now,
    )
    session.add(row)
    await session.flush()
    if row.is_waiting:
        tell_of(session, row)
        happenings.note_of_worker(session, HappeningKind.WORKER_WAITS, row)
    return row


async def worker(session: AsyncSession, worker_id: str) -> WorkerRow | None:
    """Return the worker; None if it does not exist or was deleted."""
    row = await session.get(WorkerRow, worker_id)
    return None if row is None or row.deleted_at is not None else row


async def worker_to_change(session: Session, worker_id: str) -> WorkerRow | None:
    """Return the worker, locked against other writers until the transaction ends.

    The functions of this module that change a worker take such a row.

    Returns:
        None: the worker does not exist or was deleted.
    """
    row = await session.get(
        WorkerRow, worker_id, with_for_update=FOR_CHANGE, populate_existing=True
    )
    return None if row is None or row.deleted_at is not None else row


async def existing_worker(session: AsyncSession, worker_id: str) -> WorkerRow:
    """Return the worker.

    Raises:
        WorkerNotFound: the worker does not exist or was deleted.
    """
    return _existing(await worker(session, worker_id), worker_id)


async def existing_worker_to_change(session: Session, worker_id: str) -> WorkerRow:
    """Return the worker, locked as by `worker_to_change`.

    Raises:
        WorkerNotFound: the worker does not exist or was deleted.
    """
    return _existing(await worker_to_change(session, worker_id), worker_id)


async def workers_by_id(
    session: AsyncSession, worker_ids: Iterable[str | None]
) -> Mapping[str, WorkerRow]:
    """Return workers by id, deleted ones too: old tasks show their names."""
    wanted = {worker_id for worker_id in worker_ids if worker_id}
    if not wanted:
        return {}
    rows = await session.scalars(select(WorkerRow).where(WorkerRow.id.in_(wanted)))
    return {row.id: row for row in rows}


async def all_workers(session: AsyncSession) -> Sequence[WorkerRow]:
    """Return the workers that are not deleted, sorted by name."""
    query = select(WorkerRow).where(WorkerRow.deleted_at.is_(None))
    return (await session.scalars(query.order_by(WorkerRow.name, WorkerRow.id))).all()


async def listed_workers(session: AsyncSession) -> Sequence[ListedWorker]:
    """Return what a list shows of the workers that are not deleted, sorted by name."""
    return [ListedWorker._make(row) for row in await session.execute(_LISTED)]


async def platforms(session: AsyncSession) -> frozenset[str]:
    """Return the platforms of the farm's workers."""
    query = select(WorkerRow.platform).where(WorkerRow.deleted_at.is_(None)).distinct()
    return frozenset(await session.scalars(query))


def pending_request(row: WorkerRow) -> StatusRequest | None:
    """Return the status that the worker is asked to take; None if it is asked for none."""
    requested = row.status_requested
    return StatusRequest(requested, row.is_lazy_request) if requested else None


async def sign_on(session: Session, row: WorkerRow, facts: SignOn) -> None:
    """Store the facts of a sign-on and the status `starting`; add an event to `/workers`."""
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
    tell_of(session, row, previous)


def set_status(
    session: Session, row: WorkerRow, status: WorkerStatus, *, clears_request: bool = False
) -> None:
    """Store a status, end the request that it fulfills, and add an event to `/workers`.

    Args:
        clears_request: any pending request ends, whether it is fulfilled or not.
    """
    pending = None if clears_request else pending_after_report(status, pending_request(row))
    previous = row.status
    row.status = status
    _ask(row, pending)
    tell_of(session, row, previous)


def set_request(session: Session, row: WorkerRow, pending: StatusRequest | None) -> None:
    """Store the status that the worker is asked to take, and add an event to `/workers`.

    Args:
        pending: None: the worker is asked for no status.
    """
    is_canceled = pending is None and row.status_requested is not None
    _ask(row, pending)
    tell_of(session, row)
    if is_canceled and not row.is_http and row.status in _KEPT:
        # The host may have been ordered already to take the status that is not wanted any more.
        order = {"order": "status", "worker": row.id, "status": str(row.status)}
        events.append(session, HOST_ORDERS, order)


async def kept_status(session: Session, worker_id: str) -> WorkerStatus | None:
    """Return the status that a worker is to keep; None if it is to take one, or has left."""
    row = await session.get(WorkerRow, worker_id)
    if row is None or row.status_requested is not None or row.status not in _KEPT:
        return None
    return row.status


def begin_session(session: Session, row: WorkerRow, slots: int, live_runs: Sequence[str]) -> int:
    """Begin a session of a host on the control channel; return the session's number."""
    row.session += 1
    row.is_http = False
    row.slots = slots
    row.live_runs = list(live_runs)
    row.last_seen = utc_now()
    session.changed.add(Changed.FARM)
    return row.session


async def seen(session: Session, worker_ids: Sequence[str], at: datetime) -> None:
    """Store when workers were last heard from; add no event."""
    of_workers = WorkerRow.id.in_(worker_ids)
    # In one order, because two managers that lock the same rows in two orders would deadlock.
    in_order = select(WorkerRow.id).where(of_workers).order_by(WorkerRow.id)
    await session.execute(in_order.with_for_update(key_share=True))
    await session.execute(update(WorkerRow).where(of_workers).values(last_seen=at))


async def seen_by(session: Session, now: datetime) -> None:
    """Store HTTP workers that were heard from later than now as heard from now; add no event."""
    later = select(WorkerRow.id).where(WorkerRow.is_http, WorkerRow.last_seen > now)
    await seen(session, (await session.scalars(later)).all(), now)


async def hosts_last_seen(session: AsyncSession) -> dict[str, datetime]:
    """Return when hosts were last heard from, by worker id, without deleted workers."""
    query = select(WorkerRow.id, WorkerRow.last_seen).where(
        WorkerRow.deleted_at.is_(None),
        WorkerRow.is_http.is_(False),
        WorkerRow.last_seen.is_not(None),
    )
    return {row.id: row.last_seen for row in await session.execute(query)}


def mark_lost(session: Session, row: WorkerRow, host_session: int | None = None) -> bool:
    """Set the status to `error`, end a pending request, and add an event to `/workers`.

    Args:
        host_session: the session that was lost; None: any session.

    Returns:
        False: nothing was changed, because the worker has another session than `host_session`, or
        is `offline` or in `error` already.
    """
    if not can_be_lost(row.status) or host_session not in (None, row.session):
        return False
    set_status(session, row, WorkerStatus.ERROR, clears_request=True)
    happenings.note_of_worker(session, HappeningKind.WORKER_LOST, row)
    return True


async def delete_worker(session: Session, row: WorkerRow) -> None:
    """Mark a worker as deleted and add an event to `/workers`.

    The row stays, because tasks and leases refer to it.
    """
    row.deleted_at = utc_now()
    await provisions.remove(session, ProvisionScope.WORKER, row.id)
    tell_of(session, row)
    session.changed.add(Changed.DELETED_WORKERS)


def admit(session: Session, row: WorkerRow) -> None:
    """Let a worker in that waits, and add an event to `/workers`."""
    if row.is_waiting:
        row.is_waiting = False
        tell_of(session, row)


def revoke_secret(session: Session, row: WorkerRow) -> None:
    """Let no secret fit a worker any more, and set its status to `error`."""
    row.secret_hash = _REVOKED
    row.new_secret_hashes = None
    set_status(session, row, WorkerStatus.ERROR, clears_request=True)
    session.changed.add(Changed.DELETED_WORKERS)


def order_new_secret(session: Session, row: WorkerRow) -> None:
    """Order that the worker's host is given another secret, now and at each hello until it is."""
    row.new_secret_hashes = row.new_secret_hashes or []
    events.append(session, HOST_ORDERS, {"order": "new secret", "worker": row.id})
    tell_of(session, row)


def add_new_secret(session: Session, row: WorkerRow, secret_hash: str) -> bool:
    """Let another secret count, too; return False if the worker needs none any more."""
    if row.new_secret_hashes is None:
        return False
    row.new_secret_hashes = [*row.new_secret_hashes, secret_hash][-_MOST_NEW_SECRETS:]
    tell_of(session, row)
    return True


def use_new_secret(session: Session, row: WorkerRow, secret_hash: str) -> None:
    """Let a secret that the host has shown replace all that are older."""
    hashes = row.new_secret_hashes or []
    if secret_hash not in hashes:
        return
    row.first_secret_hash = row.first_secret_hash or row.secret_hash
    row.secret_hash = secret_hash
    # The host may be about to store a secret that was made later.
    row.new_secret_hashes = hashes[hashes.index(secret_hash) + 1 :] or None
    session.changed.add(Changed.DELETED_WORKERS)
    tell_of(session, row)


def set_upgrade(session: Session, row: WorkerRow, report: UpgradeReport | None) -> None:
    """Store how far a worker's upgrade is, or why it failed; None: there is nothing to say.

    A change adds an event to `/workers`, as `set_paused` does.
    """
    after = None if report is None else asdict(report)
    if row.upgrade != after:
        row.upgrade = after
        tell_of(session, row)


def process_began(session: Session, row: WorkerRow, software: str) -> None:
    """End what is known of an upgrade, because a process of the worker's host has begun.

    It has the version that was to come, or else the upgrade has failed. If the host knows more
    about that, it says so next.
    """
    if row.upgrade is None:
        return
    report = UpgradeReport(**row.upgrade)
    if software == f"{NAME} {report.version}":
        set_upgrade(session, row, None)
    elif report.state != UpgradeState.FAILED:
        failed = replace(report, state=UpgradeState.FAILED, reason=_BEGAN_AGAIN)
        set_upgrade(session, row, failed)


async def dismissed(session: AsyncSession, worker_ids: Iterable[str]) -> set[str]:
    """Return the ids of those workers that were deleted, or whose secret was revoked."""
    query = select(WorkerRow.id).where(
        WorkerRow.id.in_(worker_ids),
        or_(WorkerRow.deleted_at.is_not(None), WorkerRow.secret_hash == _REVOKED),
    )
    return set(await session.scalars(query))


def set_paused(session: Session, row: WorkerRow, *, is_paused: bool) -> None:
    """Pause or resume a worker. A paused worker finishes its tasks and gets no new ones.

    A change adds an event to `/workers`. The event has no field for the pause, because Flamenco's
    has none; clients that receive it fetch the worker again.
    """
    if row.is_paused != is_paused:
        row.is_paused = is_paused
        tell_of(session, row)


async def set_aside(session: Session, row: WorkerRow, asides: Iterable[Aside]) -> None:
    """Store why a worker is set aside, in place of what was stored.

    A change adds an event to `/workers`, as `set_paused` does.
    """
    before = from_json(row.set_aside)
    after = stored(asides, before, utc_now())
    if after == before:
        return
    row.set_aside = to_json(after)
    known = {aside.cause for aside in before}
    for aside in after:
        if aside.cause not in known:
            happenings.note_of_worker(
                session, HappeningKind.WORKER_ASIDE, row, aside.reason, aside.cause
            )
    await _is_of_new_use(session, row.id)
    tell_of(session, row)


async def forgive(session: Session, row: WorkerRow) -> None:
    """Let a worker take tasks again, and order its host to do so."""
    await set_aside(session, row, ())
    events.append(session, HOST_ORDERS, {"order": "forgive", "worker": row.id})


async def set_tags(session: Session, row: WorkerRow, tag_ids: Sequence[str]) -> None:
    """Replace a worker's tags, ignore unknown tags, and add an event to `/workers`."""
    membership = WorkerTagMembershipRow
    had = {
        each.tag_id: each
        for each in await session.scalars(select(membership).where(membership.worker_id == row.id))
    }
    there = await session.scalars(
        select(WorkerTagRow.id).with_for_update(read=True, key_share=True)
    )
    known = set(tag_ids).intersection(there)
    for tag_id in had.keys() - known:
        await session.delete(had[tag_id])
    new = sorted(known - had.keys())
    session.add_all(membership(worker_id=row.id, tag_id=tag_id) for tag_id in new)
    await _is_of_new_use(session, row.id)
    tell_of(session, row)


async def tags_of(session: AsyncSession, worker_id: str) -> Sequence[WorkerTagRow]:
    """Return a worker's tags, sorted by name."""
    membership = WorkerTagMembershipRow
    query = (
        select(WorkerTagRow)
        .join(membership, membership.tag_id == WorkerTagRow.id)
        .where(membership.worker_id == worker_id)
        .order_by(WorkerTagRow.name)
    )
    return (await session.scalars(query)).all()


async def last_task(session: AsyncSession, worker_id: str) -> TaskRow | None:
    """Return the worker's active task, else its task that changed last; without the commands."""
    query = (
        select(TaskRow)
        .where(TaskRow.worker_id == worker_id)
        .order_by(TaskRow.updated.desc())
        .limit(1)
        .options(defer(TaskRow.commands, raiseload=True))
    )
    # A literal: with a parameter, SQLite would not use the index of active tasks.
    active = query.where(literal_column("tasks.status = 'active'"))
    return await session.scalar(active) or await session.scalar(query)


async def _is_of_new_use(session: Session, worker_id: str) -> None:
    """Let jobs that handed the worker back get it again (protocol rule 2)."""
    await session.execute(delete(HandBackRow).where(HandBackRow.worker_id == worker_id))


def _existing(row: WorkerRow | None, worker_id: str) -> WorkerRow:
    if row is None:
        raise WorkerNotFound(worker_id)
    return row


def _ask(row: WorkerRow, pending: StatusRequest | None) -> None:
    row.status_requested = None if pending is None else pending.status
    row.is_lazy_request = pending is not None and pending.is_lazy


def tell_of(session: Session, row: WorkerRow, previous: WorkerStatus | None = None) -> None:
    """Add an event to `/workers`, because something of a worker has changed."""
    row.updated = utc_now()
    is_moved = previous is not None and previous != row.status
    events.append(session, WORKERS, worker_event(row, previous=previous if is_moved else None))
    session.changed.add(Changed.FARM)
