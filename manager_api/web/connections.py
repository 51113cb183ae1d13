"""Connections of clients: how many of one address, and how long an unfinished request may take.

uvicorn has no such limits. A client that sends half a request would be waited for as long as it
stays connected, and could open connections until the system has no more.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from manager_api.settings.addresses import counted_as
from manager_api.web.refusals import code_and_message

#: Time for the head of a request: from the connection, or from the end of the request before.
HEAD_S = 30.0
#: In each such time a body must bring `_LEAST_BYTES`. More than Shaman waits: it has an answer.
BODY_S = 90.0
_LEAST_BYTES = 1024
#: The largest head of a request, in bytes. Also the most that may come in one piece of a body that
#: is not body: the sizes of chunks with their extensions, and the fields after the last chunk.
_LARGEST_HEAD = 64 * 1024
#: Files that the process needs besides connections.
_OTHER_FILES = 512


def limited_connection(
    most_of_address: int, is_proxy: Callable[[str], bool] = lambda _: False
) -> type[HttpToolsProtocol]:
    """Return uvicorn's protocol with limits.

    Args:
        most_of_address: the most connections of one address; 0: any number.
        is_proxy: whether many clients may come from an address, which then has no limit.
            proxies.py counts the open requests of each of them.
    """
    limits = {
        "most_of_address": most_of_address,
        "most_of_all": _most_of_all(),
        "is_proxy": staticmethod(is_proxy),
    }
    return type("Limited", (LimitedConnection,), limits)


def _most_of_all() -> int:
    """Leave some of the files that the process may open for its databases and logs."""
    with contextlib.suppress(ImportError, OSError):
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most != resource.RLIM_INFINITY:
            return max(most // 2, most - _OTHER_FILES)
    return sys.maxsize


class LimitedConnection(HttpToolsProtocol):
    """A connection with limits. A WebSocket leaves it with its handshake."""

    head_s, body_s = HEAD_S, BODY_S
    most_of_address = 0
    """0: no limit."""
    most_of_all = sys.maxsize
    is_proxy: Callable[[str], bool] = staticmethod(lambda _: False)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._look: asyncio.TimerHandle | None = None
        self._is_in_body = False
        self._head_bytes = 0
        """Bytes since the head began, or since the last byte of the body."""
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        if 0 < self.most_of_address < self._count_of_address():
            self._refuse(429, "this address has too many connections")
        elif len(self.connections) > self.most_of_all:
            self._refuse(503, "the manager has too many connections")
        else:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > _LARGEST_HEAD and not self.transport.is_closing():
            self._refuse(431, f"head and trailer of a request may have {_LARGEST_HEAD} bytes each")

    def handle_websocket_upgrade(self) -> None:
        self._stop_waiting()
        super().handle_websocket_upgrade()
        # It takes fewer and shorter fields than we do, and no body. uvicorn would keep such a
        # connection for ever, and fail when it stops.
        if cast(Any, self.transport.get_protocol()).conn.handshake_exc is not None:
            self._refuse(400, "a WebSocket's request has too large a head, or a body")

    def on_headers_complete(self) -> None:
        self._head_bytes = self._body_bytes = 0
        self._is_in_body = True
        self._look_after(self.body_s, self._look_at_body)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_body = False
        self._head_bytes = 0
        self._stop_waiting()
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete:
            self._wait_for_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._is_in_body and not self.transport.is_closing():
            self._wait_for_head()

    def _wait_for_head(self) -> None:
        self._look_after(self.head_s, lambda: self._refuse(408, "the request did not come in time"))

    def _look_at_body(self) -> None:
        # What we do not read ourselves is not the client's fault.
        if self._body_bytes < _LEAST_BYTES and not self.flow.read_paused:
            self._refuse(408, "the request's body did not come in time")
            return
        self._body_bytes = 0
        self._look_after(self.body_s, self._look_at_body)

    def _look_after(self, seconds: float, look: Any) -> None:
        self._stop_waiting()
        self._look = self.loop.call_later(seconds, look)

    def _stop_waiting(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _count_of_address(self) -> int:
        if self.client and self.is_proxy(self.client[0]):
            return 0
        address = self.client and counted_as(self.client[0])
        return sum(
            1
            for other in self.connections
            if (client := getattr(other, "client", None)) and counted_as(client[0]) == address
        )

    def _refuse(self, status: int, sentence: str) -> None:
        """Close the connection, with an answer if a request has begun and none was sent."""
        self._stop_waiting()
        is_idle = status == 408 and not self._is_in_body and not self._head_bytes
        is_answered = self._is_in_body and self.cycle.response_started
        if not is_idle and not is_answered:
            answer = code_and_message(status, sentence)
            head = [b"%s: %s" % header for header in answer.raw_headers]
            lines = [b"HTTP/1.1 %d" % status, *head, b"connection: close", b"", bytes(answer.body)]
            self.transport.write(b"\r\n".join(lines))
        self.transport.close()
