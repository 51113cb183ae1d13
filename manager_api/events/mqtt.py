"""Publishes the farm's events to a studio's MQTT broker, in order, each at least once.

It goes by the stored events, so what happens while the broker is away is published when it is
back. Up to where it has come, it knows as long as the manager runs.
"""

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiomqtt import Client, MqttError, ProtocolVersion

from manager_api.database import events
from manager_api.database.engine import Database, DatabaseBusy
from manager_api.database.loops import until_one_ends
from manager_api.database.tables import EventRow
from manager_api.events.live import LiveEvents
from manager_api.settings.sections import MqttClient

#: Source: Flamenco.
KEEP_ALIVE_S = 30
RECONNECT_S = 10.0
#: Events on their way to the broker at one time.
_BATCH = 100
_BUSY_PAUSE_S = 0.2
ANSWERS_WITHIN_S = 5.0

logger = logging.getLogger(__name__)
# What the library says of a connection that is lost, we say once and in our words.
_library_log = logging.getLogger(f"{__name__}.library")
_library_log.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is, and how to speak to it."""

    host: str
    port: int
    is_websocket: bool
    is_secure: bool
    path: str

    @classmethod
    def at(cls, url: str) -> "Broker":
        """
        Raises:
            ValueError: with a sentence; it is no broker's address.
        """
        parts = urlsplit(url.strip())
        if parts.scheme not in _SCHEMES or not parts.hostname:
            # Not repeated here: somebody may have put a password into it.
            raise ValueError("a broker's address is written tcp://host:1883 or ws://host:80/path")
        is_websocket, is_secure, port = _SCHEMES[parts.scheme]
        return cls(parts.hostname, parts.port or port, is_websocket, is_secure, parts.path or "/")


#: By scheme: over a WebSocket, encrypted, the usual port.
_SCHEMES: Mapping[str, tuple[bool, bool, int]] = {
    "tcp": (False, False, 1883),
    "mqtt": (False, False, 1883),
    "ws": (True, False, 80),
    "ssl": (False, True, 8883),
    "tls": (False, True, 8883),
    "mqtts": (False, True, 8883),
    "wss": (True, True, 443),
}


class MqttPublisher:
    """Start it after the live events and before anything is told; `close()` it before them."""

    def __init__(
        self,
        database: Database,
        live: LiveEvents,
        settings: Callable[[], MqttClient],
        *,
        reconnect_s: float = RECONNECT_S,
    ) -> None:
        """
        Args:
            settings: those in force; asked again by `reconfigure`.
        """
        self._database = database
        self._live = live
        self._settings = settings
        self._reconnect_s = reconnect_s
        self._in_use = MqttClient()
        self._published = 0
        """Id of the last event that the broker has taken."""
        self._has_news = asyncio.Event()
        self._asyncio_task: asyncio.Task[None] | None = None
        live.react(self._is_news)

    async def start(self) -> None:
        settings = self._settings()
        if settings.enabled:
            self._published = self._live.newest
            self._begin(settings)

    async def reconfigure(self) -> None:
        """Connects as the settings say now; what was not yet published goes to the new broker."""
        settings, was_on = self._settings(), self._asyncio_task is not None
        if settings == self._in_use:
            return
        await self.close()
        self._in_use = settings
        if not settings.enabled:
            return
        if not was_on:
            self._published = self._live.newest
        self._begin(settings)

    async def close(self) -> None:
        if self._asyncio_task is not None:
            self._asyncio_task.cancel()
            await asyncio.wait({self._asyncio_task})
            self._asyncio_task = None

    def _begin(self, settings: MqttClient) -> None:
        self._in_use = settings
        self._asyncio_task = asyncio.create_task(self._stay_connected(settings), name="mqtt")

    def _is_news(self, _topic: str, _payload: Mapping[str, Any]) -> None:
        self._has_news.set()

    async def _stay_connected(self, settings: MqttClient) -> None:
        said = ""
        while True:
            try:
                async with _client(settings) as client:
                    logger.info("connected to the MQTT broker", extra={"broker": _shown(settings)})
                    said = ""
                    await until_one_ends(self._publish(client, settings), _until_lost(client))
            except (MqttError, OSError, ValueError) as error:
                problem = str(error) or type(error).__name__
                if problem != said:
                    logger.warning(
                        "no MQTT broker", extra={"broker": _shown(settings), "reason": problem}
                    )
                    said = problem
            await asyncio.sleep(self._reconnect_s)

    async def _publish(self, client: Client, settings: MqttClient) -> None:
        """Without end, what comes after the last event that was published."""
        while True:
            self._has_news.clear()
            try:
                rows = await self._unpublished()
            except DatabaseBusy:
                await asyncio.sleep(_BUSY_PAUSE_S)
                continue
            if rows:
                # In this order they go out; their acknowledgements are awaited together.
                await asyncio.gather(
                    *(_publish_one(client, settings.topic_prefix, row) for row in rows)
                )
                self._published = rows[-1].id
            else:
                await self._has_news.wait()

    async def _unpublished(self) -> Sequence[EventRow]:
        async with self._database.reading() as session:
            rows = await events.since(session, self._published, limit=_BATCH)
            if rows and rows[0].id > self._published + 1:
                await self._say_what_is_lost(await events.oldest_id(session))
        return rows

    async def _say_what_is_lost(self, oldest: int) -> None:
        if self._published + 1 < oldest:
            logger.warning("events were pruned before MQTT took them", extra={"up_to": oldest - 1})


async def _publish_one(client: Client, prefix: str, row: EventRow) -> None:
    await client.publish(f"{prefix}{row.topic}", json.dumps(row.payload), qos=1, retain=False)


async def _until_lost(client: Client) -> None:
    """Raises `MqttError` when the broker goes; nothing else ever comes, as nothing is asked for."""
    async for _ in client.messages:
        pass


def _client(settings: MqttClient) -> Client:
    """
    Raises:
        ValueError: with a sentence; the settings name no broker.
    """
    broker = Broker.at(settings.broker)
    return Client(
        broker.host,
        broker.port,
        username=settings.username or None,
        password=settings.password if settings.username else None,
        identifier=settings.client_id,
        protocol=ProtocolVersion.V5,
        keepalive=KEEP_ALIVE_S,
        transport="websockets" if broker.is_websocket else "tcp",
        websocket_path=broker.path if broker.is_websocket else None,
        tls_context=ssl.create_default_context() if broker.is_secure else None,
        logger=_library_log,
        timeout=ANSWERS_WITHIN_S,
    )


def _shown(settings: MqttClient) -> str:
    with contextlib.suppress(ValueError):
        broker = Broker.at(settings.broker)
        return f"{broker.host}:{broker.port}"
    return "?"
