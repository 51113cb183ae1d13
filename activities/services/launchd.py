"""Services of macOS: launchd's agents of one user and daemons of the system. Not tried on macOS."""

import plistlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from activities.services.definition import (
    MARK,
    OPEN_FILES,
    RESTART_AFTER_S,
    STOP_WITHIN_S,
    Command,
    Program,
    Runner,
    Service,
    Standing,
)
from activities.services.exit_codes import FINAL_CODE_VARIABLE

SYSTEM_DAEMONS = Path("/Library/LaunchDaemons")
SYSTEM_LOGS = Path("/Library/Logs/Tablao")
#: launchd ignores keys that it does not know.
_NOTE = "TablaoNote"


class Launchd:
    """
    Args:
        folder: where the property lists are.
        logs: the folder for what the programs say.
        domain: `system`, or `gui/UID` for one user's agents.
    """

    def __init__(self, folder: Path, logs: Path, domain: str) -> None:
        self._folder = folder
        self._logs = logs
        self._domain = domain

    @property
    def restarts_for_changes(self) -> bool:
        return True

    def file(self, program: Program) -> Path:
        return self._folder / f"{_label(program)}.plist"

    def content(self, service: Service) -> bytes:
        log = str(self._logs / f"{service.name}.log")
        job: dict[str, Any] = {
            _NOTE: service.note,
            "Label": _label(service.program),
            "ProgramArguments": list(service.command),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "EnvironmentVariables": {FINAL_CODE_VARIABLE: "0"},
            "ThrottleInterval": RESTART_AFTER_S,
            "ExitTimeOut": STOP_WITHIN_S,
            "SoftResourceLimits": {"NumberOfFiles": OPEN_FILES},
            "StandardOutPath": log,
            "StandardErrorPath": log,
        }
        if service.account is not None:
            job["UserName"] = service.account.name
        if service.program is Program.WORKER:
            # Renders outlive the host, and are no background work that may be slowed down.
            job |= {"AbandonProcessGroup": True, "ProcessType": "Interactive"}
        return plistlib.dumps(job)

    def note_in(self, content: bytes) -> str:
        try:
            job = plistlib.loads(content)
        except (plistlib.InvalidFileException, ExpatError, ValueError):
            return ""
        note = job.get(_NOTE, "") if isinstance(job, Mapping) else ""
        return note if isinstance(note, str) and note.startswith(MARK) else ""

    def other_place(self, program: Program, run: Runner) -> str:
        shown = _fields(run(("launchctl", "print", self._target(program))).output)
        path = shown.get("path", "")
        return "" if path == str(self.file(program)) else path

    def installing(self, program: Program, *, is_changed: bool) -> Sequence[Command]:
        load = Command(("launchctl", "bootstrap", self._domain, str(self.file(program))))
        if is_changed:
            return (*self.removing(program), load)
        # It may be loaded already, and may run.
        return (load._replace(may_fail=True), *self.starting(program))

    def removing(self, program: Program) -> Sequence[Command]:
        return (Command(("launchctl", "bootout", self._target(program)), may_fail=True),)

    def removed(self, _program: Program) -> Sequence[Command]:
        return ()

    def starting(self, program: Program) -> Sequence[Command]:
        return (Command(("launchctl", "kickstart", self._target(program))),)

    def stopping(self, program: Program) -> Sequence[Command]:
        # It ends with exit code 0, after which launchd does not start it again.
        return (Command(("launchctl", "kill", "SIGTERM", self._target(program))),)

    def standing(self, program: Program, run: Runner) -> Standing:
        answer = run(("launchctl", "print", self._target(program)))
        shown, label = _fields(answer.output), _label(program)
        if answer.code != 0:
            return Standing(False, f"{label} is not loaded.")
        if shown.get("state") == "running":
            return Standing(True, f"{label} runs as process {shown.get('pid', '?')}.")
        code = shown.get("last exit code", "unknown")
        return Standing(False, f"{label} does not run (last exit code: {code}).")

    def hint(self, service: Service) -> str:
        log = self._logs / f"{service.name}.log"
        when = "" if service.account else " It runs while you are logged in."
        return f"Its log is {log}.{when}"

    def _target(self, program: Program) -> str:
        return f"{self._domain}/{_label(program)}"


def _label(program: Program) -> str:
    return f"tablao.{program}"


def _fields(output: str) -> dict[str, str]:
    """Return what `launchctl print` says of the service itself, in its outermost braces."""
    pairs = (line.strip().partition(" = ") for line in output.splitlines() if line.startswith("\t"))
    found: dict[str, str] = {}
    for key, _, value in pairs:
        found.setdefault(key, value)
    return found
