"""A `tablao` that counts its manager's messages: `python -m tests.bench.idle.counted_manager …`.

The arguments are those of `tablao`. At each SIGUSR1 it writes one line of JSON to its standard
output: how many messages of each kind there were since it began.
"""

import json
import signal
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from activities.connections.tunnel_client import TUNNEL_PATH
from manager_api.cli.main import main
from manager_api.hosts.connection import HostConnection
from manager_api.temporal.grpc_connection import Call
from manager_api.temporal.worker_proxy import WorkerProxy
from workflows.domain import control

_SOCKETS = {TUNNEL_PATH: "tunnel", control.PATH: "channel"}

_counted: Counter[str] = Counter()


def _before(owner: type[Any], method: str, count: Callable[..., None]) -> None:
    """Have `count` called with the arguments of each call of a method, before it."""
    original = getattr(owner, method)

    def counting(*arguments: Any, **named: Any) -> Any:
        count(*arguments)
        return original(*arguments, **named)

    setattr(owner, method, counting)


def _call(_proxy: WorkerProxy, call: Call) -> None:
    _counted[f"Temporal: {call.path.rpartition('/')[2]}"] += 1


def _taken(_connection: HostConnection, message: control.Message | None) -> None:
    _counted[f"channel, message from host: {getattr(message, 'TYPE', 'unknown')}"] += 1


def _told(_connection: HostConnection, message: control.Message) -> None:
    _counted[f"channel, message to host: {message.TYPE}"] += 1


def _count_frames() -> None:
    """Count control frames of both sockets, and data frames of the tunnel."""

    def of(kind: str) -> Callable[..., None]:
        def count(socket: WebSocketsSansIOProtocol, *_: Any) -> None:
            path = getattr(socket, "scope", {"path": ""})["path"]
            _counted[f"{_SOCKETS.get(path, 'other socket')}, {kind}"] += 1

        return count

    for method, kind in (
        ("handle_ping", "ping from host"),
        ("handle_pong", "pong from host"),
        ("handle_bytes", "binary frame from host"),
        ("send_keepalive_ping", "ping to host"),
    ):
        _before(WebSocketsSansIOProtocol, method, of(kind))

    def sent(socket: WebSocketsSansIOProtocol, message: Any) -> None:
        if message.get("bytes") is not None:
            of("binary frame to host")(socket)

    _before(WebSocketsSansIOProtocol, "send", sent)


def _count_statements() -> None:
    def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        _counted[f"SQL: {statement.partition(' ')[0].lower()}"] += 1

    event.listen(Engine, "before_cursor_execute", count)


def _tell(*_: Any) -> None:
    sys.stdout.write(json.dumps(_counted) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _before(WorkerProxy, "answer", _call)
    _before(HostConnection, "_take", _taken)
    _before(HostConnection, "_send", _told)
    _count_frames()
    _count_statements()
    signal.signal(signal.SIGUSR1, _tell)
    main()
