"""The server's side of gRPC on one HTTP/2 connection whose bytes a WebSocket carries.

It knows no service: an `Answer` gets each complete call, and returns the answer's message.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes, Settings
from temporalio.service import RPCStatusCode

from activities.connections.tunnel_client import CHUNK
from manager_api.temporal.grpc_messages import (
    CallRefused,
    framed,
    http2_headers,
    timeout_of,
    unframed,
)

#: Calls that may wait at the same time on one connection. Temporal's clients keep to it.
MOST_CALLS = 100
#: The largest message of a call, in bytes; Temporal's own limit.
LARGEST_MESSAGE = 4 * 1024 * 1024
#: The most bytes of incomplete calls on one connection.
_MOST_BUFFERED = 2 * LARGEST_MESSAGE
_WINDOW = 1024 * 1024
#: More bytes than the library takes without an event from a client that keeps to the rules: that of
#: a call which was refused before its end.
_MOST_WITHOUT_EVENT = 2 * _WINDOW
#: Events that a client may cause at once, and in each second. A call is four or five, and one more
#: for each 16 KB; each takes the manager some 30 microseconds, and frames without use are small.
_EVENTS_AT_ONCE = 5000
_EVENTS_PER_S = 1000
#: Bytes that are read in one go, while all else in the manager waits.
_AT_A_TIME = 16 * 1024

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """A complete unary call."""

    path: str
    """`/package.Service/Method`."""
    metadata: Mapping[str, str]
    message: bytes
    timeout_s: float | None


Answer = Callable[[Call], Awaitable[bytes]]
"""Returns the message that answers a call, or raises `CallRefused`."""


@dataclass(slots=True)
class _Incoming:
    head: Mapping[str, str]
    body: bytearray = field(default_factory=bytearray)


class GrpcConnection:
    """One connection. `serve()` works until the client has ended it.

    Args:
        send: sends bytes to the client; may wait until the client reads.
        answer: answers calls. It is canceled when the client gives the call up or leaves.
    """

    def __init__(self, send: Callable[[bytes], Awaitable[None]], answer: Answer) -> None:
        self._send = send
        self._answer = answer
        # What we send ourselves needs no checks.
        configuration = H2Configuration(
            client_side=False,
            header_encoding="latin-1",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self._http2 = H2Connection(configuration)
        # Given before the connection begins, they count from its first frame on.
        self._http2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: MOST_CALLS,
                SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
            },
        )
        self._incoming: dict[int, _Incoming] = {}
        self._buffered = 0
        self._without_event = 0
        """Bytes that came since the last event."""
        self._clock = asyncio.get_running_loop().time
        self._events = (0.0, self._clock())
        """How many events count still, and when that was so."""
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()
        self._window_grew = asyncio.Event()

    async def serve(self, receive: Callable[[], Awaitable[bytes]]) -> None:
        """Serve until `receive` returns no bytes, or the client breaks HTTP/2's rules.

        Raises:
            Exception: that of `receive` or `send`.
        """
        try:
            self._http2.initiate_connection()
            self._http2.increment_flow_control_window(_WINDOW)
            await self._flush()
            while data := await receive():
                for start in range(0, len(data), _AT_A_TIME):
                    self._received(data[start : start + _AT_A_TIME])
                    await self._flush()
                    await asyncio.sleep(0)
        except ProtocolError as problem:
            logger.debug("a connection was ended: %s", problem)
            await self._flush()  # says why it ends
        finally:
            for call in self._calls.values():
                call.cancel()
            await asyncio.gather(*self._calls.values(), return_exceptions=True)

    # --- what comes in ----------------------------------------------------------------------------

    def _received(self, data: bytes) -> None:
        events = self._http2.receive_data(data)
        # The library keeps the beginning of a frame, of whatever length the frame says to have.
        self._without_event = 0 if events else self._without_event + len(data)
        if self._without_event > _MOST_WITHOUT_EVENT:
            raise ProtocolError("a frame is too long")
        self._count(len(events))
        for event in events:
            self._on(event)

    def _count(self, more: int) -> None:
        before, since = self._events
        now = self._clock()
        count = max(0.0, before - (now - since) * _EVENTS_PER_S) + more
        self._events = (count, now)
        if count > _EVENTS_AT_ONCE:
            raise ProtocolError("too many frames in a short time")

    def _on(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self._begin_call(event.stream_id, event.headers)
            case DataReceived():
                self._add(event)
            case StreamEnded():
                self._end_request(event.stream_id)
            case StreamReset():
                self._give_up(event.stream_id)
            case WindowUpdated() | RemoteSettingsChanged():
                self._window_grew.set()

    def _begin_call(self, stream: int, headers: Iterable[tuple[str | bytes, str | bytes]]) -> None:
        head = {str(name): str(value) for name, value in headers}
        is_grpc = head.get("content-type", "").startswith("application/grpc")
        if head.get(":method") != "POST" or not is_grpc:
            self._http2.send_headers(stream, [(":status", "415")], end_stream=True)
            self._reset(stream)
            return
        self._incoming[stream] = _Incoming(head)

    def _add(self, data: DataReceived) -> None:
        stream, length = data.stream_id, data.flow_controlled_length
        if length:
            self._http2.acknowledge_received_data(length, stream)
        call = self._incoming.get(stream)
        if call is None:
            return
        call.body += data.data
        self._buffered += len(data.data)
        if len(call.body) > LARGEST_MESSAGE or self._buffered > _MOST_BUFFERED:
            self._take(stream)
            refusal = CallRefused(
                RPCStatusCode.RESOURCE_EXHAUSTED,
                f"a message to the farm may have {LARGEST_MESSAGE} bytes",
            )
            self._finish(stream, refusal)
            self._reset(stream)

    def _end_request(self, stream: int) -> None:
        if (call := self._take(stream)) is None:
            return
        task = asyncio.create_task(self._serve_call(stream, call), name="call of a worker")
        self._calls[stream] = task
        task.add_done_callback(lambda _: self._ended(stream, task))

    def _ended(self, stream: int, task: asyncio.Task[None]) -> None:
        del self._calls[stream]
        if not task.cancelled() and (problem := task.exception()):
            # The client has left, or gave up the call in this moment.
            logger.debug("a call could not be answered: %s", problem)

    def _take(self, stream: int) -> _Incoming | None:
        call = self._incoming.pop(stream, None)
        if call is not None:
            self._buffered -= len(call.body)
        return call

    def _give_up(self, stream: int) -> None:
        self._take(stream)
        if task := self._calls.get(stream):
            task.cancel()

    # --- what goes out ----------------------------------------------------------------------------

    async def _serve_call(self, stream: int, incoming: _Incoming) -> None:
        try:
            answer = await self._answer(_call(incoming))
        except CallRefused as refusal:
            self._finish(stream, refusal)
        except Exception:
            logger.exception("a call of a worker broke")
            self._finish(stream, CallRefused(RPCStatusCode.INTERNAL, "the manager had a problem"))
        else:
            await self._send_answer(stream, framed(answer))
        await self._flush()

    async def _send_answer(self, stream: int, body: bytes) -> None:
        self._http2.send_headers(stream, http2_headers())
        sent = 0
        while sent < len(body):
            room = await self._room(stream)
            self._http2.send_data(stream, body[sent : sent + room])
            sent += room
        self._http2.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    async def _room(self, stream: int) -> int:
        """Wait until the client takes more of an answer; return how many bytes at most."""
        is_flushed = False
        while (window := self._http2.local_flow_control_window(stream)) <= 0:
            if is_flushed:
                self._window_grew.clear()
                await self._window_grew.wait()
            else:
                await self._flush()
                is_flushed = True
        return min(window, self._http2.max_outbound_frame_size)

    def _finish(self, stream: int, refusal: CallRefused) -> None:
        """Answer a call without a message."""
        trailers = [
            *http2_headers(),
            ("grpc-status", str(int(refusal.status))),
            ("grpc-message", quote(refusal.sentence, safe=" !\"#$&'()*+,-./:;<=>?@[]^_`{|}~")),
            *refusal.details_header(),
        ]
        try:
            self._http2.send_headers(stream, trailers, end_stream=True)
        except ProtocolError:
            logger.debug("a call was over before it could be refused")

    def _reset(self, stream: int) -> None:
        """Take no more of a call that is answered."""
        with contextlib.suppress(StreamClosedError):  # The client had said everything.
            self._http2.reset_stream(stream, ErrorCodes.NO_ERROR)

    async def _flush(self) -> None:
        async with self._sending:
            while data := self._http2.data_to_send(CHUNK):
                await self._send(data)


def _call(incoming: _Incoming) -> Call:
    head = incoming.head
    if head.get("grpc-encoding", "identity") != "identity":
        raise CallRefused(RPCStatusCode.UNIMPLEMENTED, "compressed messages are not taken")
    return Call(
        path=head.get(":path", ""),
        metadata=head,
        message=unframed(incoming.body),
        timeout_s=timeout_of(head.get("grpc-timeout", "")),
    )
