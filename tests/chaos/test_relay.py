"""The relay carries bytes, unless it is cut, stalled, slow or lossy."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.relay import Relay


class Echo:
    """A server that sends back what it gets, on loopback or at a socket."""

    def __init__(self, at: Path | None = None) -> None:
        family = socket.AF_INET if at is None else socket.AF_UNIX
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.bind(("127.0.0.1", 0) if at is None else str(at))
        self._listener.listen()
        self.port = 0 if at else int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1000):
                    connection.sendall(data)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def relay() -> Iterator[Relay]:
    echo = Echo()
    with Relay(to_port=echo.port) as relay:
        yield relay
    echo.close()


def _connection(relay: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.port), timeout=20)


def _says(connection: socket.socket, words: bytes) -> bytes:
    connection.sendall(words)
    return connection.recv(100)


def test_bytes_go_both_ways(relay: Relay) -> None:
    with _connection(relay) as connection:
        assert _says(connection, b"tangos") == b"tangos"


def test_a_cut_resets_what_is_open_and_what_comes(relay: Relay) -> None:
    with _connection(relay) as connection:
        _says(connection, b"tangos")
        relay.cut()
        assert _is_reset(connection)
    with _connection(relay) as connection:
        assert _is_reset(connection)
    relay.mend()
    with _connection(relay) as connection:
        assert _says(connection, b"bulerias") == b"bulerias"


def test_what_is_sent_while_it_stalls_arrives_later(relay: Relay) -> None:
    with _connection(relay) as connection:
        _says(connection, b"tangos")
        relay.stall()
        connection.sendall(b"bulerias")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(100)
        relay.mend()
        connection.settimeout(20)
        assert connection.recv(100) == b"bulerias"


def test_a_lossy_network_resets_connections(relay: Relay) -> None:
    relay.lose(1.0)
    with _connection(relay) as connection:
        connection.sendall(b"tangos")
        assert _is_reset(connection)


def test_a_socket_is_relayed_too(tmp_path: Path) -> None:
    echo = Echo(tmp_path / "server")
    with (
        Relay(to_socket=tmp_path / "server", at_socket=tmp_path / "relay"),
        socket.socket(socket.AF_UNIX) as connection,
    ):
        connection.settimeout(20)
        connection.connect(str(tmp_path / "relay"))
        assert _says(connection, b"tangos") == b"tangos"
    echo.close()


def _is_reset(connection: socket.socket) -> bool:
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True
