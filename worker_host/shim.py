"""One run of a task as a process that outlives its host. Standard library only.

    python -I -S worker_host/shim.py RUN_DIRECTORY      executes one run
    python -I -S worker_host/shim.py --serve            executes runs named on standard input

The server forks a shim for each line and answers with its pid; this saves the interpreter's start.
The server ends with its host; the shims do not.
"""

import contextlib
import json
import os
import sys
from typing import Any

if __name__ == "__main__":
    # -I keeps foreign modules off the path, but also our own.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from worker_host import disks, folders, processes
from worker_host.commands import command_named
from worker_host.commands.context import Context
from worker_host.commands.frames_found import FramesFound
from worker_host.commands.parameters import (
    BlendFileMissing,
    CommandFailed,
    ProgramMissing,
    StorageMissing,
)
from worker_host.processes.environment import clean_environment
from worker_host.processes.output import LogFile
from worker_host.processes.watch import Stopped, Watch
from workflows.domain.fault_rules import PROGRAM_MISSING, STORAGE_MISSING, Fault
from workflows.domain.faults import Cause, CauseFinder, rules_from
from workflows.domain.render_warnings import WarningBook, Warnings
from workflows.domain.storage_marker import SharedStorage
from workflows.domain.written_frames import ExistingFrames, WrittenFrame

Outcome = dict[str, Any]
#: Commands whose program each machine has for itself. The program of an `exec` is the job's.
_WITH_OWN_PROGRAM = frozenset({"blender-render", "frames-to-video"})
#: The file in which the host writes why the run has failed, before it tells the shim to stop.
FAILURE = "failure.json"
#: The file in which the shim notes the frames that it sets aside.
ASIDE = "aside"


