"""A gRPC client that sends any call, and any bytes: what an attacker would write."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

from google.protobuf.message import Message
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

from activities.connections.tunnel_client import KEY_HEADER
from tests.manager.temporal.proxied import KEY

SERVICE = "/temporal.api.workflowservice.v1.WorkflowService"
OK, INVALID_ARGUMENT, PERMISSION_DENIED, RESOURCE_EXHAUSTED = 0, 3, 7, 8
UNIMPLEMENTED, UNAUTHENTICATED = 12, 16
_WITHIN_S = 100


@dataclass(slots=True)
class Answer:
    http_status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> int:
        return int(self.headers.get("grpc-status", "-1"))

    @property
    def sentence(self) -> str:
        return unquote(self.headers.get("grpc-message", ""))

    @property
    def message(self) -> bytes:
        return self.body[5:]


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.http2 = H2Connection(
            H2Configuration(
                header_encoding="utf-8",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.is_cut = asyncio.Event()
        self._reader = reader
        self._writer = writer
        self._answers: defaultdict[int, Answer] = defaultdict(Answer)
        self._reading = asyncio.create_task(self._read())

    async def call(
        self, path: str, message: Message | bytes = b"", metadata: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to a call with the host's key, unless other metadata are given."""
        data = message if isinstance(message, bytes) else message.SerializeToString()
        body = b"\0" + len(data).to_bytes(4, "big") + data
        return await self.ended(self.begin(path, body, metadata))

    def begin(
        self,
        path: str,
        body: bytes,
        metadata: Mapping[str, str] | None = None,
        *,
        method: str = "POST",
        content_type: str = "application/grpc",
    ) -> Answer:
        """Send a request. Its body must fit into the windows of the connection."""
        stream = self.http2.get_next_available_stream_id()
        given = {KEY_HEADER: KEY} if metadata is None else metadata
        head = {":method": method, ":scheme": "http", ":authority": "farm", ":path": path}
        headers = [*head.items(), ("content-type", content_type), ("te", "trailers")]
        self.http2.send_headers(stream, [*headers, *given.items()])
        for begin in range(0, len(body), 16_384):
            self.http2.send_data(stream, body[begin : begin + 16_384])
        self.http2.end_stream(stream)
        self.flush()
        return self._answers[stream]

    def answer_of(self, stream: int) -> Answer:
        return self._answers[stream]

    async def ended(self, answer: Answer) -> Answer:
        await asyncio.wait_for(answer.ended.wait(), _WITHIN_S)
        return answer

    def flush(self) -> None:
        self._writer.write(self.http2.data_to_send())

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(65_536):
                for event in self.http2.receive_data(data):
                    self._on(event)
                self.flush()
        except OSError:
            pass
        self.is_cut.set()
        for answer in self._answers.values():
            answer.ended.set()

    def _on(self, event: object) -> None:
        match event:
            case ResponseReceived() | TrailersReceived():
                answer = self._answers[event.stream_id]
                headers = {str(name): str(value) for name, value in event.headers}
                answer.http_status = int(headers.get(":status", answer.http_status))
                answer.headers.update(headers)
            case DataReceived():
                self._answers[event.stream_id].body += event.data
                self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded() | StreamReset():
                self._answers[event.stream_id].ended.set()
            case ConnectionTerminated():
                self.is_cut.set()

    def close(self) -> None:
        self._reading.cancel()
        self._writer.transport.abort()


@asynccontextmanager
async def raw_client(address: str) -> AsyncIterator[RawClient]:
    host, _, port = address.rpartition(":")
    client = RawClient(*await asyncio.open_connection(host, int(port)))
    client.http2.initiate_connection()
    client.flush()
    try:
        yield client
    finally:
        client.close()
