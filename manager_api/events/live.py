"""Sends changes live to dashboards and scripts: each stored event once, in order.

A new client's stored events are read from the table until it has caught up. From then on it gets
the events that the manager's one reader reads for all clients. So no event is missed or sent twice.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any, Protocol

from manager_api.contract.machine import MachineStatistics
from manager_api.database import events
from manager_api.database.engine import Changed, Database, utc_now
from manager_api.database.loops import tidy, until_one_ends, whenever
from manager_api.database.payloads import is_internal
from manager_api.database.tables import EventRow

logger = logging.getLogger(__name__)

#: How often to read if several managers share a database: commits of the others are not noticed.
_SHARED_DATABASE_TICK_S = 1.0
_BATCH = 500

#: The topic of the event that replaces pruned events. The client must fetch the state again.
MISSED = "/missed"
TASK_LOG = "/tasklog"

Reaction = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Event:
    """An event. It and its JSON are made once for all clients."""

    id: int | None
    """None: the event is not stored, so a client cannot resume from it."""
    topic: str
    payload: Mapping[str, Any]

    @classmethod
    def of(cls, row: EventRow) -> "Event":
        return cls(row.id, row.topic, events.for_clients(row.payload))

    @cached_property
    def payload_json(self) -> str:
        return json.dumps(self.payload)

    @cached_property
    def message(self) -> str:
        head = f'"id": {json.dumps(self.id)}, "topic": {json.dumps(self.topic)}'
        return f'{{{head}, "payload": {self.payload_json}}}'


def task_log_topic(task_id: str) -> str:
    return f"{TASK_LOG}/{task_id}"


def worker_statistics_topic(worker_id: str) -> str:
    return f"/workers/{worker_id}/statistics"


def _is_on_request(topic: str) -> bool:
    """Return whether a topic is sent only to clients that name it.

    Every machine reports its statistics every few seconds, and most clients do not show them.
    """
    return topic.startswith("/workers/") and topic.endswith("/statistics")


@lru_cache(maxsize=4096)
def _beginnings(topic: str) -> frozenset[str]:
    """Return a topic's beginnings in whole words: the empty text, `/jobs` and `/jobs/7`."""
    words = topic.split("/")
    return frozenset("/".join(words[:count]) for count in range(1, len(words) + 1))


class Listener(Protocol):
    """Receives events as they happen."""

    overflowed: asyncio.Event
    """Set if the listener did not take its events in time; it gets no more of them."""

    def wants(self, topic: str) -> bool: ...

    def give(self, event: Event) -> None: ...


class Subscription:
    """The events that one client gets."""

    def __init__(self, live: "LiveEvents", topics: Sequence[str], queue: int) -> None:
        self._live = live
        self._topics = frozenset(topic.rstrip("/") for topic in topics)
        self._also: frozenset[str] = frozenset()
        self._queue: asyncio.Queue[str] = asyncio.Queue(queue)
        self.overflowed = asyncio.Event()
        """Set if the client did not take its events in time; it gets no more of them."""

    async def messages(self, since: int | None) -> AsyncIterator[str]:
        """Yield events as JSON, without end.

        Args:
            since: the id of the last event that the client has; None: only new events are wanted.
        """
        async for message in self._live.catch_up(self, since):
            yield message
        while True:
            yield await self._queue.get()

    def also(self, topics: Iterable[str]) -> None:
        """Subscribe to further topics, in place of those of the previous call."""
        self._also = frozenset(topic.rstrip("/") for topic in topics)

    def wants(self, topic: str) -> bool:
        if is_internal(topic):
            return False
        if _is_on_request(topic):
            return topic in self._also or topic in self._topics
        if not self._topics:
            return True
        beginnings = _beginnings(topic)
        return not (beginnings.isdisjoint(self._topics) and beginnings.isdisjoint(self._also))

    def give(self, event: Event) -> None:
        try:
            self._queue.put_nowait(event.message)
        except asyncio.QueueFull:
            self.overflowed.set()


