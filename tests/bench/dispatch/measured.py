"""The figures of one cell, on the farm and on the floor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from tests.bench.dispatch.cells import Cell
from tests.bench.dispatch.records import Ran, busy, gaps, percentile, rate


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One go at handing out a cell's tasks."""

    ran: Sequence[Ran]
    cpu_s: Mapping[str, float]
    memory_mb: Mapping[str, float]
    """At the end."""


@dataclass(frozen=True, slots=True)
class Submission:
    answered_s: float
    """From the request to its answer."""
    began_s: float
    """From the request to the first command, on a host that was idle."""


@dataclass(slots=True)
class Side:
    """The farm, or the floor: every go together."""

    goes: list[Dispatch] = field(default_factory=list)

    @property
    def gaps(self) -> list[float]:
        return [gap for go in self.goes for gap in gaps(go.ran)]

    @property
    def tasks(self) -> int:
        return sum(len(go.ran) for go in self.goes)

    def figures(self) -> dict[str, Any]:
        between = self.gaps
        return {
            "tasks": self.tasks,
            "gaps": len(between),
            "gap_p50_ms": _ms(percentile(between, 0.5)),
            "gap_p99_ms": _ms(percentile(between, 0.99)),
            "tasks_per_s": round(sum(rate(go.ran) for go in self.goes) / len(self.goes), 1),
            "busy_percent": round(100 * fmean(busy(go.ran) for go in self.goes), 1),
            "cpu_ms_per_task": self._cpu_ms_per_task(),
            "memory_mb": self._memory_mb(),
        }

    def _cpu_ms_per_task(self) -> dict[str, float]:
        return {
            name: _ms(sum(go.cpu_s[name] for go in self.goes) / self.tasks)
            for name in self.goes[0].cpu_s
        }

    def _memory_mb(self) -> dict[str, float]:
        return {
            name: round(max(go.memory_mb[name] for go in self.goes))
            for name in self.goes[0].memory_mb
        }


@dataclass(slots=True)
class Measured:
    cell: Cell
    farm: Side = field(default_factory=Side)
    floor: Side = field(default_factory=Side)
    submissions: list[Submission] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """What `--json` writes."""
        farm, floor = self.farm.figures(), self.floor.figures()
        return {
            "cell": self.cell.name,
            "hosts": self.cell.hosts,
            "seconds": self.cell.seconds,
            "jobs": len(self.cell.shares),
            "farm": farm,
            "floor": floor,
            "gap_p50_ratio": _ratio(farm["gap_p50_ms"], floor["gap_p50_ms"]),
            "gap_p99_ratio": _ratio(farm["gap_p99_ms"], floor["gap_p99_ms"]),
            "submissions": self._submission_figures(),
        }

    def _submission_figures(self) -> dict[str, Any]:
        answered = [each.answered_s for each in self.submissions]
        began = [each.began_s for each in self.submissions]
        return {
            "count": len(self.submissions),
            "answered_p50_ms": _ms(percentile(answered, 0.5)),
            "answered_p99_ms": _ms(percentile(answered, 0.99)),
            "first_command_p50_ms": _ms(percentile(began, 0.5)),
            "first_command_p99_ms": _ms(percentile(began, 0.99)),
        }


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


def _ratio(ours: float, floor: float) -> float:
    return round(ours / floor, 2) if floor else 0.0
