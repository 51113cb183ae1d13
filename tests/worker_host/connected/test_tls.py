"""A host joins a manager that speaks TLS by a pin, and stays with that manager."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from activities.services.exit_codes import NEEDS_A_PERSON
from tests.manager.certificates import authority_in, pin_of
from tests.worker_host.connected.stand_in_manager import Farm, eventually
from worker_host.registration import CredentialsFile
from workflows.domain.statuses import WorkerStatus

SECRET = "a-secret-of-its-own"


class Machine:
    """A render machine on which `tablao-worker` is started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.processes: list[asyncio.subprocess.Process] = []
        self.credentials = CredentialsFile(directory / "tablao-worker-credentials.yaml")

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker_host.main", "--data-dir", str(self.directory), *arguments,
            env={**os.environ, "TABLAO_SIGN_OFF_S": "1", "TABLAO_RETRY_TO_S": "0.2"},
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self.processes.append(process)
        return process

    async def refused(self, *arguments: str) -> str:
        """What a host says that ends at once."""
        process = await self.start(*arguments)
        _, words = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == NEEDS_A_PERSON
        return words.decode()

    async def end(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.fixture
async def secure(farm: Farm, tmp_path: Path) -> Farm:
    """The farm, over TLS. It knows one worker only."""
    await farm.stop()
    farm.certificate = authority_in(tmp_path / "tls", "127.0.0.1")
    await farm.start()
    return farm


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    machine = Machine(tmp_path / "machine")
    yield machine
    await machine.end()


def authority_pin(farm: Farm) -> str:
    assert farm.certificate is not None
    return pin_of(farm.certificate.authority)


def know_the_worker(machine: Machine, url: str) -> None:
    """The stand-in knows one worker only, which has registered before."""
    file = machine.directory / "tablao-worker-credentials.yaml"
    content = yaml.safe_load(file.read_text())
    content[url]["secret"] = SECRET
    file.write_text(yaml.safe_dump(content, sort_keys=False))


async def joined(machine: Machine, farm: Farm, *arguments: str) -> asyncio.subprocess.Process:
    """Returns when the host is connected by its control channel, too."""
    farm.records.status = None
    process = await machine.start(*arguments)
    await eventually(lambda: farm.records.status is WorkerStatus.AWAKE, 120)
    return process


async def registered(machine: Machine, farm: Farm, *arguments: str) -> None:
    """A host that has joined for the first time; it is ended, and is then the known worker."""
    process = await machine.start(*arguments)
    await eventually(lambda: "sign-on" in farm.said, 120)
    await eventually(lambda: farm.url in machine.credentials.managers(), 120)
    process.kill()
    await process.wait()
    know_the_worker(machine, farm.url)


async def test_an_unknown_certificate_is_refused_with_the_way_to_pin_it(
    machine: Machine, secure: Farm
) -> None:
    words = await machine.refused("--manager", secure.url)

    assert f"The certificate of {secure.url} is not one that this machine trusts" in words
    assert "--pin sha256:" in words
    assert secure.said == []
    assert machine.credentials.managers() == []


async def test_a_wrong_pin_is_refused_with_those_that_are_shown(
    machine: Machine, secure: Farm
) -> None:
    wrong = f"sha256:{'ab' * 32}"

    words = await machine.refused("--manager", secure.url, "--pin", wrong)

    assert authority_pin(secure) in words
    assert secure.said == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--pin", "sha256:12"), "`tablao tls show` prints it"),
        (
            ("--manager", "http://127.0.0.1:1", "--pin", f"sha256:{'ab' * 32}"),
            "its address must begin with https://",
        ),
    ],
)
async def test_a_pin_that_makes_no_sense_is_a_sentence(
    machine: Machine, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in await machine.refused(*arguments)


async def test_manager_and_pin_are_remembered(machine: Machine, secure: Farm) -> None:
    pin = authority_pin(secure)
    await registered(machine, secure, "--manager", secure.url, "--pin", pin)

    # Neither address nor pin are said again, and no search is made.
    await joined(machine, secure)

    kept = machine.credentials.pinned(secure.url)
    assert kept is not None
    assert kept.pin == pin
    assert machine.credentials.managers() == [secure.url]


async def test_another_manager_at_the_same_address_learns_nothing(
    machine: Machine, secure: Farm, tmp_path: Path
) -> None:
    await registered(machine, secure, "--manager", secure.url, "--pin", authority_pin(secure))
    await secure.stop()
    secure.certificate = authority_in(tmp_path / "impostor", "127.0.0.1")
    await secure.start()
    secure.said.clear()

    process = await machine.start()
    assert process.stderr is not None
    async with asyncio.timeout(120):
        while b"certificate is not trusted" not in (line := await process.stderr.readline()):
            assert line, "the host has ended"

    assert secure.said == []
    assert process.returncode is None


async def test_a_new_pin_counts_when_a_person_says_it(
    machine: Machine, secure: Farm, tmp_path: Path
) -> None:
    await registered(machine, secure, "--manager", secure.url, "--pin", authority_pin(secure))
    await secure.stop()
    secure.certificate = authority_in(tmp_path / "new", "127.0.0.1")
    await secure.start()

    await joined(machine, secure, "--pin", authority_pin(secure))

    kept = machine.credentials.pinned(secure.url)
    assert kept is not None
    assert kept.pin == authority_pin(secure)


async def test_a_worker_stays_the_same_when_its_manager_begins_to_serve_tls(
    machine: Machine, farm: Farm, tmp_path: Path
) -> None:
    await registered(machine, farm, "--manager", farm.url)
    await farm.stop()
    farm.certificate = authority_in(tmp_path / "tls", "127.0.0.1")
    await farm.start()
    farm.said.clear()

    await joined(machine, farm, "--manager", farm.url, "--pin", authority_pin(farm))

    assert farm.said == ["sign-on"]
