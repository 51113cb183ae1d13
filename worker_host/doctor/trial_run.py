"""Runs commands as tasks run on this machine, in a folder of its own, for the doctor.

It is the host's own way: the run table, a shim process, the clean environment, the account of
frames, the rules for faults. Only the manager is left out.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from worker_host.run_spec import Command, RunSettings, RunSpec
from worker_host.run_table import RunTable
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef

#: The most bytes of a log that are kept.
_LONGEST_LOG = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Tried:
    outcome: Outcome
    log: str

    @property
    def is_completed(self) -> bool:
        return self.outcome.kind is OutcomeKind.COMPLETED


async def tried(
    commands: Sequence[Command],
    folder: Path,
    settings: RunSettings,
    environment: Mapping[str, str],
    within_s: float,
) -> Tried:
    """Run commands; return how they ended. Nothing of them is left running.

    Args:
        folder: where the run has its files; it exists.
        environment: added to the clean environment of commands.
        within_s: then the run is stopped, and counts as failed.

    Raises:
        OSError: the run cannot begin, for example because the disk is full.
    """
    hooks = _Hooks(RunSpec(tuple(commands), environment=environment, task_id=str(uuid4())))
    table = RunTable(folder / "runs", hooks, settings)
    ref = RunRef(str(uuid4()), 1, 1, 1, str(uuid4()), 0, 1, "")
    await table.open()
    try:
        async with asyncio.timeout(within_s):
            outcome = await table.run_or_attach(ref)
    except TimeoutError:
        outcome = Outcome(OutcomeKind.FAILED, f"it did not end within {within_s:.0f} s")
    finally:
        await table.close(stop_runs=True)
    return Tried(outcome, _log_of(folder / "runs" / str(ref.key) / "log"))


def _log_of(file: Path) -> str:
    try:
        with file.open("rb") as log:
            return log.read(_LONGEST_LOG).decode("utf-8", "replace")
    except OSError:
        return ""


class _Hooks:
    """Stands in for the manager; see `worker_host.run_spec.RunHooks`."""

    def __init__(self, spec: RunSpec) -> None:
        self._spec = spec

    async def fetch(self, ref: RunRef) -> RunSpec:
        return self._spec

    def connected(self) -> bool:
        return True

    async def log_written(self, key: RunKey, offset: int, data: bytes) -> int:
        return offset + len(data)

    def progressed(self, key: RunKey, progress: Mapping[str, Any]) -> None: ...
    def image_saved(self, key: RunKey, path: Path) -> None: ...
    def machine_failed(self, outcome: Outcome, commands: Sequence[Command]) -> None: ...
    def run_completed(self) -> None: ...
    def run_ended(self) -> None: ...
