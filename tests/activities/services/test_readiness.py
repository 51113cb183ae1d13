"""What a process tells systemd, over a real socket."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.services.readiness import (
    SOCKET_VARIABLE,
    tell_ready,
    tell_status,
    tell_stopping,
)


@pytest.fixture(params=["path", "abstract"])
def listener(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path if request.param == "path" else f"\0{path}")
        listener.settimeout(60)
        monkeypatch.setenv(SOCKET_VARIABLE, path if request.param == "path" else f"@{path}")
        yield listener


def test_each_message_arrives(listener: socket.socket) -> None:
    tell_ready("joining\nhttp://farm")
    tell_status("serving http://farm")
    tell_stopping()

    assert [listener.recv(4096).decode() for _ in range(3)] == [
        "READY=1\nSTATUS=joining http://farm",
        "STATUS=serving http://farm",
        "STOPPING=1\nSTATUS=ending",
    ]


@pytest.mark.parametrize("address", ["", "relative", "/no/such/socket"])
def test_without_a_listener_the_process_goes_on(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(SOCKET_VARIABLE, address)

    tell_ready("serving")
