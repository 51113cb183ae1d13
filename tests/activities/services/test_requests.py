"""What `tablao service` and `tablao-worker service` make of what they are asked for."""

import getpass
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from activities.services import accounts
from activities.services.accounts import account_of
from activities.services.definition import ServiceError
from activities.services.requests import is_for_user

LAUNCHERS = Path(sys.executable).parent
PROGRAMS: Mapping[str, tuple[str | Path, ...]] = {
    "tablao": (LAUNCHERS / "tablao", "service"),
    "tablao-worker": (LAUNCHERS / "tablao-worker", "service"),
}


def called(program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "COLUMNS": "200"}
    return subprocess.run(
        [*map(str, PROGRAMS[program]), *map(str, words)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )


def test_both_programs_write_the_same_worker(tmp_path: Path) -> None:
    words = ("--user", "--dry-run", "--data-dir", tmp_path, "--", "--slots", "2")

    one = called("tablao", "install", "worker", *words)
    other = called("tablao-worker", "install", *words)

    assert (one.returncode, one.stderr) == (0, "")
    assert one.stdout == other.stdout
    launcher = f'"{LAUNCHERS / "tablao-worker"}"'
    assert f'ExecStart={launcher} "--restart-exit-code" "47" "--data-dir"' in one.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_manager_of_the_system_has_its_folder_from_systemd() -> None:
    said = called("tablao", "install", "manager", "--system", "--run-as", "root", "--dry-run")

    assert '"manager" "--data-dir" "/var/lib/tablao-manager"' in said.stdout
    assert "User=root\n" in said.stdout
    assert "StateDirectory=tablao-manager\n" in said.stdout
    assert "# systemctl enable --now tablao-manager.service" in said.stdout


def test_a_join_token_is_in_no_line_that_others_can_read(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text("the-secret\n")

    said = called("tablao-worker", "install", "--user", "--dry-run", "--join-token-file", file)

    assert '"--join-token-file" ' in said.stdout
    assert "the-secret" not in said.stdout + said.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("install", "worker", "--user", "--system"), "say --user or --system"),
        (("install", "worker", "--user", "--run-as", "root"), "--run-as is for --system"),
        (("install", "worker", "--system", "--run-as", "no-such-user"), "no user no-such-user"),
        (("install", "manager", "--user", "--join-token-file", "x"), "is for a worker"),
        (("install", "worker", "--user", "--join-token-file", "/no/file"), "cannot be read"),
        (("install", "worker", "--user", "--", "--name", "a\nb"), "control character"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(words: tuple[str, ...], sentence: str) -> None:
    said = called("tablao", *words, *(() if "--" in words else ("--dry-run",)))

    assert said.returncode == 1
    assert sentence in said.stderr
    assert "Traceback" not in said.stderr


def test_what_is_typed_wrongly_ends_with_2() -> None:
    assert called("tablao", "install", "blender").returncode == 2
    assert called("tablao-worker", "instal").returncode == 2


def test_a_service_of_the_system_runs_as_root_only_if_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accounts, "USUAL", "no-such-user")
    caller = getpass.getuser() if os.geteuid() else "daemon"

    assert account_of("root", {}).name == "root"
    assert account_of("", {"SUDO_USER": caller}).name == caller
    with pytest.raises(ServiceError, match="not started as root by itself"):
        account_of("", {"SUDO_USER": "root"})


def test_a_service_is_the_systems_for_root_and_the_users_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not is_for_user(user=False, system=False)
    assert is_for_user(user=True, system=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert is_for_user(user=False, system=False)
    assert not is_for_user(user=False, system=True)
