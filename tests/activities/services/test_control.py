"""Installing and removing a service: once, whole, and never another program's."""

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from activities.services.control import ServiceControl, run_command
from activities.services.definition import Account, Answer, Program, Service, ServiceError
from activities.services.files import Kept, private_text
from activities.services.systemd import Systemd

SERVICE = Service(Program.WORKER, ("/opt/tablao-worker", "--slots", "2"), data_dir=Path("/data"))
RELOAD = ("systemctl", "--user", "daemon-reload")
ENABLE = ("systemctl", "--user", "enable", "--now", "tablao-worker.service")


@dataclass
class StandInSystemctl:
    """Answers as systemctl does when all goes well, and remembers what it was told."""

    shown: str = ""
    fails: tuple[str, ...] = ()
    orders: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, words: Sequence[str], /) -> Answer:
        if "show" in words:
            return Answer(0, self.shown, "")
        self.orders.append(tuple(words))
        failed = any(word in self.fails for word in words)
        return Answer(1, "", "Access denied\n") if failed else Answer(0, "", "")


@dataclass
class Machine:
    units: Path
    systemctl: StandInSystemctl = field(default_factory=StandInSystemctl)
    said: list[str] = field(default_factory=list)

    @property
    def unit(self) -> Path:
        return self.units / "tablao-worker.service"

    @property
    def control(self) -> ServiceControl:
        return ServiceControl(Systemd(self.units, for_user=True), self.said.append, self.systemctl)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "units")


def test_a_service_is_written_enabled_and_started(machine: Machine) -> None:
    machine.control.install(SERVICE, ())

    assert '"--slots" "2"' in machine.unit.read_text()
    assert stat.S_IMODE(machine.unit.stat().st_mode) == 0o644
    assert machine.systemctl.orders == [RELOAD, ENABLE]
    assert list(machine.units.iterdir()) == [machine.unit]


def test_installed_twice_it_is_one_service(machine: Machine) -> None:
    machine.control.install(SERVICE, ())
    machine.systemctl.shown = f"FragmentPath={machine.unit}\nActiveState=active\n"
    before = machine.unit.stat().st_ino

    machine.control.install(SERVICE, ())

    assert machine.unit.stat().st_ino == before
    assert "stays as it was" in machine.said[-2]


def test_a_changed_service_that_runs_is_not_interrupted(machine: Machine) -> None:
    machine.control.install(SERVICE, ())
    machine.systemctl.shown = f"FragmentPath={machine.unit}\nActiveState=active\n"

    machine.control.install(Service(Program.WORKER, ("/opt/tablao-worker",)), ())

    assert "--slots" not in machine.unit.read_text()
    assert any("was started before the change" in line for line in machine.said)
    assert machine.systemctl.orders == [RELOAD, ENABLE] * 2


@pytest.mark.parametrize("verb", ["install", "uninstall", "start", "stop", "status"])
def test_a_service_that_others_have_written_is_not_touched(machine: Machine, verb: str) -> None:
    machine.units.mkdir()
    machine.unit.write_text("[Service]\nExecStart=/usr/bin/true\n")
    calls: dict[str, Callable[[], object]] = {
        "install": lambda: machine.control.install(SERVICE, ()),
        "uninstall": lambda: machine.control.uninstall(Program.WORKER, ()),
        "start": lambda: machine.control.start(Program.WORKER),
        "stop": lambda: machine.control.stop(Program.WORKER),
        "status": lambda: machine.control.status(Program.WORKER),
    }

    with pytest.raises(ServiceError, match="is not of `tablao service`, so it is not touched"):
        calls[verb]()

    assert machine.unit.read_text() == "[Service]\nExecStart=/usr/bin/true\n"
    assert machine.systemctl.orders == []


def test_a_service_that_a_package_has_brought_is_not_covered(machine: Machine) -> None:
    machine.systemctl.shown = "FragmentPath=/usr/lib/systemd/system/tablao-worker.service\n"

    with pytest.raises(ServiceError, match=r"^/usr/lib/.*tablao-worker\.service is not"):
        machine.control.install(SERVICE, ())

    assert not machine.unit.exists()


