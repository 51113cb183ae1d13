"""The statistics of its machine that a host sends with each beat."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from worker_host.gpus import Gpus
from workflows.domain.messages import RunKey


class MachineStatistics:
    """Statistics of the machine; they take a few milliseconds, so every beat can have them.

    Args:
        disk: a path on the disk whose space is measured.
    """

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._gpus = Gpus()
        self._cpu_times = psutil.cpu_times()

    def of_machine(self) -> dict[str, Any]:
        """Return percentages from 0 to 100, sizes in bytes, and `load` of the last minute."""
        # psutil.cpu_percent() counts from the last call in the same thread, and is 0 in a new one.
        before, self._cpu_times = self._cpu_times, psutil.cpu_times()
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(self._disk))
        return {
            "cpu_percent": _busy_percent(before, self._cpu_times),
            "cpu_count": psutil.cpu_count() or 1,
            "load": _load(),
            "memory_used": memory.total - memory.available,
            "memory_total": memory.total,
            "disk_free": disk.free,
            "disk_total": disk.total,
            "gpus": self._gpus.told(),
        }


def _load() -> float | None:
    """Return the load of the last minute; None on a Windows whose counters are disabled."""
    try:
        return psutil.getloadavg()[0]
    except RuntimeError:
        return None


def _busy_percent(before: Any, after: Any) -> float:
    """Return the percentage of busy time between two `psutil.cpu_times()`.

    Waiting for a disk counts as idle.
    """
    spent = {name: getattr(after, name) - getattr(before, name) for name in after._fields}
    # Linux counts the time of virtual machines twice, the second time in these two fields.
    total = sum(spent.values()) - spent.get("guest", 0) - spent.get("guest_nice", 0)
    idle = spent["idle"] + spent.get("iowait", 0)
    return round(max(0.0, min(100.0, 100 * (total - idle) / total)), 1) if total > 0 else 0.0


class ProcessStatistics:
    """The use of CPU and memory by the process trees of runs."""

    def __init__(self) -> None:
        self._known: dict[int, psutil.Process] = {}

    def of_runs(self, pids: Mapping[RunKey, int]) -> dict[str, dict[str, float]]:
        """Return `cpu_percent` of one core and `memory` in bytes, by `str(RunKey)`.

        Args:
            pids: the top process of each run.
        """
        trees = {key: _tree(pid) for key, pid in pids.items()}
        alive = {process.pid: process for tree in trees.values() for process in tree}
        # Keep the same objects, since each counts its CPU time from its own last call.
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


def memory_of_tree(pid: int) -> int:
    """Return the resident memory of a process and its descendants, in bytes; 0 if it is gone."""
    memory = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            memory += process.memory_info().rss
    return memory


def cpu_time_of_tree(pid: int) -> float:
    """Return the CPU time of a process and its descendants, those that have ended included.

    In seconds; 0 if the process is gone.
    """
    spent = 0.0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            times = process.cpu_times()
            spent += times.user + times.system + times.children_user + times.children_system
    return spent


def _tree(pid: int) -> list[psutil.Process]:
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []
