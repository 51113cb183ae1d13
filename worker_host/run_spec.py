"""What the run table is given: a run's commands, its settings, and the host that it tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from workflows.domain.messages import RunKey, RunRef


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a task, its variables already replaced for this machine."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    total_step_count: int = 0


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What the manager answers when a host fetches a run's commands."""

    commands: tuple[Command, ...]
    job_name: str = ""
    task_name: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the commands' clean environment."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Where programs are that a command names without a path: `ffmpeg`, `blender`."""
    task_id: str = ""


class RunRefused(Exception):
    """The manager does not hand out this run's commands: the lease is not held."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Times of runs, in seconds; scaled down together in tests."""

    stop_grace_s: float = 10.0
    """From SIGTERM to SIGKILL."""
    orphan_after_s: float = 600.0
    """A run stops when its host has been away for so long (protocol rule 7)."""
    unattached_grace_s: float = 60.0
    """A run stops when no activity has asked for it for so long, while connected."""
    host_check_s: float = 1.0
    """How often a run looks whether its host is there."""
    tick_s: float = 1.0
    """How often grace is counted and old directories are looked at."""
    log_poll_s: float = 0.2
    """How often a live run's log is looked at."""
    keep_ended_s: float = 7 * 86400.0
    """Outcomes that nobody asked for are dropped after so long."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to every command's environment, below the run's own."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """As `RunSpec.tools`, below the run's own."""


class RunHooks(Protocol):
    """The host, as its run table asks and tells it. Called on the event loop; the plain ones must
    not block."""

    async def fetch(self, ref: RunRef) -> RunSpec:
        """A run's commands.

        Raises:
            RunRefused: the manager does not hand them out.
        """
        ...

    def connected(self) -> bool:
        """Whether both Temporal and the manager answer; grace counts only then."""
        ...

    async def log_written(self, key: RunKey, offset: int, data: bytes) -> int:
        """Hand a piece of the log to the manager, at most 64 KiB, one at a time per run.

        Returns once the manager has stored it (back pressure): the offset up to which it has
        the log now. Raises OSError to be asked again after a pause.
        """
        ...

    def progressed(self, key: RunKey, progress: Mapping[str, Any]) -> None:
        """The run's progress (see `RunTable.progress`) has changed."""
        ...

    def image_saved(self, key: RunKey, path: Path) -> None:
        """A frame has been written to disk."""
        ...

    def run_ended(self) -> None:
        """A run has ended, or has come to nothing."""
        ...
