"""What a simulated host says of each task it ran: one JSON line, with times all processes share."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Ran:
    """Times are the machine's monotonic clock, in seconds."""

    host: int
    job: str
    task: int
    """Its place in the job, from 1; 0 where that is not asked for."""
    attempt: int
    began: float
    """Of the first command."""
    ended: float
    """Of the last command."""

    def line(self) -> str:
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def parse(cls, line: str) -> "Ran":
        return cls(**json.loads(line))


def gaps(records: Iterable[Ran]) -> list[float]:
    """Seconds between two tasks on one host.

    After a host's last task nothing was waiting for it any more, so there is no gap.
    """
    return [
        after.began - before.ended
        for ran in _by_host(records).values()
        for before, after in pairwise(ran)
    ]


def busy(records: Iterable[Ran]) -> float:
    """The share of their time that hosts ran commands, each from its first command to its last."""
    by_host = _by_host(records).values()
    there = sum(ran[-1].ended - ran[0].began for ran in by_host)
    return sum(each.ended - each.began for ran in by_host for each in ran) / there if there else 0.0


def rate(records: Sequence[Ran]) -> float:
    """Tasks per second from the first command to the last."""
    span = max(r.ended for r in records) - min(r.began for r in records)
    return len(records) / span if span > 0 else 0.0


def _by_host(records: Iterable[Ran]) -> dict[int, list[Ran]]:
    found: dict[int, list[Ran]] = {}
    for record in sorted(records, key=lambda record: record.began):
        found.setdefault(record.host, []).append(record)
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
