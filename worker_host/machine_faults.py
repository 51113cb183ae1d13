"""Sets the worker aside for faults of its machine that runs have met, or that the host finds."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from worker_host.asides import Asides, IsMended
from worker_host.disks import space_trouble, trouble_with
from worker_host.folders import sees, written_by
from worker_host.provisioned import types_without_programs
from worker_host.run_spec import Command
from workflows.domain.fault_rules import BUILT_IN, PROGRAM_MISSING, Probe
from workflows.domain.messages import Outcome
from workflows.domain.storage_marker import SharedStorage

#: The part of the memory, in percent, that must be free before a task is tried again.
_FREE_MEMORY_PERCENT = 10
#: With less free space on the disk of runs, in bytes, the next run could not even begin.
_SCARCE = 1_000_000
_PROBES = {rule.name: rule.probe for rule in BUILT_IN}


class MachineFaults:
    """Knows this machine's folders and programs, and how to probe them.

    Args:
        runs_dir: the folder of runs.
        min_free: a disk with less free space, in bytes, counts as full.
        task_types: the types that the host takes by its own settings.
        tools: paths of programs by name.
    """

    def __init__(
        self,
        asides: Asides,
        *,
        runs_dir: Path,
        min_free: int,
        task_types: Collection[str],
        tools: Mapping[str, str],
    ) -> None:
        self._asides = asides
        self._runs_dir = runs_dir
        self._min_free = min_free
        self._own_task_types = self._task_types = task_types
        self._tools = tools
        self._programs: Mapping[str, Any] = {}
        self._storage = SharedStorage()

    def storage_is(self, storage: SharedStorage) -> None:
        """Note where the shared storage is, for the probe that looks whether it is there."""
        self._storage = storage

    def run_completed(self) -> None:
        """Set the worker aside if the disk of runs is full, although the run did not need it."""
        cause = space_trouble(str(self._runs_dir), min(self._min_free, _SCARCE))
        if cause is not None:
            reason = cause.reason()
            self._asides.set_aside(cause.rule.name, reason, self._is_mended(Probe.FOLDERS, ()))

    def run_failed(self, outcome: Outcome, commands: Sequence[Command]) -> None:
        """Set the worker aside because of a run's outcome."""
        probe = _PROBES.get(outcome.rule, Probe.TIME)
        # Programs are missing for some task types only: `look_for_programs` knows for which.
        if probe is not Probe.PROGRAMS:
            self._asides.set_aside(outcome.rule, outcome.reason, self._is_mended(probe, commands))

    def _is_mended(self, probe: Probe, commands: Sequence[Command]) -> IsMended:
        if probe is Probe.MEMORY:
            return _has_free_memory
        if probe is Probe.STORAGE:
            storage = self._storage
            return lambda: sees(storage)
        if probe is Probe.TIME:
            return lambda: True
        folders = [str(self._runs_dir)]
        for command in commands:
            folders += written_by(command.name, command.parameters)
        return lambda: trouble_with(folders, self._min_free) is None

    async def look_for_programs(
        self, programs: Mapping[str, Any], provision: Mapping[str, Any]
    ) -> None:
        """Set the worker aside from task types for which its machine has no program.

        Args:
            programs: names or paths by task type, as the manager tells them in its welcome.
            provision: the farm's settings for this host, which may be newer.
        """
        blenders = provision.get("blender")
        own = list(blenders.values()) if isinstance(blenders, Mapping) else []
        self._programs = {**programs, "blender": [*programs.get("blender", ()), *own]}
        self._task_types = provision.get("task_types") or self._own_task_types
        missing = await asyncio.to_thread(self._missing)
        if not missing:
            self._asides.end(PROGRAM_MISSING.name)
            return
        looked_for = " or ".join(f'"{name}"' for names in missing.values() for name in names)
        reason = f"{PROGRAM_MISSING.sentence} The host looked for {looked_for}."
        self._asides.set_aside(
            PROGRAM_MISSING.name, reason, lambda: not self._missing(), sorted(missing)
        )

    def _missing(self) -> dict[str, list[str]]:
        return types_without_programs(self._programs, self._task_types, self._tools)


def _has_free_memory() -> bool:
    memory = psutil.virtual_memory()
    return bool(100 * memory.available >= _FREE_MEMORY_PERCENT * memory.total)
