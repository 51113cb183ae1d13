"""What a host tells of its machine with each beat."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from worker_host.gpus import Gpus
from workflows.domain.messages import RunKey


class MachineStatistics:
    """Cheap enough for every beat: some milliseconds.

    Args:
        disk: a path on the disk whose space counts.
    """

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._gpus = Gpus()
        psutil.cpu_percent()  # counts from the last call, so this first one says nothing

    def of_machine(self) -> dict[str, Any]:
        """Percentages are 0-100, sizes bytes; `load` is that of the last minute."""
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(self._disk))
        return {
            "cpu_percent": psutil.cpu_percent(),
            "cpu_count": psutil.cpu_count() or 1,
            "load": psutil.getloadavg()[0],
            "memory_used": memory.total - memory.available,
            "memory_total": memory.total,
            "disk_free": disk.free,
            "disk_total": disk.total,
            "gpus": self._gpus.told(),
        }


class ProcessStatistics:
    """What the process trees of runs use."""

    def __init__(self) -> None:
        self._known: dict[int, psutil.Process] = {}

    def of_runs(self, pids: Mapping[RunKey, int]) -> dict[str, dict[str, float]]:
        """By `str(RunKey)`: `cpu_percent` of one core, `memory` in bytes.

        Args:
            pids: the process at the top of each run.
        """
        trees = {key: _tree(pid) for key, pid in pids.items()}
        alive = {process.pid: process for tree in trees.values() for process in tree}
        # The same objects again, since each counts its CPU time from its own last call.
        self._known = {pid: self._known.get(pid, process) for pid, process in alive.items()}
        return {
            str(key): self._sum(self._known[process.pid] for process in tree)
            for key, tree in trees.items()
            if tree
        }

    def _sum(self, tree: Iterable[psutil.Process]) -> dict[str, float]:
        cpu, memory = 0.0, 0
        for process in tree:
            try:
                with process.oneshot():
                    cpu += process.cpu_percent()
                    memory += process.memory_info().rss
            except psutil.Error:
                continue  # it has ended meanwhile
        return {"cpu_percent": cpu, "memory": memory}


def _tree(pid: int) -> list[psutil.Process]:
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []
