"""An upgrade is installed beside the version that runs; what fails is said and leaves nothing."""

import asyncio
import errno
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from tests.farm.small_disk import small_disk
from tests.worker_host.connected.stand_in_manager import eventually
from worker_host import upgrading
from worker_host.upgrading import Upgrading, installing
from worker_host.versions_folder import Chosen, VersionsFolder, folder_name
from workflows.domain import control
from workflows.domain.control import UpgradeReport

WHEEL = b"a wheel"
ORDER = control.Upgrade(
    "2.0",
    f"{control.WHEELS}tablao-2.0-py3-none-any.whl",
    len(WHEEL),
    hashlib.sha256(WHEEL).hexdigest(),
)
FOLDER = folder_name(ORDER.version, ORDER.sha256)
#: Makes an environment whose Python says a version, from the wheel beside it.
MAKE = """mkdir -p "$1/bin" && test "$(cat "$2")" = 'a wheel' &&
printf '#!/bin/sh\\necho tablao-worker %s' "$3" > "$1/bin/python" && chmod +x "$1/bin/python"
"""


class Machine:
    """What a host has around an upgrade: its folder, its manager, and a program that installs."""

    def __init__(self, directory: Path) -> None:
        self.versions = VersionsFolder(directory)
        self.wheel: bytes | Exception = WHEEL
        self.script = MAKE
        self.says = "2.0"
        self.reports: list[UpgradeReport] = []
        self.is_connected = True
        self.fetched = 0
        self.begun_again = 0
        self.upgrading = Upgrading(
            self.versions, "http://farm", self._fetch, self._tell, self._begin_again, self._commands
        )

    async def _fetch(self, path: str, size: int) -> bytes:
        self.fetched += 1
        if isinstance(self.wheel, Exception):
            raise self.wheel
        return self.wheel

    async def _tell(self, report: UpgradeReport) -> bool:
        if self.is_connected:
            self.reports.append(report)
        return self.is_connected

    def _begin_again(self) -> None:
        self.begun_again += 1

    def _commands(self, environment: Path, wheel: Path) -> Sequence[Sequence[str]]:
        return [["/bin/sh", "-c", self.script, "sh", str(environment), str(wheel), self.says]]

    @property
    def states(self) -> list[str]:
        return [each.state for each in self.reports]

    def left(self) -> set[str]:
        path = self.versions.path
        return {each.name for each in path.iterdir()} if path.exists() else set()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


async def test_a_version_is_installed_and_put_on_trial(machine: Machine) -> None:
    machine.versions.choose(Chosen(running="1.0-0123456789ab", failed="1.5", reason="old"))

    await machine.upgrading.carry_out(ORDER)

    assert machine.states == ["fetching", "installing"]
    assert machine.begun_again == 1
    assert machine.versions.chosen() == Chosen(
        running="1.0-0123456789ab", trial=FOLDER, manager="http://farm"
    )
    assert machine.left() == {FOLDER, "chosen.json"}


async def test_a_version_that_is_installed_already_is_not_installed_again(
    machine: Machine,
) -> None:
    await machine.upgrading.carry_out(ORDER)
    await machine.upgrading.carry_out(ORDER)

    assert machine.fetched == 1
    assert machine.begun_again == 2


REQUEST = httpx.Request("GET", "http://farm")


@pytest.mark.parametrize(
    ("wheel", "words"),
    [
        (b"a wheet", "not the wheel that it has named"),
        (b"a whe", "not the wheel that it has named"),
        (b"a wheel and more", "not the wheel that it has named"),
        (
            httpx.HTTPStatusError("", request=REQUEST, response=httpx.Response(404)),
            "answered 404 when asked for the wheel",
        ),
        (httpx.ReadError("cut off"), "The wheel cannot be fetched: "),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
    ],
)
async def test_what_cannot_be_fetched_is_said_and_leaves_nothing(
    machine: Machine, wheel: bytes | Exception, words: str
) -> None:
    machine.wheel = wheel

    await machine.upgrading.carry_out(ORDER)

    assert machine.states == ["fetching", "failed"]
    assert words in machine.reports[-1].reason
    assert machine.begun_again == 0
    assert machine.left() == set()


@pytest.mark.parametrize(
    ("script", "says", "words"),
    [
        ("echo one >&2; echo '  two\x1b[0m'; exit 3", "2.0", "failed: one two [0m"),
        ("exit 3", "2.0", "failed: it said nothing"),
        ("echo 'No module named venv'; exit 1", "2.0", "install uv"),
        ("echo 'because ensurepip is not available.'; exit 1", "2.0", "python3-venv"),
        ("yes | head -c 100000; exit 1", "2.0", "failed: …"),
        ("true", "2.0", "No such file"),
        (MAKE, "3.0", "was to have version 2.0, and says: tablao-worker 3.0"),
    ],
)
async def test_what_cannot_be_installed_is_said_and_leaves_nothing(
    machine: Machine, script: str, says: str, words: str
) -> None:
    machine.script, machine.says = script, says

    await machine.upgrading.carry_out(ORDER)

    assert machine.states == ["fetching", "installing", "failed"]
    assert words in machine.reports[-1].reason
    assert len(machine.reports[-1].reason) < control.LONGEST_REASON
    assert machine.begun_again == 0
    assert machine.left() == set()
    machine.reports[-1].check()


