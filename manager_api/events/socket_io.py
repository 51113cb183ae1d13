"""Flamenco's live events for its web app: the part of Socket.IO 2 over WebSockets that it uses.

A frame is a text that begins with a digit of Engine.IO 3. If this digit means "message", there
follow a digit of Socket.IO, the number of the requested acknowledgement, and JSON.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from manager_api.database.payloads import (
    FARM_STATUS,
    JOBS,
    LAST_RENDERED,
    LIFECYCLE,
    WORKER_TAGS,
    WORKERS,
    last_rendered_topic,
    topic_of_job,
)
from manager_api.events.live import TASK_LOG, Event, task_log_topic

#: Source of the times and of the size: Flamenco.
PING_EVERY_S = 30.0
SILENT_S = 60.0
_OPEN, _CLOSE, _PING, _PONG = "0123"
_CONNECTED = "40"
_EVENT = re.compile(r"42(?P<ack>\d{0,9})(?P<content>\[.*)", re.DOTALL)
#: Most rooms of one client. A dashboard shows only a handful of jobs and logs.
_MOST_ROOMS = 10_000

#: The topics that every client gets from the start.
_LOBBY = frozenset({LIFECYCLE, FARM_STATUS})
_ROOMS: Mapping[str, str] = {
    "allJobs": JOBS,
    "allWorkers": WORKERS,
    "allLastRendered": LAST_RENDERED,
    "allWorkerTags": WORKER_TAGS,
}
_ROOMS_OF_ONE: Mapping[str, Callable[[str], frozenset[str]]] = {
    "job": lambda job_id: frozenset({topic_of_job(job_id), last_rendered_topic(job_id)}),
    # Flamenco joins the rooms of a job with the task's id, so its clients never see a log grow.
    "tasklog": lambda task_id: frozenset({task_log_topic(task_id)}),
}


class SubscriptionRefused(Exception):
    """A subscription request is refused. The message is sent to the client."""


class SocketIoClient:
    """One client's rooms and waiting frames. It is a `manager_api.events.live.Listener`."""

    def __init__(self, most_waiting: int) -> None:
        self.overflowed = asyncio.Event()
        self._rooms = set(_LOBBY)
        self._frames: asyncio.Queue[str] = asyncio.Queue(most_waiting)

    def wants(self, topic: str) -> bool:
        return topic in self._rooms

    def give(self, event: Event) -> None:
        self._send(f"42[{json.dumps(event_name(event.topic))},{event.payload_json}]")

    def welcome(self) -> None:
        session = {
            "sid": uuid4().hex,
            "upgrades": [],
            "pingInterval": int(PING_EVERY_S * 1000),
            "pingTimeout": int(SILENT_S * 1000),
        }
        self._send(_OPEN + json.dumps(session))
        self._send(_CONNECTED)

    def ping(self) -> None:
        self._send(_PING)

    def take(self, frame: str) -> bool:
        """Answer a client's frame; return False if the client closes the connection.

        Frames that are not Socket.IO, and unknown events, are ignored, as in Flamenco.
        """
        if frame.startswith(_PING):
            self._send(_PONG + frame[1:])
        elif frame == _CLOSE:
            return False
        elif event := _EVENT.fullmatch(frame):
            self._take_event(event["content"], event["ack"])
        return True

    async def next_frame(self) -> str:
        return await self._frames.get()

    def _take_event(self, content: str, ack: str) -> None:
        try:
            name, *arguments = json.loads(content)
        except (ValueError, RecursionError):
            return
        if name != "/subscription":
            return
        answer = self._subscribe(arguments[0] if arguments else None)
        if ack:
            self._send(f"43{ack}[{json.dumps(answer)}]")

    def _subscribe(self, request: Any) -> str:
        try:
            operation, rooms = _understood(request)
        except SubscriptionRefused as refusal:
            return str(refusal)
        if operation == "unsubscribe":
            self._rooms -= rooms
        elif len(self._rooms) >= _MOST_ROOMS:
            return "too many subscriptions, ignoring request"
        else:
            self._rooms |= rooms
        return "ok"

    def _send(self, frame: str) -> None:
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.overflowed.set()


def event_name(topic: str) -> str:
    """Return the name under which Flamenco emits a topic's events."""
    if topic.endswith(LAST_RENDERED):
        return LAST_RENDERED
    if topic.startswith(f"{JOBS}/"):
        return "/task"
    return TASK_LOG if topic.startswith(f"{TASK_LOG}/") else topic


def _understood(request: Any) -> tuple[str, frozenset[str]]:
    """Return the operation of a subscription request and the topics of its rooms.

    Raises:
        SubscriptionRefused: the request is not valid.
    """
    if not isinstance(request, dict):
        raise SubscriptionRefused("no subscription, ignoring request")
    operation, kind = request.get("op"), request.get("type")
    if operation not in ("subscribe", "unsubscribe"):
        raise SubscriptionRefused("unknown operation, ignoring request")
    if not isinstance(kind, str):
        raise SubscriptionRefused("unknown subscription type, ignoring request")
    if kind in _ROOMS:
        return operation, frozenset({_ROOMS[kind]})
    if kind not in _ROOMS_OF_ONE:
        raise SubscriptionRefused("unknown subscription type, ignoring request")
    return operation, _ROOMS_OF_ONE[kind](_uuid(request.get("uuid")))


def _uuid(value: Any) -> str:
    try:
        return str(UUID(value))
    except (ValueError, TypeError, AttributeError) as error:
        raise SubscriptionRefused("invalid UUID, ignoring request") from error
