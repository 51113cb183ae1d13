"""One run of a task as a process that outlives its host. Standard library only.

    python -I -S worker_host/shim.py RUN_DIRECTORY      executes one run
    python -I -S worker_host/shim.py --serve            executes runs named on standard input

The server forks a shim for each line and answers with its pid; this saves the interpreter's start.
The server ends with its host; the shims do not.
"""

import json
import os
import signal
import sys
from typing import Any

if __name__ == "__main__":
    # -I keeps foreign modules off the path, but also our own.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from worker_host import processes
from worker_host.commands import command_named
from worker_host.commands.context import Context
from worker_host.commands.parameters import CommandFailed
from worker_host.processes.environment import clean_environment
from worker_host.processes.output import LogFile
from worker_host.processes.watch import Stopped, Watch

Outcome = dict[str, str]
#: The file in which the host writes why the run has failed, before it tells the shim to stop.
FAILURE = "failure.json"


class Shim:
    """Executes the run described in `run.json` of its directory."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        with open(self._path("run.json"), encoding="utf-8") as file:
            self._run: dict[str, Any] = json.load(file)
        self._log = LogFile(self._path("log"))
        self._state: dict[str, Any] = {"pid": os.getpid(), "start": processes.identity(os.getpid())}
        self._watch = Watch(
            os.path.join(os.path.dirname(directory), "host.lock"),
            self._run["orphan_after_s"],
            self._run["host_check_s"],
            self._run["times"]["longest_s"],
        )

    def execute(self) -> None:
        if self._claim():
            processes.adopt_orphans()
            outcome = self._outcome()
            processes.kill_children()
            self._write("outcome.json", outcome, durably=True)

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
        except CommandFailed as failure:
            self._log.line(f"Failed: {failure}")
            return {"kind": "failed", "reason": _one_line(str(failure))}
        except Stopped as stopped:
            outcome = self._ordered_failure() or {"kind": stopped.kind, "reason": stopped.reason}
            self._log.line(f"Stopped: {outcome['reason']}")
            return outcome
        except Exception as error:
            # For example a full disk. It counts as a failure, so it is not retried for ever.
            self._write_traceback()
            return {"kind": "failed", "reason": _one_line(repr(error))}
        return {"kind": "completed", "reason": "Completed"}

    def _ordered_failure(self) -> Outcome | None:
        try:
            with open(self._path(FAILURE), encoding="utf-8") as file:
                return {"kind": "failed", "reason": json.load(file)["reason"]}
        except FileNotFoundError:
            return None

    def _carry_out(self, index: int, command: dict[str, Any]) -> None:
        self._state["command"] = {"index": index, "name": command["name"]}
        self._watch.checkpoint()
        context = Context(
            self._log,
            self._watch,
            environment=clean_environment(os.environ, self._run["environment"], self._run["key"]),
            tools=self._run["tools"],
            stop_grace_s=self._run["stop_grace_s"],
            end_grace_s=self._run["times"]["end_grace_s"],
            on_started=self._note_process,
        )
        command_named(command["name"])(command["parameters"], context)

    def _note_process(self, pid: int) -> None:
        process = {"pid": pid, "pgid": pid, "start": processes.identity(pid)}
        self._state["command"].update(process)
        self._write("shim.json", self._state)

    def _write(self, name: str, content: object, *, durably: bool = False) -> None:
        draft = self._path(f"{name}.draft")
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            if durably:
                os.fsync(file.fileno())
        os.replace(draft, self._path(name))

    def _write_traceback(self) -> None:
        import traceback

        with open(self._path("crash.txt"), "a", encoding="utf-8") as file:
            traceback.print_exc(file=file)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def serve() -> None:
    """Fork a shim for each run directory named on a line of standard input."""
    # The server does not wait for its shims: the host watches them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    pending = b""
    while chunk := os.read(0, 4096):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            pid = os.fork()
            if pid == 0:
                _execute(os.fsdecode(line))
            os.write(1, b"%d\n" % pid)


def _execute(directory: str) -> None:
    """Execute a run and exit; called in the forked process."""
    status = 1
    try:
        processes.leave_terminal()
        Shim(directory).execute()
        status = 0
    finally:
        os._exit(status)


def main(arguments: list[str]) -> None:
    if arguments == ["--serve"]:
        serve()
    elif len(arguments) == 1:
        Shim(os.path.abspath(arguments[0])).execute()
    else:
        sys.exit("usage: shim.py RUN_DIRECTORY | --serve")


if __name__ == "__main__":
    main(sys.argv[1:])
