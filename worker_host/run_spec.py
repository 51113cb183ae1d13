"""The inputs of the run table: a run's commands, its settings, and the hooks of its host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from workflows.domain.messages import Outcome, RunKey, RunRef
from workflows.domain.run_times import RunTimes
from workflows.domain.storage_marker import SharedStorage
from workflows.domain.written_frames import ExistingFrames


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a task, with its variables already expanded for this machine."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    total_step_count: int = 0


@dataclass(frozen=True, slots=True)
class RunSpec:
    """The manager's answer when a host fetches a run's commands."""

    commands: tuple[Command, ...]
    job_name: str = ""
    task_name: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that are added to the commands' clean environment."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Paths of the programs that commands name without a path: `ffmpeg`, `blender`."""
    task_id: str = ""
    existing_frames: ExistingFrames = field(default_factory=ExistingFrames)
    fault_rules: tuple[Mapping[str, Any], ...] = ()
    """The farm's own rules for causes of failures, see `workflows.domain.faults.rules_from`."""
    fail_on_warnings: bool = False
    storage: SharedStorage = field(default_factory=SharedStorage)
    times: RunTimes = field(default_factory=RunTimes)


class RunRefused(Exception):
    """The manager does not hand out this run's commands: the lease is not held."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Settings of runs; times are in seconds, and tests scale them down together."""

    stop_grace_s: float = 10.0
    """The time from SIGTERM to SIGKILL."""
    orphan_after_s: float = 600.0
    """A run stops when its host has been away for this time (protocol rule 7)."""
    unattached_grace_s: float = 60.0
    """A run stops when no activity has asked for it for this time while the host is connected."""
    host_check_s: float = 1.0
    """How often a run checks that its host lives."""
    tick_s: float = 1.0
    """How often the host counts grace and checks old directories."""
    silence_check_s: float = 5.0
    """How often the host measures whether a run shows signs of life."""
    log_poll_s: float = 0.2
    """How often the host checks a live run's log."""
    keep_ended_s: float = 7 * 86400.0
    """Outcomes that were never accepted are dropped after this time."""
    min_free: int = 0
    """A disk with less free space, in bytes, counts as full when a run has failed."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to every command's environment; the run's own variables override it."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """As `RunSpec.tools`, which override it."""


class RunHooks(Protocol):
    """The host, as far as its run table needs it.

    The methods are called on the event loop; those that are not async must not block.
    """

    async def fetch(self, ref: RunRef) -> RunSpec:
        """Return a run's commands.

        Raises:
            RunRefused: the manager does not hand them out.
        """
        ...

    def connected(self) -> bool:
        """Return whether both Temporal and the manager answer; grace counts only then."""
        ...

    async def log_written(self, key: RunKey, offset: int, data: bytes) -> int:
        """Send a piece of the log to the manager, at most 64 KiB, one at a time per run.

        It returns only after the manager has stored the piece (back pressure).

        Returns:
            The offset up to which the manager has the log now, exclusive.

        Raises:
            OSError: the piece was not stored; the caller tries again after a pause.
        """
        ...

    def progressed(self, key: RunKey, progress: Mapping[str, Any]) -> None:
        """Take a run's changed progress (see `RunTable.progress`)."""
        ...

    def image_saved(self, key: RunKey, path: Path) -> None:
        """Take the path of a frame that was written to disk."""
        ...

    def machine_failed(self, outcome: Outcome, commands: Sequence[Command]) -> None:
        """Take the outcome of a run that failed because of this machine, and its commands."""
        ...

    def run_completed(self) -> None:
        """Note that a run has completed."""
        ...

    def run_ended(self) -> None:
        """Note that a run has ended, or was dropped before it began."""
        ...