async def test_an_environment_for_which_the_disk_has_no_room_is_said_and_leaves_nothing(
    machine: Machine,
) -> None:
    machine.script = 'mkdir "$1" && head -c 3000000 /dev/zero > "$1/large"'

    with small_disk(machine.versions.path, 1):
        await machine.upgrading.carry_out(ORDER)
        left = machine.left()

    assert machine.states == ["fetching", "installing", "failed"]
    assert "No space left on device" in machine.reports[-1].reason
    assert left == set()


async def test_a_version_that_cannot_be_chosen_is_removed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: VersionsFolder, _chosen: Chosen) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(VersionsFolder, "choose", full)

    await machine.upgrading.carry_out(ORDER)

    assert "No space left on device" in machine.reports[-1].reason
    assert machine.begun_again == 0
    assert machine.left() == set()


async def test_an_installation_that_takes_too_long_is_ended(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrading, "INSTALL_WITHIN_S", 0.2)
    machine.script = "sleep 600"

    await machine.upgrading.carry_out(ORDER)

    assert "took longer" in machine.reports[-1].reason


async def test_one_upgrade_goes_on_at_a_time(machine: Machine, tmp_path: Path) -> None:
    machine.script = f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; {MAKE}"
    first = asyncio.create_task(machine.upgrading.carry_out(ORDER))
    await eventually(lambda: "installing" in machine.states)

    await machine.upgrading.carry_out(ORDER)
    await machine.upgrading.carry_out(replace(ORDER, version="3.0"))
    (tmp_path / "go").touch()
    await first

    assert machine.fetched == 1
    assert machine.begun_again == 1
    assert machine.states == ["fetching", "installing"]


async def test_a_host_that_ends_meanwhile_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    machine.script = f"echo $$ > {tmp_path}/pid; sleep 600"
    under_way = asyncio.create_task(machine.upgrading.carry_out(ORDER))
    file = tmp_path / "pid"
    await eventually(lambda: file.exists() and file.read_text().endswith("\n"))

    under_way.cancel()
    await asyncio.wait({under_way})

    assert machine.left() == set()
    await eventually(lambda: not psutil.pid_exists(int(file.read_text())))


async def test_what_a_killed_host_has_left_is_not_installed_into_and_removed(
    machine: Machine, tmp_path: Path
) -> None:
    killed = VersionsFolder(tmp_path).aside / "environment"
    (killed / "bin").mkdir(parents=True)

    await machine.upgrading.carry_out(ORDER)

    assert machine.begun_again == 1
    assert not (machine.versions.path / FOLDER / "environment").exists()
    assert killed.exists()
    await machine.upgrading.welcomed()
    assert machine.left() == {FOLDER, "chosen.json"}


async def test_a_report_that_could_not_be_sent_is_sent_after_the_next_welcome(
    machine: Machine,
) -> None:
    machine.is_connected = False
    machine.wheel = b"another"
    await machine.upgrading.carry_out(ORDER)

    machine.is_connected = True
    await machine.upgrading.welcomed()
    await machine.upgrading.welcomed()

    assert machine.states == ["failed"]


async def test_a_failed_trial_is_reported_once_and_its_folder_is_removed(
    machine: Machine,
) -> None:
    machine.versions.python(FOLDER).parent.mkdir(parents=True)
    machine.versions.choose(Chosen(failed="2.0", reason="It fell over."))
    machine.is_connected = False
    await machine.upgrading.welcomed()
    machine.is_connected = True

    await machine.upgrading.welcomed()
    await machine.upgrading.welcomed()

    assert machine.reports == [UpgradeReport("2.0", "failed", "It fell over.")]
    assert machine.left() == {"chosen.json"}
    assert machine.versions.chosen() == Chosen()


async def test_a_folder_from_which_a_process_runs_stays(machine: Machine) -> None:
    folder = machine.versions.path / FOLDER
    folder.mkdir(parents=True)
    process = await asyncio.create_subprocess_exec("/bin/sh", "-c", "sleep 600", f"{folder}/sh")
    try:
        await machine.upgrading.welcomed()
        assert folder.exists()
    finally:
        process.kill()
        await process.wait()


def test_uv_installs_if_there_is_one_else_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, wheel = tmp_path / "environment", tmp_path / "tablao-2.0-py3-none-any.whl"
    monkeypatch.setattr(upgrading, "_PLACES_OF_UV", (tmp_path,))
    monkeypatch.setenv("PATH", "/nowhere")
    with_pip = installing(environment, wheel)
    (tmp_path / "uv").touch(0o755)

    with_uv = installing(environment, wheel)

    assert [each[0] for each in with_uv] == [str(tmp_path / "uv")] * 2
    assert with_pip[0] == [sys.executable, "-m", "venv", str(environment)]
    assert with_pip[1][:3] == [str(environment / "bin" / "python"), "-m", "pip"]
    assert [each[-1] for each in (with_pip[1], with_uv[1])] == [f"./{wheel.name}"] * 2
