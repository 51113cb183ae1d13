"""What befell the farm, as a table for people."""

from collections.abc import Sequence
from itertools import pairwise

from tests.bench.dispatch.records import Ran
from tests.bench.dispatch.report import table
from tests.cluster.audit import Seen
from tests.cluster.strikes import Struck

_HEAD = (
    "killed",
    "at, s",
    "away, s",
    "no task began for, s",
    "tasks done",
    "tasks/s",
    "further tries",
    "hosts lost",
)


def report(seen: Seen, problems: Sequence[str]) -> str:
    """Return the table, and below it a sentence for each thing that was lost."""
    first = seen.strikes[0].at
    rows = [_row(seen, strike, first) for strike in seen.strikes]
    tries = sum(task.attempt - 1 for task in seen.tasks if task.attempt > 1)
    total = (
        f"{len(seen.jobs)} jobs, {len(seen.tasks)} tasks on {seen.hosts} hosts, "
        f"{len(seen.runs)} runs ended, {tries} tries more than one for a task, "
        f"{len(seen.workflows)} histories."
    )
    lost = "\n".join(f"LOST: {problem}" for problem in problems) or "Lost: nothing."
    return f"{table(_HEAD, rows)}\n\n{total}\n{lost}\n"


def _row(seen: Seen, strike: Struck, first: float) -> list[str]:
    done = [ran for ran in seen.runs if strike.at <= ran.ended < strike.until]
    again = [ran for ran in seen.runs if ran.attempt > 1 and strike.at <= ran.began < strike.until]
    lost = {name for moment, name, _ in seen.not_awake if strike.at <= moment < strike.until}
    return [
        strike.name,
        f"{strike.at - first:.0f}",
        f"{strike.back - strike.at:.1f}",
        f"{longest_pause(seen.runs, strike):.1f}",
        str(len(done)),
        f"{len(done) / (strike.until - strike.at):.1f}",
        str(len(again)),
        str(len(lost)),
    ]


def longest_pause(runs: Sequence[Ran], strike: Struck) -> float:
    """Return the longest time within a strike's in which no task began, in seconds.

    After the last task has begun nothing waits any more, so that time does not count.
    """
    begun = sorted(ran.began for ran in runs if strike.at <= ran.began < strike.until)
    return max((after - before for before, after in pairwise([strike.at, *begun])), default=0.0)
