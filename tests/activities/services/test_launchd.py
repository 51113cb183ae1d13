"""The property lists that launchd gets. launchd itself is not here: what is compared is content."""

import plistlib
from pathlib import Path
from typing import Any

import pytest

from activities.services.definition import MARK, Account, Answer, Program, Service
from activities.services.exit_codes import FINAL_CODE_VARIABLE
from activities.services.launchd import Launchd

STRANGE = "/opt/Grüße & <an> \"$HOME\" 'und' 100%/tablao"


@pytest.fixture
def agents(tmp_path: Path) -> Launchd:
    return Launchd(tmp_path, tmp_path / "logs", "gui/501")


def job_of(system: Launchd, service: Service) -> dict[str, Any]:
    return dict(plistlib.loads(system.content(service)))


def test_words_arrive_as_they_are(agents: Launchd) -> None:
    command = (STRANGE, "--data-dir", "/Volumes/Zoë/my data")

    job = job_of(agents, Service(Program.WORKER, command))

    assert job["ProgramArguments"] == list(command)


def test_a_crash_starts_it_again_and_an_end_that_was_asked_for_does_not(agents: Launchd) -> None:
    job = job_of(agents, Service(Program.MANAGER, (STRANGE, "manager")))

    assert (job["RunAtLoad"], job["KeepAlive"]) == (True, {"SuccessfulExit": False})
    assert job["EnvironmentVariables"] == {FINAL_CODE_VARIABLE: "0"}
    assert job["ExitTimeOut"] == 90
    assert "UserName" not in job


def test_renders_of_a_worker_outlive_its_host(agents: Launchd) -> None:
    worker = job_of(agents, Service(Program.WORKER, (STRANGE,)))
    manager = job_of(agents, Service(Program.MANAGER, (STRANGE,)))

    assert worker["AbandonProcessGroup"] is True
    assert "AbandonProcessGroup" not in manager


def test_a_daemon_has_its_user_and_its_log(tmp_path: Path) -> None:
    system = Launchd(tmp_path, Path("/Library/Logs/Tablao"), "system")

    job = job_of(system, Service(Program.WORKER, (STRANGE,), Account("render", 502, 20)))

    assert job["UserName"] == "render"
    log = "/Library/Logs/Tablao/tablao-worker.log"
    assert (job["StandardOutPath"], job["StandardErrorPath"]) == (log, log)


def test_a_property_list_of_others_is_told_from_ours(agents: Launchd) -> None:
    ours = agents.content(Service(Program.WORKER, (STRANGE,), data_dir=Path("/data & more")))

    assert agents.note_in(ours) == f"{MARK} Data directory: /data & more"
    assert agents.note_in(plistlib.dumps({"Label": "tablao.worker"})) == ""
    assert agents.note_in(plistlib.dumps(["a list"])) == ""
    assert agents.note_in(b"<plist><dict>") == ""
    assert agents.note_in(b"") == ""


def test_it_is_loaded_into_its_domain(agents: Launchd, tmp_path: Path) -> None:
    load = ("launchctl", "bootstrap", "gui/501", str(tmp_path / "tablao.worker.plist"))

    changed = agents.installing(Program.WORKER, is_changed=True)
    unchanged = agents.installing(Program.WORKER, is_changed=False)

    assert [each.words for each in changed] == [
        ("launchctl", "bootout", "gui/501/tablao.worker"),
        load,
    ]
    # What runs goes on.
    assert [each.words for each in unchanged] == [
        load,
        ("launchctl", "kickstart", "gui/501/tablao.worker"),
    ]


@pytest.mark.parametrize(
    ("answer", "is_running", "words"),
    [
        (Answer(113, "", "Could not find service"), False, "is not loaded"),
        (Answer(0, "gui = {\n\tstate = running\n\tpid = 7\n}\n", ""), True, "runs as process 7"),
        (
            Answer(0, "x = {\n\tstate = not running\n\tlast exit code = 78\n}\n", ""),
            False,
            "last exit code: 78",
        ),
    ],
)
def test_its_state_is_read_from_launchctl(
    agents: Launchd, answer: Answer, is_running: bool, words: str
) -> None:
    standing = agents.standing(Program.WORKER, lambda _words: answer)

    assert (standing.is_running, words in standing.sentence) == (is_running, True)
