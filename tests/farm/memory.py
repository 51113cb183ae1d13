"""How much memory the processes of a farm take while something happens."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from tests.farm.processes import FarmProcesses

_EVERY_S = 0.1
MB = 1024 * 1024


@dataclass
class Peaks:
    """Resident memory in bytes, by kind of process."""

    before: dict[str, int] = field(default_factory=dict)
    peak: dict[str, int] = field(default_factory=dict)

    def grown(self, kind: str) -> int:
        return self.peak[kind] - self.before.get(kind, 0)

    def __str__(self) -> str:
        kinds = sorted(self.peak)
        return ", ".join(
            f"{kind} {self.before.get(kind, 0) / MB:.0f} to {self.peak[kind] / MB:.0f} MB"
            for kind in kinds
        )


@contextmanager
def watched_memory(farm: FarmProcesses) -> Iterator[Peaks]:
    """Of the manager, of Temporal, and the largest host and shim."""
    peaks = Peaks(before=_now(farm))
    peaks.peak = dict(peaks.before)
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_EVERY_S):
            for kind, size in _now(farm).items():
                peaks.peak[kind] = max(size, peaks.peak.get(kind, 0))

    thread = threading.Thread(target=watch, name="memory", daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        is_over.set()
        thread.join()


def _now(farm: FarmProcesses) -> dict[str, int]:
    pids = {
        "manager": [farm.manager.pid] if farm.manager else [],
        "temporal": [pid] if (pid := farm.temporal_pid()) else [],
        "host": [host.pid for host in farm.hosts.values()],
        "shim": farm.shim_pids(),
    }
    return {kind: max(map(_resident, of_kind)) for kind, of_kind in pids.items() if of_kind}


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
