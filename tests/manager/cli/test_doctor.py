"""`tablao doctor`: the manager's findings, and what is seen while no manager answers."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from manager_api.settings.model import ManagerSettings
from manager_api.settings.storage_folders import make_storage_folders
from tests.farm.processes import free_port
from tests.manager.cli.fake_manager import FakeManager, Run

FINE = {"id": "temporal", "state": "fine", "sentence": "Temporal answers.", "advice": ""}
ODD = {"id": "disk", "state": "to-look-at", "sentence": "It is nearly full.", "advice": "Free it."}
BAD = {"id": "storage", "state": "broken", "sentence": "\x1b[31mGone.", "advice": "Mount it."}


def report(*checks: Mapping[str, str]) -> dict[str, Any]:
    return {"state": "fine", "version": "0.2.0", "checks": list(checks)}


# --- a manager that answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checks", "code", "state"),
    [((FINE,), 0, "fine"), ((FINE, ODD), 0, "to-look-at"), ((FINE, ODD, BAD), 1, "broken")],
)
def test_it_ends_with_1_only_if_something_is_broken(
    run: Run, fake: FakeManager, checks: tuple[Mapping[str, str], ...], code: int, state: str
) -> None:
    fake.doctor = report(*checks)

    as_json = run("doctor", "--json")

    assert run("doctor").exit_code == as_json.exit_code == code
    found = json.loads(as_json.out)
    assert found["state"] == state
    assert [each["id"] for each in found["checks"]] == ["manager", *(c["id"] for c in checks)]
    assert found["checks"][1] == FINE


def test_each_check_has_a_line_and_one_more_with_what_to_do(run: Run, fake: FakeManager) -> None:
    fake.doctor = report(FINE, ODD)

    lines = run("doctor").out.splitlines()

    assert lines[0].startswith(f"fine    manager   The manager at {fake.url} answers")
    assert lines[1] == "fine    temporal  Temporal answers."
    assert lines[2] == "look    disk      It is nearly full."
    assert lines[3].strip() == "→ Free it."
    assert lines[-1] == "0 broken, 1 to look at, 2 fine."


def test_what_a_sentence_holds_commands_no_terminal(run: Run, fake: FakeManager) -> None:
    fake.doctor = report(BAD)

    assert "\x1b" not in run("doctor").out
    assert "\\u001b[31mGone." in run("doctor").out


def test_with_workers_their_machines_are_looked_at_too(run: Run, fake: FakeManager) -> None:
    fake.doctor, fake.machine = report(FINE), report(ODD, BAD)

    as_json, in_words = run("doctor", "--workers", "--json"), run("doctor", "--workers")

    assert as_json.exit_code == in_words.exit_code == 1
    found = json.loads(as_json.out)
    assert (found["state"], [each["id"] for each in found["checks"]]) == (
        "broken",
        ["manager", "temporal"],
    )
    (machine,) = found["workers"]
    assert (machine["name"], machine["state"], machine["version"]) == ("north", "broken", "0.2.0")
    assert [each["id"] for each in machine["checks"]] == ["disk", "storage"]
    assert "look    north: disk     It is nearly full." in in_words.out
    assert "\x1b" not in in_words.out


def test_a_worker_without_a_doctor_is_to_be_looked_at(run: Run, fake: FakeManager) -> None:
    fake.doctor = report(FINE)

    answer = run("doctor", "--workers")

    assert answer.exit_code == 0
    assert "north: doctor  It was not asked: " in answer.out
    assert "a Flamenco Worker has no doctor" in answer.out


def test_workers_are_not_asked_through_a_manager_that_refuses(run: Run, fake: FakeManager) -> None:
    fake.doctor, fake.doctor_status = {"message": "no"}, 403

    assert "workers" not in json.loads(run("doctor", "--json").out)
    assert json.loads(run("doctor", "--workers", "--json").out)["workers"] == []
    assert not any("/workers" in path for path, _ in fake.asked)


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "tablao login"), (403, "tablao login"), (404, "Upgrade")]
)
def test_a_refusal_is_the_only_finding(
    run: Run, fake: FakeManager, status: int, advice: str
) -> None:
    fake.doctor, fake.doctor_status = {"message": "no"}, status

    answer = run("doctor", "--json")

    [only] = json.loads(answer.out)["checks"]
    assert (only["id"], only["state"], answer.exit_code) == ("manager", "broken", 1)
    assert advice in only["advice"]


# --- no manager -----------------------------------------------------------------------------------


def doctor(data_dir: Path, url: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Calls it in a process of its own, as it may end that at once; returns checks by id."""
    command = [sys.executable, "-m", "manager_api.cli.main", "doctor", "--json"]
    environment = {**os.environ, "TABLAO_DATA_DIR": str(data_dir), "TABLAO_MANAGER": url}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, {each["id"]: each for each in json.loads(done.stdout)["checks"]}


