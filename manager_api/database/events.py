"""The events for clients, each stored in the transaction of the change that it reports."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import Changed, Session, utc_now
from manager_api.database.tables import EventRow

#: The lock's number. Its value does not matter, but all managers must use the same.
_EVENTS_LOCK = 7_266_002
#: The topic of the event that marks a restore of the database. Clients do not get it.
_RESTORED = "/internal/restored"
#: A farm stores fewer events than these in a second.
_MOST_EVENTS_PER_S = 100
#: The field of a stored payload that is for managers only.
ASIDE = "_aside"

#: Reads an event's payload in the transaction that stores it.
LatePayload = Callable[[Session], Awaitable[dict[str, Any]]]


def for_clients(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an event's payload without what is for managers only."""
    return {name: value for name, value in payload.items() if name != ASIDE}


def append(
    session: Session, topic: str, payload: dict[str, Any], *, aside: dict[str, Any] | None = None
) -> None:
    """Append an event to `topic`. It is stored as the last step before the session commits.

    Args:
        aside: for the managers themselves; clients do not get it.
    """
    if aside is not None:
        payload = {**payload, ASIDE: aside}
    _append(session, topic, payload)


def append_late(session: Session, topic: str, read: LatePayload) -> None:
    """Append an event whose payload is read as the last step before the session commits.

    For a row that this transaction has not locked. If it were read earlier, the event could tell
    an older state than the events before it.
    """
    _append(session, topic, read)


def _append(session: Session, topic: str, payload: dict[str, Any] | LatePayload) -> None:
    buffer: list[dict[str, Any]] | None = session.info.get("events")
    if buffer is None:
        buffer = session.info["events"] = []
        session.changed.add(Changed.EVENTS)
        session.before_commit(lambda: _store(session))
    buffer.append({"topic": topic, "payload": payload, "created": utc_now()})


async def _store(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        # Readers ask for "all after id 7", so ids must become visible in their order.
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_EVENTS_LOCK})"))
    for event in session.info["events"]:
        if callable(event["payload"]):
            event["payload"] = await event["payload"](session)
    await session.execute(insert(EventRow.__table__), session.info["events"])  # type: ignore[arg-type] # a mapped class's table is one


async def since(
    session: AsyncSession,
    after_id: int,
    *,
    topics: Sequence[str] = (),
    prefixes: Sequence[str] = (),
    limit: int = 1000,
) -> Sequence[EventRow]:
    """Return the oldest events after `after_id`, by ascending id, at most `limit`.

    Args:
        session: a session.
        after_id: the id before the first event.
        topics: return events with one of these topics.
        prefixes: also return events whose topic begins with one of these. Without topics and
            prefixes, events of all topics are returned.
        limit: the most events to return.
    """
    query = select(EventRow).where(EventRow.id > after_id).order_by(EventRow.id).limit(limit)
    wanted = [EventRow.topic.startswith(prefix, autoescape=True) for prefix in prefixes]
    if topics:
        wanted.append(EventRow.topic.in_(topics))
    if wanted:
        query = query.where(or_(*wanted))
    return (await session.scalars(query)).all()


async def newest_id(session: AsyncSession) -> int:
    """Return the newest event's id; 0 if there are no events."""
    return await session.scalar(select(func.max(EventRow.id))) or 0


async def oldest_id(session: AsyncSession) -> int:
    """Return the oldest event's id; 0 if there are no events.

    A client that resumes from an earlier event has missed events.
    """
    return await session.scalar(select(func.min(EventRow.id))) or 0


async def mark_restore(session: Session) -> None:
    """Mark that the database was restored, with an id greater than any of those that were lost.

    So a client that has heard events which are undone can be told from one that has not.
    """
    newest = (await session.scalars(select(EventRow).order_by(EventRow.id.desc()).limit(1))).first()
    now = utc_now()
    lost_s = (now - newest.created).total_seconds() if newest else 0.0
    mark = (newest.id if newest else 0) + _MOST_EVENTS_PER_S * (1 + max(0, int(lost_s)))
    session.add(EventRow(id=mark, topic=_RESTORED, payload={}, created=now))
    if session.get_bind().dialect.name == "postgresql":
        await session.flush()
        sequence = "pg_get_serial_sequence('events', 'id')"
        await session.execute(text(f"SELECT setval({sequence}, {mark})"))
    session.changed.add(Changed.EVENTS)


async def id_of_restore(session: AsyncSession) -> int:
    """Return the id of the event that marks the last restore; 0 if there is none.

    A client that resumes from an earlier event may have heard what the restore has undone.
    """
    query = select(func.max(EventRow.id)).where(EventRow.topic == _RESTORED)
    return await session.scalar(query) or 0


async def prune(session: AsyncSession, before: datetime) -> int:
    """Delete the events that are older than `before`; return how many."""
    result = await session.execute(delete(EventRow).where(EventRow.created < before))
    return result.rowcount  # type: ignore[attr-defined,no-any-return] # a DELETE's result has it
