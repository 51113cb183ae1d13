"""Events on a real MQTT broker: in order, none lost while it is away, and nothing breaks by it."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiomqtt
import httpx
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from manager_api.database import events
from manager_api.database.loops import begin
from manager_api.events import mqtt
from manager_api.events.lifecycle import tell_lifecycle
from manager_api.events.mqtt import MqttPublisher
from manager_api.settings.sections import MqttClient
from tests.manager.events.broker import Broker

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
DEADLINE_S = 60


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
async def live(farm: "Farm") -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        await begin(stack, {"live events": farm.parts.events})
        yield


def said(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [line for line in caplog.records if line.name == mqtt.__name__]


class Ears:
    """Somebody who listens at the broker, and whom it keeps in mind while it is away."""

    def __init__(self) -> None:
        self.heard: list[aiomqtt.Message] = []
        self._more = asyncio.Condition()

    @asynccontextmanager
    async def at(
        self, broker: Broker, username: str | None = None, password: str | None = None
    ) -> AsyncIterator["Ears"]:
        remembered = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's own
        remembered.SessionExpiryInterval = 3600
        client = aiomqtt.Client(
            "127.0.0.1",
            broker.port,
            protocol=aiomqtt.ProtocolVersion.V5,
            identifier="ears",
            clean_start=False,
            properties=remembered,
            username=username,
            password=password,
        )
        async with client:
            await client.subscribe("#", qos=1)
            listening = asyncio.create_task(self._listen(client))
            try:
                yield self
            finally:
                listening.cancel()
                await asyncio.wait({listening})

    async def _listen(self, client: aiomqtt.Client) -> None:
        with contextlib.suppress(aiomqtt.MqttError):  # the broker was stopped
            async for message in client.messages:
                self.heard.append(message)
                async with self._more:
                    self._more.notify_all()

    async def until_heard(self, topic: str) -> None:
        async with asyncio.timeout(DEADLINE_S), self._more:
            await self._more.wait_for(lambda: topic in self.topics)

    @property
    def topics(self) -> list[str]:
        return [str(message.topic) for message in self.heard]


@asynccontextmanager
async def publishing(farm: "Farm", settings: MqttClient) -> AsyncIterator[MqttPublisher]:
    database, live = farm.parts.database, farm.parts.events
    publisher = MqttPublisher(database, live, lambda: settings, reconnect_s=0.1)
    async with AsyncExitStack() as stack:
        await begin(stack, {"mqtt": publisher})
        yield publisher


async def tell(farm: "Farm", *topics: str) -> None:
    for topic in topics:
        async with farm.parts.database.writing() as session:
            events.append(session, topic, {"said": topic})


def to(broker: Broker | str, **others: Any) -> MqttClient:
    url = broker if isinstance(broker, str) else broker.url
    return MqttClient(enabled=True, broker=url, **others)


@pytest.mark.usefixtures("live")
async def test_events_are_published_under_the_prefix_as_json(farm: "Farm", broker: Broker) -> None:
    async with Ears().at(broker) as ears, publishing(farm, to(broker, topic_prefix="studio")):
        await tell_lifecycle(farm.parts.database, "manager-startup")
        await tell(farm, "/jobs", "/jobs/7/last-rendered", "/workertags")
        farm.parts.events.log_grew("7", 1, "not for the broker")
        await tell(farm, "/end")
        await ears.until_heard("studio/end")

    assert ears.topics == [
        "studio/lifecycle",
        "studio/jobs",
        "studio/jobs/7/last-rendered",
        "studio/workertags",
        "studio/end",
    ]
    assert json.loads(ears.heard[0].payload) == {"type": "manager-startup"}
    assert {message.qos for message in ears.heard} == {1}
    assert not any(message.retain for message in ears.heard)


@pytest.mark.usefixtures("live")
async def test_what_happens_while_the_broker_is_away_is_published_when_it_is_back(
    farm: "Farm", broker: Broker
) -> None:
    numbers = [f"/jobs/{number}" for number in range(250)]
    ears = Ears()

    async with publishing(farm, to(broker)):
        async with ears.at(broker):
            await tell(farm, "/before")
            await ears.until_heard("flamenco/before")
        await asyncio.to_thread(broker.stop)
        await tell(farm, *numbers, "/end")
        await asyncio.to_thread(broker.start)
        async with ears.at(broker):
            await ears.until_heard("flamenco/end")

    assert ears.topics == [f"flamenco{topic}" for topic in ("/before", *numbers, "/end")]


@pytest.mark.usefixtures("live")
async def test_a_broker_that_does_not_answer_is_complained_about_once(
    farm: "Farm", broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mqtt, "ANSWERS_WITHIN_S", 1.0)
    broker.stop()
    attempts, enough = 0, asyncio.Event()

    def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        writer.close()
        if attempts == 3:
            enough.set()

    with caplog.at_level(logging.INFO, logger=mqtt.__name__):
        async with publishing(farm, to(broker)), asyncio.timeout(DEADLINE_S):
            server = await asyncio.start_server(hang_up, "127.0.0.1", broker.port)
            await enough.wait()
            server.close()
            await asyncio.to_thread(broker.start)
            async with Ears().at(broker) as ears:
                await tell(farm, "/end")
                await ears.until_heard("flamenco/end")

    *complaints, connected = said(caplog)
    assert {line.message for line in complaints} == {"no MQTT broker"}
    reasons = [vars(line)["reason"] for line in complaints]
    assert len(reasons) == len(set(reasons))
    assert connected.message == "connected to the MQTT broker"


@pytest.mark.usefixtures("live")
async def test_a_user_logs_in_over_a_websocket(farm: "Farm", tmp_path: Path) -> None:
    with Broker(tmp_path / "guarded", user="carmen", password="habanera") as broker:
        settings = to(broker.websocket_url, username="carmen", password="habanera")
        async with Ears().at(broker, "carmen", "habanera") as ears, publishing(farm, settings):
            await tell(farm, "/jobs")
            await ears.until_heard("flamenco/jobs")


@pytest.mark.usefixtures("live")
async def test_a_wrong_password_is_said_without_the_password(
    farm: "Farm", tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Broker(tmp_path / "guarded", user="carmen", password="habanera") as broker:
        settings = to(broker, username="carmen", password="toreador")
        with caplog.at_level(logging.INFO, logger=mqtt.__name__):
            async with publishing(farm, settings), asyncio.timeout(DEADLINE_S):
                while not said(caplog):  # noqa: ASYNC110 -- a log can only be looked at
                    await asyncio.sleep(0.05)

    assert "Not authorized" in vars(said(caplog)[0])["reason"]
    assert "toreador" not in str([vars(line) for line in caplog.records])


@pytest.mark.usefixtures("live")
async def test_changed_settings_lead_to_the_new_broker_and_lose_nothing(
    farm: "Farm", broker: Broker
) -> None:
    settings = to("tcp://127.0.0.1:1")  # nobody is there

    publisher = MqttPublisher(farm.parts.database, farm.parts.events, lambda: settings)
    async with AsyncExitStack() as stack, Ears().at(broker) as ears:
        await begin(stack, {"mqtt": publisher})
        await tell(farm, "/told-to-nobody")
        settings = to(broker)
        await publisher.settings_changed(farm.parts.settings)
        await ears.until_heard("flamenco/told-to-nobody")
        settings = MqttClient()
        await publisher.settings_changed(farm.parts.settings)
        await tell(farm, "/while-off")
        await _until_told(farm)
        settings = to(broker, topic_prefix="again")
        await publisher.settings_changed(farm.parts.settings)
        await tell(farm, "/on")
        await ears.until_heard("again/on")

    assert ears.topics == ["flamenco/told-to-nobody", "again/on"]


@pytest.mark.parametrize(
    "url", ["", "host", "host:1883", "http://host", "tcp://", "tcp://host:nan", "tcp://host:99999"]
)
@pytest.mark.usefixtures("live")
async def test_an_address_that_is_none_is_said_and_breaks_nothing(
    farm: "Farm", url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger=mqtt.__name__):
        async with publishing(farm, MqttClient(enabled=True, broker=url)):
            async with asyncio.timeout(DEADLINE_S):
                while not said(caplog):  # noqa: ASYNC110 -- a log can only be looked at
                    await asyncio.sleep(0.01)

    complaint = said(caplog)[0]
    assert complaint.message == "no MQTT broker"
    assert complaint.levelname == "WARNING"


async def _until_told(farm: "Farm") -> None:
    """Until the live events have come as far as the database."""
    async with farm.parts.database.reading() as session:
        newest = await events.newest_id(session)
    async with asyncio.timeout(DEADLINE_S):
        while farm.parts.events.newest < newest:  # noqa: ASYNC110 -- nothing else says so
            await asyncio.sleep(0.01)


async def test_it_is_switched_on_by_a_change_of_the_configuration(
    api: httpx.AsyncClient, farm: "Farm", broker: Broker
) -> None:
    content = (await api.get("/api/v3/configuration/file")).json()
    content["mqtt"] = {"client": {"enabled": True, "broker": broker.url}}

    async with Ears().at(broker) as ears:
        answer = await api.put("/api/v3/configuration/file", json=content)
        await tell(farm, "/jobs")
        await ears.until_heard("flamenco/jobs")

    assert answer.status_code == 204
