"""Managers are found by those who search for them, and by nobody else."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.local_admin import LocalAdmin
from tests.farm.processes import wait_until
from tests.manager.discovery.networks import Cable, Machine

PORT = 8080


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[Machine, Machine]]:
    with Cable() as machines:
        yield machines


@pytest.fixture(scope="module")
def server(machines: tuple[Machine, Machine]) -> Machine:
    return machines[0]


@pytest.fixture(scope="module")
def render_machine(machines: tuple[Machine, Machine]) -> Machine:
    return machines[1]


@contextlib.contextmanager
def running(machine: Machine, *module_and_arguments: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A program that has said that it is ready; ended by the end of its standard input."""
    process = machine.start("-m", *module_and_arguments)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.communicate(timeout=60)


def advertised(machine: Machine, listen: str) -> "contextlib.AbstractContextManager[object]":
    return running(machine, "tests.manager.discovery.advertise", listen)


def answers(machine: Machine, address: str, *wanted: str) -> list[str]:
    found: list[str] = json.loads(
        machine.run("-m", "tests.manager.discovery.search", address, *wanted)
    )
    return found


def locations(found: list[str]) -> set[str]:
    lines = [line for answer in found for line in answer.split("\r\n")]
    return {line.partition(": ")[2] for line in lines if line.startswith("LOCATION: ")}


def test_a_stock_workers_search_is_answered(server: Machine, render_machine: Machine) -> None:
    with advertised(server, f":{PORT}"):
        [answer] = answers(render_machine, render_machine.address, "1")

    first, *lines = answer.split("\r\n")
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines[:-2])}
    assert first == "HTTP/1.1 200 OK"
    assert headers.pop("SERVER").startswith("Tablao/")
    assert headers == {
        "CACHE-CONTROL": "max-age=3600",
        "EXT": "",
        "LOCATION": f"http://{server.address}:{PORT}/upnp/description.xml",
        "ST": "urn:flamenco:manager:0",
        "USN": "uuid:aa80bc5f-d0af-46b8-8630-23bd7e80ec4d::urn:flamenco:manager:0",
    }


def test_who_searches_for_all_finds_it_and_who_searches_for_printers_does_not(
    server: Machine, render_machine: Machine
) -> None:
    with advertised(server, f":{PORT}"):
        everything = answers(render_machine, render_machine.address, "1", "ssdp:all")
        printers = answers(render_machine, render_machine.address, "0", "urn:x:printer:1")

    assert len(everything) == 1
    assert printers == []


def test_a_manager_on_loopback_is_found_on_its_own_machine_only(
    server: Machine, render_machine: Machine
) -> None:
    with advertised(server, "127.0.0.1:8081"), advertised(server, f"{server.address}:8082"):
        inside = answers(server, "127.0.0.1", "1")
        outside = answers(render_machine, render_machine.address, "1")

    assert locations(inside) == {"http://127.0.0.1:8081/upnp/description.xml"}
    assert locations(outside) == {f"http://{server.address}:8082/upnp/description.xml"}


def test_its_coming_and_going_are_told(server: Machine, render_machine: Machine) -> None:
    with running(
        render_machine, "tests.manager.discovery.listen", render_machine.address, "2"
    ) as ears:
        with advertised(server, f":{PORT}"):
            assert ears.stdout is not None
            alive = json.loads(ears.stdout.readline())
        gone = json.loads(ears.stdout.readline())

    assert alive.startswith("NOTIFY * HTTP/1.1\r\n")
    assert "NTS: ssdp:alive\r\n" in alive
    assert locations([alive]) == {f"http://{server.address}:{PORT}/upnp/description.xml"}
    assert "NTS: ssdp:byebye\r\n" in gone


def test_a_host_finds_a_manager_on_its_own_loopback(
    server: Machine, render_machine: Machine
) -> None:
    with advertised(server, "127.0.0.1:8081"):
        here = server.run("-m", "tests.manager.discovery.find", "60")
        elsewhere = render_machine.run("-m", "tests.manager.discovery.find", "3")

    assert here == "http://127.0.0.1:8081"
    assert elsewhere == (
        "No manager was found in the local networks within 3 s. "
        "Say where it is: --manager http://HOST:8080"
    )


def test_a_manager_that_is_told_a_public_address_announces_it_everywhere(
    server: Machine, render_machine: Machine
) -> None:
    """A proxy stands before it, so it listens on loopback only."""
    public = f"http://{server.address}:{PORT}"
    with (
        advertised(server, f"{server.address}:{PORT}"),
        running(server, "tests.manager.discovery.advertise", "127.0.0.1:8081", f"{public}/"),
    ):
        found = render_machine.run("-m", "tests.manager.discovery.find", "60")
        described = locations(answers(render_machine, render_machine.address, "1"))

    assert found == public
    assert described == {f"{public}/upnp/description.xml"}


def test_a_pin_lets_a_host_pass_over_managers_that_do_not_show_it(
    server: Machine, render_machine: Machine
) -> None:
    with advertised(server, f":{PORT}"):
        found = render_machine.run("-m", "tests.manager.discovery.find", "3", "sha256:" + "ab" * 32)

    assert found.startswith("No manager was found")


def test_a_host_that_was_told_nothing_works_for_the_manager_that_it_finds(
    server: Machine, render_machine: Machine, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    manager_arguments = ("--data-dir", str(tmp_path / "manager"), "--host", "", "--insecure")
    with log.open("ab") as written:
        manager = server.start(
            "-m", "manager_api.cli.main", "manager", *manager_arguments, log=written
        )
        host = render_machine.start(
            *("-m", "worker_host.main", "--name", "gitana"),
            *("--data-dir", str(tmp_path / "host")),
            log=written,
        )
    try:
        workers = wait_until(lambda: _awake(server, tmp_path / "manager"), 180, 1.0)
        description = _get(render_machine, f"http://{server.address}:8080/upnp/description.xml")
    finally:
        for process in (host, manager):
            process.terminate()
            process.communicate(timeout=60)

    assert workers == ["gitana"]
    assert "<deviceType>urn:flamenco:manager:0</deviceType>" in description
    words = log.read_text()
    assert f"found the manager at http://{server.address}:8080" in words
    assert "insecure: plain HTTP is served to the network" in words


def _awake(server: Machine, data_dir: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        token = LocalAdmin(data_dir).token
        content = _get(server, f"http://{token}@127.0.0.1:8080/api/v3/worker-mgt/workers")
        return _awake_in(content)
    return []


def _awake_in(content: str) -> list[str]:
    workers = json.loads(content or "{}").get("workers", [])
    return [worker["name"] for worker in workers if worker["status"] == "awake"]


def _get(machine: Machine, url: str) -> str:
    """Empty as long as nobody answers."""
    program = f"""
import httpx
try:
    print(httpx.get({url!r}).text)
except httpx.TransportError:
    pass
"""
    return machine.run("-c", program)
