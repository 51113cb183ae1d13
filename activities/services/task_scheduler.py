"""Services of Windows: tasks of its Task Scheduler. Not tried on Windows.

docs/services.md says why these are tasks and no Windows services.
"""

import io
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from activities.services.definition import (
    MARK,
    Command,
    Program,
    Runner,
    Service,
    Standing,
    name_of,
)

_NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
#: The most that Task Scheduler takes, a minute apart.
_TRIES = 999


class TaskScheduler:
    """
    Args:
        folder: where the files are kept from which tasks are made.
        user: the user who installs, as `DOMAIN\\name`.
    """

    def __init__(self, folder: Path, user: str) -> None:
        self._folder = folder
        self._user = user

    @property
    def restarts_for_changes(self) -> bool:
        return False

    def file(self, program: Program) -> Path:
        return self._folder / f"{name_of(program)}.xml"

    def content(self, service: Service) -> bytes:
        ElementTree.register_namespace("", _NAMESPACE)
        task = ElementTree.Element(_tag("Task"), version="1.2")
        _add(task, "RegistrationInfo", Description=service.note)
        self._triggers(task, service)
        self._principal(task, service)
        _settings(task)
        launcher, *arguments = service.command
        actions = _add(task, "Actions")
        _add(actions, "Exec", Command=launcher, Arguments=subprocess.list2cmdline(arguments))
        written = io.BytesIO()
        ElementTree.ElementTree(task).write(written, encoding="utf-16", xml_declaration=True)
        return written.getvalue()

    def note_in(self, content: bytes) -> str:
        try:
            task = ElementTree.fromstring(content)
        except (ElementTree.ParseError, ValueError, LookupError):
            return ""
        note = task.findtext(f"{_tag('RegistrationInfo')}/{_tag('Description')}") or ""
        return note if note.startswith(MARK) else ""

    def other_place(self, program: Program, run: Runner) -> str:
        answer = run(("schtasks", "/Query", "/TN", _task(program), "/XML", "ONE"))
        return "" if answer.code != 0 or MARK in answer.output else f"task {_task(program)}"

    def installing(self, program: Program, *, is_changed: bool) -> Sequence[Command]:
        make = ("schtasks", "/Create", "/TN", _task(program), "/XML", str(self.file(program)), "/F")
        return (Command(make), *self.starting(program))

    def removing(self, program: Program) -> Sequence[Command]:
        return (
            Command(("schtasks", "/End", "/TN", _task(program)), may_fail=True),
            Command(("schtasks", "/Delete", "/TN", _task(program), "/F")),
        )

    def removed(self, _program: Program) -> Sequence[Command]:
        return ()

    def starting(self, program: Program) -> Sequence[Command]:
        return (Command(("schtasks", "/Run", "/TN", _task(program))),)

    def stopping(self, program: Program) -> Sequence[Command]:
        return (Command(("schtasks", "/End", "/TN", _task(program))),)

    def standing(self, program: Program, run: Runner) -> Standing:
        # The words of a list are in the language of the system; those of PowerShell are not.
        path, name = _task(program).rsplit("\\", 1)
        ask = f"(Get-ScheduledTask -TaskPath '{path}\\' -TaskName '{name}').State"
        answer = run(("powershell", "-NoProfile", "-Command", ask))
        state = answer.output.strip()
        if answer.code != 0 or not state:
            return Standing(False, f"There is no task {_task(program)}.")
        return Standing(state == "Running", f"The task {_task(program)} is in the state {state}.")

    def hint(self, service: Service) -> str:
        return "" if service.account else "It runs while you are logged in."

    def _triggers(self, task: ElementTree.Element, service: Service) -> None:
        triggers = _add(task, "Triggers")
        if service.account is not None:
            _add(triggers, "BootTrigger", Enabled="true")
        else:
            _add(triggers, "LogonTrigger", Enabled="true", UserId=self._user)

    def _principal(self, task: ElementTree.Element, service: Service) -> None:
        principal = _add(_add(task, "Principals"), "Principal")
        account = service.account
        # Without a password (S4U), a task that starts with the machine reaches no network drive.
        how = "S4U" if account is not None else "InteractiveToken"
        user = account.name if account is not None else self._user
        words = {"UserId": user, "LogonType": how, "RunLevel": "LeastPrivilege"}
        for name, text in words.items():
            _add(principal, name).text = text


def _settings(task: ElementTree.Element) -> None:
    settings = _add(
        task,
        "Settings",
        MultipleInstancesPolicy="IgnoreNew",
        DisallowStartIfOnBatteries="false",
        StopIfGoingOnBatteries="false",
        StartWhenAvailable="true",
        RunOnlyIfNetworkAvailable="false",
        # It may run for ever; else Windows ends it after three days.
        ExecutionTimeLimit="PT0S",
        # Below it, tasks get little time of the processor and of disks.
        Priority="5",
    )
    _add(settings, "RestartOnFailure", Interval="PT1M", Count=str(_TRIES))


def _task(program: Program) -> str:
    return f"\\Tablao\\{program}"


def _tag(name: str) -> str:
    return f"{{{_NAMESPACE}}}{name}"


def _add(parent: ElementTree.Element, tag: str, **texts: str) -> ElementTree.Element:
    """Add an element, and in it an element for each text."""
    element = ElementTree.SubElement(parent, _tag(tag))
    for name, text in texts.items():
        ElementTree.SubElement(element, _tag(name)).text = text
    return element
