"""What is measured: farms of some hosts, with tasks of some seconds, shared out over a few jobs."""

import random
from dataclasses import dataclass
from itertools import pairwise

#: Of a task's seconds: real frames do not end in step either.
JITTER = 0.2
_LONGEST_S = 600


class BadCell(ValueError):
    """Not `HOSTSxSECONDS`."""


@dataclass(frozen=True, slots=True)
class Cell:
    hosts: int
    seconds: int
    """Of a task, ± 20 %; 0: it ends at once."""
    tasks_per_host: int
    jobs: int = 2

    @property
    def name(self) -> str:
        return f"{self.hosts}x{self.seconds}"

    @property
    def shares(self) -> list[range]:
        """The numbers of the hosts that work for each job; there are never more jobs than hosts."""
        jobs = min(self.jobs, self.hosts)
        ends = [-(-self.hosts * done // jobs) for done in range(jobs + 1)]
        return [range(first, end) for first, end in pairwise(ends)]


def parse_cell(text: str, tasks_per_host: int | None = None, jobs: int = 2) -> Cell:
    """`100x4` is a hundred hosts with tasks of four seconds.

    Raises:
        BadCell: it is not.
    """
    hosts, _, seconds = text.partition("x")
    if not (hosts.isdecimal() and seconds.isdecimal() and int(hosts) and int(seconds) < _LONGEST_S):
        raise BadCell(f"{text!r} is not HOSTSxSECONDS, as in 100x4")
    tasks = tasks_per_host or _tasks_per_host(int(hosts), int(seconds))
    return Cell(int(hosts), int(seconds), tasks, jobs)


def _tasks_per_host(hosts: int, seconds: int) -> int:
    """As many as last some 10 to 20 seconds."""
    if seconds:
        return max(2, 16 // seconds + 1)
    return max(12, min(300, 1000 // hosts))


def duration(index: int, seconds: float) -> float:
    """How long a task takes; the same on the farm and on the floor."""
    return seconds * random.Random(index).uniform(1 - JITTER, 1 + JITTER)