class LiveEvents:
    """Reads stored events and gives them to listeners.

    Run it from before the first client connects until the last one has disconnected.
    """

    def __init__(self, database: Database, *, queue: int = 500, kept_s: float = 3600.0) -> None:
        """
        Args:
            queue: how many events may wait for one client.
            kept_s: how long events can be resumed from, in seconds.
        """
        self._database = database
        self._queue = queue
        self._kept = timedelta(seconds=kept_s)
        self._listeners: set[Listener] = set()
        self._newest = 0
        self._restore = 0
        """The id of the event that marks the last restore of the database."""
        self._committed = asyncio.Event()
        self._was_read = asyncio.Event()
        """Set, and replaced, each time that the new rows have been read."""
        self._reactions: list[Reaction] = []

    def react(self, reaction: Reaction) -> None:
        """Call `reaction` with the topic and payload of each stored event that is read.

        The payload has the field `events.ASIDE` where the event was stored with one.
        """
        self._reactions.append(reaction)

    async def skip_to_newest(self) -> None:
        """Call it before `run()`: older events are sent only to clients that ask for them."""
        async with self._database.reading() as session:
            self._newest = await events.newest_id(session)
            self._restore = await events.id_of_restore(session)

    async def run(self) -> None:
        """Give new events to listeners and prune old ones, until canceled."""
        self._committed.set()  # events may have been stored since `skip_to_newest`
        self._database.listen(Changed.EVENTS, self._committed.set)
        tick_s = None if self._database.is_sqlite else _SHARED_DATABASE_TICK_S
        try:
            await until_one_ends(
                whenever(self._committed, self._tell_new_rows, tick_s=tick_s),
                tidy(self._prune, every_s=self._kept.total_seconds() / 10),
            )
        finally:
            self._database.unlisten(Changed.EVENTS, self._committed.set)

    def log_grew(self, task_id: str, attempt: int, text: str) -> None:
        told = {"task_id": task_id, "log": text, "attempt": attempt}
        self.tell(task_log_topic(task_id), told)

    def machine_told(self, worker_id: str, statistics: MachineStatistics) -> None:
        topic = worker_statistics_topic(worker_id)
        # Each machine reports every few seconds, and most often its page is not open.
        if any(listener.wants(topic) for listener in self._listeners):
            shown = statistics.model_dump(mode="json")
            self.tell(topic, {"worker_id": worker_id, "statistics": shown})

    def tell(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Give an event to the present listeners. It is not stored, so it has no id."""
        self._give(Event(None, topic, payload))

    @property
    def newest(self) -> int:
        """The id of the last stored event that was given to listeners; 0 before the first."""
        return self._newest

    @property
    def most_waiting(self) -> int:
        """How many events may wait for one client."""
        return self._queue

    @contextlib.contextmanager
    def subscribed(self, topics: Sequence[str] = ()) -> Iterator[Subscription]:
        """Subscribe a client as long as the context lasts.

        Args:
            topics: beginnings of topics, in whole words; empty means all topics.
        """
        subscription = Subscription(self, topics, self._queue)
        try:
            yield subscription
        finally:
            self.remove(subscription)

    def add(self, listener: Listener) -> None:
        self._listeners.add(listener)

    def remove(self, listener: Listener) -> None:
        """Remove a listener; do nothing if it was removed before."""
        self._listeners.discard(listener)

    async def catch_up(self, subscription: Subscription, since: int | None) -> AsyncIterator[str]:
        """Yield the wanted events stored after `since`; then make the subscription live."""
        cursor = self._newest if since is None else since
        await self._read_as_far_as(cursor)
        if await self._is_pruned(cursor):
            cursor = self._newest
            yield Event(cursor, MISSED, {}).message
        while cursor < self._newest:
            told = self._newest
            async with self._database.reading() as session:
                rows = await events.since(session, cursor, limit=_BATCH)
            for row in rows:
                # A newer event is still to be read for all clients; this one gets it then.
                if row.id <= told and subscription.wants(row.topic):
                    yield Event.of(row).message
            cursor = min(told, rows[-1].id) if rows else told
        # Nothing was awaited since the comparison, so no event is missed.
        self.add(subscription)

    async def _read_as_far_as(self, cursor: int) -> None:
        """Wait for this manager's reader, if another manager has sent the client newer events.

        It is not waited for events that the database does not have.
        """
        if cursor <= self._newest:
            return
        async with self._database.reading() as session:
            stored = await events.newest_id(session)
        while self._newest < cursor <= stored:
            was_read = self._was_read
            self._committed.set()
            await was_read.wait()

    async def _is_pruned(self, cursor: int) -> bool:
        """Return whether events after `cursor` were pruned.

        Also true if an older database was restored since the client heard its last event.
        """
        if cursor == self._newest:
            return False
        async with self._database.reading() as session:
            oldest = await events.oldest_id(session)
        is_from_before = cursor < self._restore or cursor > self._newest
        return is_from_before or cursor + 1 < oldest or not oldest

    async def _tell_new_rows(self) -> None:
        while rows := await self._read():
            for row in rows:
                self._newest = row.id
                self._give(Event.of(row))
                self._react(row)
        self._was_read.set()
        self._was_read = asyncio.Event()

    def _react(self, row: EventRow) -> None:
        for reaction in self._reactions:
            try:
                reaction(row.topic, row.payload)
            except Exception:
                # A bug in one reaction must not end the stream for all clients.
                logger.exception("an event was not understood", extra={"topic": row.topic})

    async def _read(self) -> Sequence[EventRow]:
        async with self._database.reading() as session:
            return await events.since(session, self._newest, limit=_BATCH)

    def _give(self, event: Event) -> None:
        for listener in [each for each in self._listeners if each.wants(event.topic)]:
            listener.give(event)
            if listener.overflowed.is_set():
                self.remove(listener)

    async def _prune(self) -> None:
        async with self._database.writing() as session:
            await events.prune(session, utc_now() - self._kept)
