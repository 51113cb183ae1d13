"""Three who listen to one farm, each in the way of its kind; what they heard, in order."""

import contextlib
import json
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import socketio  # type: ignore[import-untyped] # it publishes no types
import websockets
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from websockets.sync.client import connect

#: All that a Flamenco web app listens to.
SOCKET_IO_EVENTS = (
    *("/lifecycle", "/status", "/jobs", "/task", "/last-rendered"),
    *("/tasklog", "/workers", "/workertags"),
)


class Heard(NamedTuple):
    """An event: its topic (by Socket.IO its name there), and its payload."""

    topic: str
    payload: Mapping[str, Any]


class WebSocketEars:
    """Also hears what was stored before it came."""

    def __init__(self, url: str) -> None:
        self.heard: list[Heard] = []
        place = urlsplit(url).netloc
        self._url = f"ws://{place}/api/tablao/v1/events?since=0"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        # It ends with the manager.
        with contextlib.suppress(websockets.ConnectionClosed), connect(self._url) as connection:
            for message in connection:
                event = json.loads(message)
                self.heard.append(Heard(event["topic"], event["payload"]))

    def close(self) -> None:
        self._thread.join(60)


class SocketIoEars:
    def __init__(self, url: str) -> None:
        self.heard: list[Heard] = []
        self._client = socketio.Client(reconnection=False)
        for name in SOCKET_IO_EVENTS:
            self._client.on(name, lambda payload, name=name: self._take(name, payload))
        self._client.connect(url, transports=["websocket"])

    def subscribe(self, kind: str, uuid: str = "") -> None:
        request = {"op": "subscribe", "type": kind, "uuid": uuid}
        assert self._client.call("/subscription", request) == "ok"

    def _take(self, name: str, payload: Mapping[str, Any]) -> None:
        self.heard.append(Heard(name, payload))

    def close(self) -> None:
        self._client.disconnect()


class MqttEars:
    def __init__(self, port: int, prefix: str) -> None:
        self.heard: list[Heard] = []
        self._prefix = prefix
        self._is_listening = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{prefix}/#", qos=1)
        self._client.on_subscribe = lambda *_: self._is_listening.set()
        self._client.on_message = lambda _client, _data, message: self._take(message)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._is_listening.wait(30)

    def _take(self, message: mqtt.MQTTMessage) -> None:
        topic = message.topic.removeprefix(self._prefix)
        self.heard.append(Heard(topic, json.loads(message.payload)))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
