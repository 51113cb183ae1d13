"""The tasks that Windows gets. Task Scheduler is not here: what is compared is content."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from activities.services.definition import MARK, Account, Answer, Program, Service
from activities.services.task_scheduler import TaskScheduler

SPACE = {"": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
LAUNCHER = "C:\\Program Files\\Grüße & <Co>\\tablao-worker.exe"


@pytest.fixture
def scheduler(tmp_path: Path) -> TaskScheduler:
    return TaskScheduler(tmp_path, "STUDIO\\zoë")


def task_of(scheduler: TaskScheduler, service: Service) -> ElementTree.Element:
    return ElementTree.fromstring(scheduler.content(service))


def text(task: ElementTree.Element, path: str) -> str | None:
    return task.findtext(path, namespaces=SPACE)


def test_words_arrive_as_they_are(scheduler: TaskScheduler) -> None:
    arguments = ("--data-dir", "D:\\my data\\", "--name", 'say "hi" & 100%')

    task = task_of(scheduler, Service(Program.WORKER, (LAUNCHER, *arguments)))

    assert text(task, "Actions/Exec/Command") == LAUNCHER
    assert text(task, "Actions/Exec/Arguments") == (
        '--data-dir "D:\\my data\\\\" --name "say \\"hi\\" & 100%"'
    )


def test_a_users_own_starts_at_log_on_with_its_drives(scheduler: TaskScheduler) -> None:
    task = task_of(scheduler, Service(Program.WORKER, (LAUNCHER,)))

    assert text(task, "Triggers/LogonTrigger/UserId") == "STUDIO\\zoë"
    assert text(task, "Principals/Principal/LogonType") == "InteractiveToken"
    assert task.find("Triggers/BootTrigger", SPACE) is None


def test_the_machines_starts_with_it_as_its_user(scheduler: TaskScheduler) -> None:
    task = task_of(scheduler, Service(Program.WORKER, (LAUNCHER,), Account("render", 0, 0)))

    assert text(task, "Triggers/BootTrigger/Enabled") == "true"
    assert text(task, "Principals/Principal/UserId") == "render"
    assert task.find("Triggers/LogonTrigger", SPACE) is None


def test_it_is_one_runs_for_ever_and_is_started_again(scheduler: TaskScheduler) -> None:
    settings = task_of(scheduler, Service(Program.WORKER, (LAUNCHER,))).find("Settings", SPACE)

    assert settings is not None
    assert text(settings, "MultipleInstancesPolicy") == "IgnoreNew"
    assert text(settings, "ExecutionTimeLimit") == "PT0S"
    assert text(settings, "RestartOnFailure/Interval") == "PT1M"
    assert text(settings, "StopIfGoingOnBatteries") == "false"


def test_its_parts_are_in_the_order_of_the_schema(scheduler: TaskScheduler) -> None:
    task = task_of(scheduler, Service(Program.MANAGER, (LAUNCHER, "manager")))

    parts = [part.tag.rpartition("}")[2] for part in task]

    assert parts == ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]


def test_a_task_of_others_is_told_from_ours(scheduler: TaskScheduler) -> None:
    ours = scheduler.content(Service(Program.WORKER, (LAUNCHER,), data_dir=Path("/d & d")))

    assert ours.startswith(b"\xff\xfe")  # Task Scheduler reads UTF-16
    assert scheduler.note_in(ours) == f"{MARK} Data directory: /d & d"
    assert scheduler.note_in(b"<Task/>") == ""
    assert scheduler.note_in(b"<Task") == ""


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (Answer(1, "", "not found"), ""),
        (Answer(0, f"<Task>{MARK}</Task>", ""), ""),
        (Answer(0, "<Task>another's</Task>", ""), "task \\Tablao\\worker"),
    ],
)
def test_a_task_that_another_program_has_made_is_seen(
    scheduler: TaskScheduler, answer: Answer, place: str
) -> None:
    assert scheduler.other_place(Program.WORKER, lambda _words: answer) == place


@pytest.mark.parametrize(
    ("answer", "is_running"),
    [
        (Answer(0, "Running\r\n", ""), True),
        (Answer(0, "Ready\r\n", ""), False),
        (Answer(1, "", "no such task"), False),
    ],
)
def test_its_state_is_asked_for(scheduler: TaskScheduler, answer: Answer, is_running: bool) -> None:
    assert scheduler.standing(Program.WORKER, lambda _words: answer).is_running is is_running
