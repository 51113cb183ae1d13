"""A real MQTT broker for tests: Mosquitto, on free ports, with a directory of its own."""

import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.farm.processes import free_port, wait_until


class Broker:
    """`with Broker(directory) as broker: …`; stopped and started, it knows who was subscribed."""

    def __init__(self, directory: Path, *, user: str = "", password: str = "") -> None:
        self._directory = directory
        self._user, self._password = user, password
        self._process: subprocess.Popen[bytes] | None = None
        self.port, self.websocket_port = free_port(), free_port()

    def __enter__(self) -> "Broker":
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / "mosquitto.conf").write_text("\n".join(self._configuration()))
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.websocket_port}/mqtt"

    def start(self) -> None:
        log = (self._directory / "mosquitto.log").open("ab")
        self._process = subprocess.Popen(
            [_program("mosquitto"), "-c", str(self._directory / "mosquitto.conf")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        wait_until(self._listens, 30)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def _configuration(self) -> Sequence[str]:
        lines = [
            # Started by root, it would give up its rights, and with them the test's directory.
            *("user root", "persistence true", f"persistence_location {self._directory}/"),
            f"listener {self.port} 127.0.0.1",
            *(f"listener {self.websocket_port} 127.0.0.1", "protocol websockets"),
        ]
        if not self._user:
            return [*lines, "allow_anonymous true"]
        passwords = self._directory / "passwords"
        command = [_program("mosquitto_passwd"), "-c", "-b", str(passwords)]
        subprocess.run([*command, self._user, self._password], check=True, capture_output=True)
        return [*lines, "allow_anonymous false", f"password_file {passwords}"]

    def _listens(self) -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    assert found, "these tests need an MQTT broker: apt-get install mosquitto"
    return found
