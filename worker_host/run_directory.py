"""A run's directory, as its host writes and reads it. Each file's writer is in parentheses.

run.json      the commands to execute (host)
shim.json     the shim that executes them, and the running command (shim)
log           the task's log (shim)
reserved      the space for the outcome, in case that the disk is full later (host)
aside         the frames that were set aside (shim)
failure.json  why the run is stopped as failed (host)
outcome.json  the run's outcome (shim; the host if the shim died)
acked         how many bytes of the log the manager has (host)
delivered     exists if the outcome has been accepted (host)
"""

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from worker_host import processes
from worker_host.commands.frames_found import put_back
from worker_host.run_spec import Command, RunSettings, RunSpec
from worker_host.shim import ASIDE, FAILURE
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef
from workflows.domain.render_warnings import clipped
from workflows.domain.run_times import RunTimes

#: The space that is reserved for a run's outcome, in bytes.
_RESERVED = 16_384


@dataclass(frozen=True, slots=True)
class Executor:
    """The shim that executes a run; pid 0 if the run never had one."""

    pid: int
    start: str
    """The process's `identity`, which tells it from a later process of the same number."""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The files of one run."""

    path: Path

    @property
    def log(self) -> Path:
        return self.path / "log"

    def create(self, ref: RunRef, spec: RunSpec, settings: RunSettings) -> None:
        """Make the directory, with the commands to execute."""
        self.path.mkdir(mode=0o700)
        self._write("run.json", _description(ref, spec, settings))
        (self.path / "reserved").write_bytes(b" " * _RESERVED)

    def ref(self) -> RunRef:
        """Return the run's reference.

        Raises:
            OSError, ValueError: the directory is incomplete after a crash, or is not this run's.
        """
        run = self._read("run.json")
        key = RunKey.parse(self.path.name)
        if run["key"] != self.path.name:
            raise ValueError("the directory holds another run")
        ref = RunRef(
            key.job_id,
            key.index,
            key.run,
            key.attempt,
            run["lease_id"],
            run["slot"],
            run["generation"],
        )
        ref.check()
        return ref

    def commands(self) -> tuple[Command, ...]:
        return tuple(Command(**command) for command in self._read("run.json")["commands"])

    def times(self) -> RunTimes:
        """Return the run's times; the default ones for a run that an older build began."""
        return RunTimes.read(self._read("run.json").get("times", {}))

    def order_failure(self, reason: str) -> None:
        """Write why the run has failed, for the shim that is then told to stop."""
        self._write(FAILURE, {"reason": reason})

    def outcome(self) -> Outcome | None:
        try:
            outcome = self._read("outcome.json")
            warnings = clipped((text, count) for text, count in outcome.get("warnings", ()))
            kind = OutcomeKind(outcome["kind"])
            return Outcome(**{**outcome, "kind": kind, "warnings": warnings})
        except (OSError, ValueError, TypeError):
            return None

    def keep_outcome(self, outcome: Outcome) -> None:
        """Write the outcome of a run whose shim has died without one."""
        self._write("outcome.json", asdict(outcome))

    def put_frames_back(self) -> None:
        """Put frames back that a killed shim has set aside and that nothing has replaced.

        The task may count as completed again, after a restore of a backup of the database.
        """
        put_back(str(self.path / ASIDE))

    def executor(self) -> Executor:
        """Return the run's shim. If none has begun, this call keeps later ones from beginning."""
        claim = self.path / "shim.json"
        with contextlib.suppress(FileExistsError), open(claim, "x", encoding="utf-8") as file:
            json.dump({"pid": 0, "start": ""}, file)
        try:
            shim = self._read("shim.json")
        except ValueError:
            return Executor(0, "")  # an earlier host crashed while it wrote the file
        return Executor(shim["pid"], shim["start"])

    def running_command(self) -> str | None:
        """Return the name of the running command; None if the shim has not written it."""
        try:
            name: str | None = self._read("shim.json")["command"]["name"]
        except (OSError, ValueError, KeyError):
            return None
        return name

    def log_size(self) -> int:
        try:
            return self.log.stat().st_size
        except FileNotFoundError:
            return 0

    def read_log(self, offset: int, limit: int) -> bytes:
        try:
            with self.log.open("rb") as file:
                file.seek(offset)
                return file.read(limit)
        except FileNotFoundError:
            return b""

    def acked(self) -> int:
        # The log is not fsynced, so it may be shorter after a power cut than when it was read.
        try:
            return min(int((self.path / "acked").read_text()), self.log_size())
        except (OSError, ValueError):
            return 0

    def keep_acked(self, offset: int) -> None:
        self._write("acked", offset)

    def is_delivered(self) -> bool:
        return (self.path / "delivered").exists()

    def keep_delivered(self) -> None:
        (self.path / "delivered").touch()

    def age_s(self) -> float:
        """Return the seconds since the run ended, by the wall clock; 0 if it has not ended."""
        with contextlib.suppress(OSError):
            return time.time() - (self.path / "outcome.json").stat().st_mtime
        return 0.0

    def _read(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(processes.read_file(self.path / name))
        return content

    def _write(self, name: str, content: object) -> None:
        draft = self.path / f"{name}.draft"
        draft.write_text(json.dumps(content), encoding="utf-8")
        processes.replace_file(draft, self.path / name)


def _description(ref: RunRef, spec: RunSpec, settings: RunSettings) -> Mapping[str, Any]:
    return {
        "key": str(ref.key),
        "lease_id": ref.lease_id,
        "slot": ref.slot,
        "generation": ref.generation,
        "job_name": spec.job_name,
        "task_name": spec.task_name,
        "existing_frames": {
            "are_all_kept": spec.existing_frames.are_all_kept,
            "written": [astuple(frame) for frame in spec.existing_frames.written],
        },
        "commands": [
            asdict(command) | {"parameters": dict(command.parameters)} for command in spec.commands
        ],
        "environment": {**settings.environment, **spec.environment},
        "tools": {**settings.tools, **spec.tools},
        "fault_rules": [dict(rule) for rule in spec.fault_rules],
        "fail_on_warnings": spec.fail_on_warnings,
        "min_free": settings.min_free,
        "times": asdict(spec.times),
        "storage": asdict(spec.storage),
        "stop_grace_s": settings.stop_grace_s,
        "orphan_after_s": settings.orphan_after_s,
        "host_check_s": settings.host_check_s,
    }