class Shim:
    """Executes the run described in `run.json` of its directory."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        with open(self._path("run.json"), encoding="utf-8") as file:
            self._run: dict[str, Any] = json.load(file)
        self._log = LogFile(self._path("log"))
        self._storage = SharedStorage(**self._run.get("storage", {}))
        self._state: dict[str, Any] = {"pid": os.getpid(), "start": processes.identity(os.getpid())}
        self._own_rules = rules_from(self._run.get("fault_rules", ()))
        existing = _existing_frames(self._run.get("existing_frames", {}))
        self._frames_found = FramesFound(existing, self._log.line, self._path(ASIDE))
        self._warnings = WarningBook()
        self._causes = CauseFinder(self._own_rules)
        """Finds the cause if the running command fails."""
        self._watch = Watch(
            os.path.join(os.path.dirname(directory), "host.lock"),
            self._run["orphan_after_s"],
            self._run["host_check_s"],
            self._run["times"]["longest_s"],
        )

    def execute(self) -> None:
        if self._claim():
            processes.adopt_orphans()
            outcome = self._outcome() | {"warnings": self._warnings.all()}
            processes.kill_children()
            self._keep(outcome)

    def _claim(self) -> bool:
        """Claim the run for this shim; return False if another shim has claimed it already."""
        draft = self._path(f"claim-{os.getpid()}")
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(self._state, file)
        try:
            os.link(draft, self._path("shim.json"))
        except FileExistsError:
            return False
        finally:
            os.unlink(draft)
        return True

    def _outcome(self) -> Outcome:
        try:
            for index, command in enumerate(self._run["commands"]):
                self._carry_out(index, command)
            self._check_warnings()
        except CommandFailed as failure:
            return self._failed(_one_line(str(failure)), self._missing(failure))
        except Stopped as stopped:
            outcome = self._ordered_failure() or {"kind": stopped.kind, "reason": stopped.reason}
            self._log.line(f"Stopped: {outcome['reason']}")
            return outcome
        except Exception as error:
            # For example a full disk. If no cause is found, it counts as a failure, so it is not
            # retried for ever.
            self._write_traceback()
            return self._failed(_one_line(repr(error)))
        return {"kind": "completed", "reason": _one_line(_completed(self._warnings.all()))}

    def _ordered_failure(self) -> Outcome | None:
        try:
            with open(self._path(FAILURE), encoding="utf-8") as file:
                return {"kind": "failed", "reason": json.load(file)["reason"]}
        except FileNotFoundError:
            return None

    def _missing(self, failure: CommandFailed) -> Cause | None:
        if isinstance(failure, StorageMissing):
            return Cause(STORAGE_MISSING, str(failure))
        if isinstance(failure, BlendFileMissing):
            return folders.why_no_file(failure.path, self._storage)
        is_own = self._state.get("command", {}).get("name") in _WITH_OWN_PROGRAM
        return Cause(PROGRAM_MISSING) if is_own and isinstance(failure, ProgramMissing) else None

    def _failed(self, failure: str, cause: Cause | None = None) -> Outcome:
        cause = cause or self._cause(failure)
        reason = failure if cause is None else cause.reason(failure)
        self._log.line(f"Failed: {reason}")
        outcome: Outcome = {"kind": "failed", "reason": reason}
        if cause is not None:
            rule = cause.rule
            outcome |= {"fault": rule.fault, "rule": rule.name, "may_be_tasks": rule.may_be_tasks}
        return outcome

    def _cause(self, failure: str) -> Cause | None:
        self._causes.text(failure)
        cause = self._causes.cause
        if cause is None or cause.rule.fault is not Fault.MACHINE:
            return self._trouble_with_folders() or cause
        return cause

    def _is_machines_fault(self, failure: str) -> bool:
        cause = self._cause(failure)
        return cause is not None and cause.rule.fault is Fault.MACHINE

    def _trouble_with_folders(self) -> Cause | None:
        """Return why the running command cannot write; no line may have said so."""
        index = self._state.get("command", {}).get("index")
        if index is None:
            return None
        command = self._run["commands"][index]
        written = folders.written_by(command["name"], command["parameters"])
        trouble = folders.storage_trouble(self._storage, written)
        least = self._run.get("min_free", 0)
        return trouble or disks.trouble_with([self._directory, *written], least)

    def _check_storage(self, command: dict[str, Any]) -> None:
        """
        Raises:
            StorageMissing: the command writes to the shared storage, which is not there.
        """
        written = folders.written_by(command["name"], command["parameters"])
        if trouble := folders.storage_trouble(self._storage, written):
            raise StorageMissing(trouble.words)

    def _check_warnings(self) -> None:
        """Check that there are no warnings, if the job's metadata make them failures.

        Raises:
            CommandFailed: there is one.
        """
        if self._run.get("fail_on_warnings") and (warning := self._warnings.failing):
            # Blender would skip them in the next try, and so have nothing to warn of.
            self._frames_found.set_new_aside("its task has warnings")
            raise CommandFailed(f"{warning} (in this job, a warning is a failure).")

    def _carry_out(self, index: int, command: dict[str, Any]) -> None:
        self._state["command"] = {"index": index, "name": command["name"]}
        self._watch.checkpoint()
        self._causes = CauseFinder(self._own_rules)
        context = Context(
            self._log,
            self._watch,
            environment=clean_environment(os.environ, self._run["environment"], self._run["key"]),
            tools=self._run["tools"],
            stop_grace_s=self._run["stop_grace_s"],
            end_grace_s=self._run["times"]["end_grace_s"],
            directory=self._directory,
            on_started=self._note_process,
            warnings=self._warnings,
            frames_found=self._frames_found,
            on_lines=self._causes.lines,
            is_machines_fault=self._is_machines_fault,
        )
        self._check_storage(command)
        command_named(command["name"])(command["parameters"], context)
        # Unmounted meanwhile: what was written is on the local disk, under the mount point.
        self._check_storage(command)

    def _note_process(self, pid: int) -> None:
        process = {"pid": pid, "pgid": pid, "start": processes.identity(pid)}
        self._state["command"].update(process)
        # On a full disk the host does not learn the command's name; the command goes on.
        with contextlib.suppress(OSError):
            self._write("shim.json", self._state)

    def _write(self, name: str, content: object) -> None:
        draft = self._path(f"{name}.draft")
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(content, file)
        processes.replace_file(draft, self._path(name))

    def _keep(self, outcome: Outcome) -> None:
        """Write the outcome over the space that was reserved for it, as the disk may be full."""
        reserved = self._path("reserved")
        # A host of an older build reserves no space.
        descriptor = os.open(reserved, os.O_RDWR | os.O_CREAT, 0o600)
        with open(descriptor, "r+b") as file:
            file.write(json.dumps(outcome).encode().ljust(os.fstat(file.fileno()).st_size))
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        processes.replace_file(reserved, self._path("outcome.json"))

    def _write_traceback(self) -> None:
        import traceback

        with (
            contextlib.suppress(OSError),
            open(self._path("crash.txt"), "a", encoding="utf-8") as file,
        ):
            traceback.print_exc(file=file)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)


def _completed(warnings: Warnings) -> str:
    if not warnings:
        return "Completed"
    count = "a warning" if len(warnings) == 1 else f"{len(warnings)} warnings"
    return f"Completed with {count}: {'; '.join(text for text, _ in warnings)}"


def _existing_frames(given: dict[str, Any]) -> ExistingFrames:
    written = tuple(WrittenFrame(*each) for each in given.get("written", ()))
    return ExistingFrames(given.get("are_all_kept", True), written)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _execute(directory: str) -> None:
    """Execute a run and exit; called in the forked process."""
    status = 1
    try:
        Shim(directory).execute()
        status = 0
    finally:
        os._exit(status)


def main(arguments: list[str]) -> None:
    if arguments == ["--serve"]:
        processes.fork_for_each_line(_execute)
    elif len(arguments) == 1:
        Shim(os.path.abspath(arguments[0])).execute()
    else:
        sys.exit("usage: shim.py RUN_DIRECTORY | --serve")


if __name__ == "__main__":
    main(sys.argv[1:])
