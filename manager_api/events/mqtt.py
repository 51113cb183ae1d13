"""Publishes the farm's events to a studio's MQTT broker, in order, each at least once.

It reads the stored events, so events that happen while the broker is away are published when it is
back. Only the memory knows which event was published last, so a restarted manager begins with new
events.
"""

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from activities.connections.failures import why_it_failed
from activities.connections.retrying import ChangeLog
from manager_api.database import events
from manager_api.database.engine import Database
from manager_api.database.loops import until_one_ends, whenever
from manager_api.database.payloads import is_internal
from manager_api.database.tables import EventRow
from manager_api.events.live import LiveEvents
from manager_api.settings.model import ManagerSettings
from manager_api.settings.sections import MqttClient

if TYPE_CHECKING:
    # Loaded when there is a broker, which most farms do not have: the library takes 5 MB.
    from aiomqtt import Client

#: Source: Flamenco.
KEEP_ALIVE_S = 30
RECONNECT_S = 10.0
#: Most events that are sent to the broker before their acknowledgements are awaited.
_BATCH = 100
ANSWERS_WITHIN_S = 5.0

logger = logging.getLogger(__name__)
# We log a lost connection ourselves, once; the library would repeat it.
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
        """Return the broker at an address.

        Raises:
            ValueError: the text is not a broker's address; the message is a sentence for users.
        """
        # No message quotes the address, as Python's do, because it may contain a password.
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError(_NO_ADDRESS) from None
        if parts.scheme not in _SCHEMES or not host:
            raise ValueError(_NO_ADDRESS)
        is_websocket, is_secure, usual_port = _SCHEMES[parts.scheme]
        return cls(host, port or usual_port, is_websocket, is_secure, parts.path or "/")


_NO_ADDRESS = "a broker's address is written tcp://host:1883 or ws://host:80/path"
#: By scheme: whether it uses a WebSocket, whether it is encrypted, and its usual port.
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
    """Publishes stored events to the broker that the settings name.

    Start it before the first event of this manager; end it before the live events.
    """

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
            settings: returns the settings in force; called again after `settings_changed`.
        """
        self._database = database
        self._live = live
        self._settings = settings
        self._reconnect_s = reconnect_s
        self._published = 0
        """The id of the last event that the broker has acknowledged."""
        self._has_news = asyncio.Event()
        self._may_be_other_settings = asyncio.Event()
        live.react(self._is_news)

    async def run(self) -> None:
        """Publish as the settings say, until canceled.

        Events that are not yet published when the settings change go to the new broker.
        """
        self._published = self._live.newest
        while True:
            settings = self._settings()
            if settings.enabled:
                await until_one_ends(
                    self._stay_connected(settings), self._until_other_than(settings)
                )
            else:
                await self._until_other_than(settings)
                self._published = self._live.newest

    async def settings_changed(self, _settings: ManagerSettings) -> None:
        self._may_be_other_settings.set()

    async def _until_other_than(self, in_use: MqttClient) -> None:
        while self._settings() == in_use:
            await self._may_be_other_settings.wait()
            self._may_be_other_settings.clear()

    def _is_news(self, _topic: str, _payload: Mapping[str, Any]) -> None:
        self._has_news.set()

    async def _stay_connected(self, settings: MqttClient) -> None:
        from aiomqtt import MqttError

        log = ChangeLog(logger)
        while True:
            try:
                async with _client(settings) as client:
                    log.works("connected to the MQTT broker", broker=_shown(settings))
                    await until_one_ends(self._publish(client, settings), _until_lost(client))
            except (MqttError, OSError, ValueError) as error:
                problem = str(error) or why_it_failed(error)
                log.fails("no MQTT broker", broker=_shown(settings), reason=problem)
            await asyncio.sleep(self._reconnect_s)

    async def _publish(self, client: "Client", settings: MqttClient) -> None:
        """Publish the events after the last published one, without end."""
        self._has_news.set()
        await whenever(self._has_news, lambda: self._publish_all(client, settings.topic_prefix))

    async def _publish_all(self, client: "Client", prefix: str) -> None:
        while rows := await self._unpublished():
            # They are sent in this order; their acknowledgements are awaited together.
            await asyncio.gather(
                *(_publish_one(client, prefix, row) for row in rows if not is_internal(row.topic))
            )
            self._published = rows[-1].id

    async def _unpublished(self) -> Sequence[EventRow]:
        async with self._database.reading() as session:
            rows = await events.since(session, self._published, limit=_BATCH)
            if rows and rows[0].id > self._published + 1:
                await self._say_what_is_lost(await events.oldest_id(session))
        return rows

    async def _say_what_is_lost(self, oldest: int) -> None:
        if self._published + 1 < oldest:
            logger.warning("events were pruned before MQTT took them", extra={"up_to": oldest - 1})


async def _publish_one(client: "Client", prefix: str, row: EventRow) -> None:
    await client.publish(
        f"{prefix}{row.topic}", json.dumps(events.for_clients(row.payload)), qos=1, retain=False
    )


async def _until_lost(client: "Client") -> None:
    """Wait until the connection is lost.

    No messages arrive, because we subscribe to no topics.

    Raises:
        MqttError: the connection to the broker is lost.
    """
    async for _ in client.messages:
        pass


def _client(settings: MqttClient) -> "Client":
    """Return a client for the broker of the settings.

    Raises:
        ValueError: the settings name no broker; the message is a sentence for users.
    """
    from aiomqtt import Client, ProtocolVersion

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
