"""What systemd's own checker says of each unit that is written, and what a unit must have."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from activities.services.definition import MARK, Account, Program, Service
from activities.services.systemd import Systemd, argument, command_line, unit_of
from tests.farm.private_systemd import MISSING

#: An account that each machine has, because the checker looks it up.
ROOT = Account("root", 0, 0)
STRANGE = "Grüße an \"$HOME\" 'und' ${USER} 100% %h \\n; #"


def a_launcher(folder: Path) -> Path:
    """The checker wants a program that is there."""
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / "tablao"
    launcher.write_text("#!/bin/sh\n")
    launcher.chmod(0o755)
    return launcher


def a_service(program: Program, folder: Path, *, for_user: bool) -> Service:
    command = (str(a_launcher(folder)), "--data-dir", str(folder), "--name", STRANGE)
    account = None if for_user else ROOT
    return Service(program, command, account, folder, "" if for_user else f"tablao-{program}")


def verified(unit: Path, *, for_user: bool) -> str:
    """What `systemd-analyze verify` says of a unit file; empty: it is right."""
    program = shutil.which("systemd-analyze")
    assert program is not None, MISSING
    scope = "--user" if for_user else "--system"
    # Without a session there is no folder for a user's own systemd.
    environment = {"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(unit.parent)}
    done = subprocess.run(
        [program, scope, "--man=no", "--recursive-errors=no", "verify", str(unit)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode or done.stderr else ""


@pytest.mark.parametrize("folder", ["plain", STRANGE])
@pytest.mark.parametrize("for_user", [False, True])
@pytest.mark.parametrize("program", sorted(Program))
def test_systemd_finds_nothing_wrong_with_a_unit(
    tmp_path: Path, program: Program, for_user: bool, folder: str
) -> None:
    system = Systemd(tmp_path, for_user=for_user)
    unit = system.file(program)
    unit.write_bytes(system.content(a_service(program, tmp_path / folder, for_user=for_user)))

    assert verified(unit, for_user=for_user) == ""


def test_systemd_would_find_what_is_wrong(tmp_path: Path) -> None:
    unit = tmp_path / "tablao-worker.service"
    unit.write_text(unit_of(a_service(Program.WORKER, tmp_path, for_user=True)) + "Wrong=1\n")

    assert "Wrong" in verified(unit, for_user=True)


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("plain", '"plain"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("100% %h", '"100%% %%h"'),
        ("$HOME ${USER}", '"$$HOME $${USER}"'),
        ("Grüße", '"Grüße"'),
    ],
)
def test_a_word_of_a_command_stands_for_itself(word: str, written: str) -> None:
    assert argument(word) == written


def test_the_path_of_a_program_has_no_variables() -> None:
    assert command_line(["/opt/$x/tablao", "$y"]) == '"/opt/$x/tablao" "$$y"'


def test_a_shell_begins_a_program_whose_path_systemd_refuses() -> None:
    assert command_line(["/opt/it's/tablao", "up"]) == (
        '"/bin/sh" "-c" "exec \\"$$0\\" \\"$$@\\"" "/opt/it\'s/tablao" "up"'
    )


def keys(unit: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))


def test_renders_of_a_worker_outlive_its_host_and_nothing_else_ends_it(tmp_path: Path) -> None:
    unit = keys(unit_of(a_service(Program.WORKER, tmp_path, for_user=False)))

    assert unit["KillMode"] == "process"
    assert unit["OOMPolicy"] == "continue"
    assert unit["Restart"] == "on-failure"
    assert unit["RestartForceExitStatus"] == "47"
    assert unit["RestartPreventExitStatus"] == "2 78"
    # GPUs, temporary files and home directories stay as they are for other programs.
    assert not {"PrivateTmp", "PrivateDevices", "ProtectHome", "NoNewPrivileges"} & unit.keys()


def test_a_manager_has_no_rights_but_for_low_ports(tmp_path: Path) -> None:
    unit = keys(unit_of(a_service(Program.MANAGER, tmp_path, for_user=False)))

    assert unit["KillMode"] == "mixed"
    assert unit["NoNewPrivileges"] == "yes"
    assert unit["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert unit["StateDirectoryMode"] == "0711"


@pytest.mark.parametrize(
    ("program", "data_dir", "is_private"),
    [
        ("/opt/tablao/bin/tablao", "/srv/farm", True),
        ("/tmp/checkout/.venv/bin/tablao", "/srv/farm", False),
        ("/opt/tablao/bin/tablao", "/var/tmp/farm", False),
    ],
)
def test_a_private_tmp_hides_neither_the_program_nor_its_data(
    tmp_path: Path, program: str, data_dir: str, is_private: bool
) -> None:
    service = a_service(Program.MANAGER, tmp_path, for_user=False)

    unit = unit_of(replace(service, command=(program, "manager"), data_dir=Path(data_dir)))

    assert ("PrivateTmp=yes" in unit) == is_private


def test_the_unit_of_a_user_asks_for_nothing_that_takes_root(tmp_path: Path) -> None:
    unit = keys(unit_of(a_service(Program.MANAGER, tmp_path, for_user=True)))

    assert unit["WantedBy"] == "default.target"
    assert not {"User", "ProtectSystem", "PrivateTmp", "CapabilityBoundingSet"} & unit.keys()


def test_a_unit_of_others_is_told_from_ours(tmp_path: Path) -> None:
    system = Systemd(tmp_path, for_user=True)
    ours = system.content(a_service(Program.WORKER, tmp_path, for_user=True))

    assert system.note_in(ours) == f"{MARK} Data directory: {tmp_path}"
    assert system.note_in(b"[Unit]\n# " + ours) == ""
    assert system.note_in(b"") == ""