def test_a_refusal_of_the_system_is_told_in_its_words(machine: Machine) -> None:
    machine.systemctl.fails = ("enable",)

    with pytest.raises(ServiceError, match=r"enable --now tablao-worker.service failed: Access"):
        machine.control.install(SERVICE, ())


def test_a_removed_service_leaves_its_data_and_nothing_else(
    machine: Machine, tmp_path: Path
) -> None:
    token = Kept(tmp_path / "token", b"secret\n", None)
    machine.control.install(SERVICE, (token,))

    machine.control.uninstall(Program.WORKER, (token.path,))

    assert (machine.unit.exists(), token.path.exists()) == (False, False)
    assert machine.said[-1] == "tablao-worker is removed. Its data stays in /data."
    assert [words[2] for words in machine.systemctl.orders[2:]] == [
        "disable",
        "daemon-reload",
        "reset-failed",
    ]


def test_what_is_not_there_is_removed_with_a_sentence(machine: Machine) -> None:
    machine.control.uninstall(Program.WORKER, ())

    assert machine.said == ["There is no service tablao-worker here."]
    assert machine.systemctl.orders == []


def test_what_is_not_there_cannot_be_started(machine: Machine) -> None:
    with pytest.raises(ServiceError, match="There is no service tablao-worker here"):
        machine.control.start(Program.WORKER)


def test_a_dry_run_shows_all_and_does_nothing(machine: Machine, tmp_path: Path) -> None:
    token = Kept(tmp_path / "token", b"a-secret\n", None)

    machine.control.show_installation(SERVICE, (token,))

    said = "\n".join(machine.said)
    assert "ExecStart=" in said
    assert "# systemctl --user enable --now tablao-worker.service" in said
    assert "a-secret" not in said
    assert (machine.unit.exists(), token.path.exists()) == (False, False)
    assert machine.systemctl.orders == []


@pytest.mark.parametrize(
    ("shown", "is_running", "words"),
    [
        ("ActiveState=active\nMainPID=7\nStatusText=serving x", True, "process 7: serving x."),
        ("ActiveState=inactive", False, "does not run"),
        ("ActiveState=activating", False, "waits for its next start"),
        ("ActiveState=failed\nResult=exit-code\nExecMainStatus=78", False, "exit code 78"),
    ],
)
def test_the_status_says_whether_it_runs(
    machine: Machine, shown: str, is_running: bool, words: str
) -> None:
    machine.control.install(SERVICE, ())
    machine.systemctl.shown = f"FragmentPath={machine.unit}\nUnitFileState=enabled\n{shown}\n"

    assert machine.control.status(Program.WORKER) is is_running
    assert words in machine.said[-1]
    assert "starts by itself" in machine.said[-1]


def test_a_secret_is_kept_for_its_user_only(machine: Machine, tmp_path: Path) -> None:
    account = Account("it", os.getuid(), os.getgid())
    kept = (Kept(tmp_path / "new/token", b"x\n", account), Kept(tmp_path / "data", None, account))

    machine.control.install(SERVICE, kept)

    assert stat.S_IMODE((tmp_path / "new/token").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (b"secret", 0o640, "Other users can read"),
        (b"", 0o600, "does not hold a join token"),
        (b"x" * 1001, 0o600, "does not hold a join token"),
        (b"\xff\xfe", 0o600, "does not hold a join token"),
        (b"two\nlines", 0o600, "does not hold a join token"),
    ],
)
def test_a_file_that_keeps_no_secret_is_refused(
    tmp_path: Path, content: bytes, mode: int, sentence: str
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(mode)

    with pytest.raises(ServiceError, match=sentence):
        private_text(file)


def test_a_missing_program_is_a_sentence() -> None:
    with pytest.raises(ServiceError, match="no-such-program is not on this machine"):
        run_command(["no-such-program"])