@pytest.fixture
def stopped(tmp_path: Path, migrated_sqlite: Path) -> Path:
    """The data directory of a manager that has run."""
    make_storage_folders(ManagerSettings(data_dir=tmp_path))
    shutil.copy(migrated_sqlite, tmp_path / "tablao.sqlite")
    return tmp_path


def test_a_manager_that_does_not_run(stopped: Path) -> None:
    before = sorted(stopped.rglob("*"))

    code, found = doctor(stopped, f"http://127.0.0.1:{free_port()}")

    assert code == 1
    assert found["manager"]["state"] == "broken"
    assert found["port"]["state"] == "to-look-at"
    assert "tablao manager" in found["port"]["advice"]
    for name in ("settings", "temporal", "database", "database.schema", "storage", "certificate"):
        assert found[name]["state"] == "fine", found[name]
    # A file beside the database would be this user's, and not the manager's.
    assert sorted(stopped.rglob("*")) == before


def test_a_port_that_another_program_has_taken(stopped: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        # It takes connections, and closes them without a word.
        other.settimeout(0.01)
        other.listen()
        url = f"https://127.0.0.1:{port}"
        process = subprocess.Popen(
            [sys.executable, "-c", _CLOSING], stdin=other.fileno(), close_fds=True
        )
        try:
            _, found = doctor(stopped, url)
        finally:
            process.kill()
            process.wait()

    assert found["port"]["state"] == "broken"
    assert f"Port {port} is taken by " in found["port"]["sentence"]
    assert "listen" in found["port"]["advice"]


#: Takes each connection of the socket that is its standard input, and closes it.
_CLOSING = """
import socket
listener = socket.socket(fileno=0)
listener.setblocking(True)
while True:
    listener.accept()[0].close()
"""


@pytest.mark.parametrize(
    ("statement", "state", "advice"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "broken", "Upgrade this manager"),
        ("UPDATE alembic_version SET version_num = '0007'", "to-look-at", "backup"),
    ],
)
def test_a_database_of_another_version(
    stopped: Path, statement: str, state: str, advice: str
) -> None:
    with sqlite3.connect(stopped / "tablao.sqlite") as database:
        database.execute(statement)
    database.close()

    _, found = doctor(stopped, f"http://127.0.0.1:{free_port()}")

    assert found["database.schema"]["state"] == state
    assert advice in found["database.schema"]["advice"]


def test_a_database_that_is_damaged(stopped: Path) -> None:
    file = stopped / "tablao.sqlite"
    file.write_bytes(b"no database" * 1_000)

    _, found = doctor(stopped, f"http://127.0.0.1:{free_port()}")

    assert found["database"]["state"] == "broken"
    assert "backup" in found["database"]["advice"]
    assert found["database.schema"]["state"] == "to-look-at"


def test_a_folder_that_no_manager_has_run_with(tmp_path: Path) -> None:
    _, found = doctor(tmp_path, f"http://127.0.0.1:{free_port()}")

    assert found["database"]["state"] == "to-look-at"
    assert "--data-dir" in found["database"]["advice"]


@pytest.mark.parametrize(
    "wrong",
    ["listen: nowhere\n", "temporal_address: temporal:7233\ntemporal_tls_ca: none.pem\n"],
)
def test_settings_that_are_wrong(stopped: Path, wrong: str) -> None:
    (stopped / "tablao-manager.yaml").write_text(wrong)

    _, found = doctor(stopped, f"http://127.0.0.1:{free_port()}")

    assert sorted(found) == ["manager", "settings"]
    assert found["settings"]["state"] == "broken"
    assert "Mend the setting" in found["settings"]["advice"]


def test_a_manager_elsewhere_that_does_not_answer_is_the_only_finding(stopped: Path) -> None:
    code, found = doctor(stopped, "http://none.invalid:8080")

    assert (code, list(found)) == (1, ["manager"])
