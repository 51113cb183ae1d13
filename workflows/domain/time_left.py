"""How long a job still takes: a range, from the recent times of its tasks and the workers at it.

The work that is left is the number of tasks left times the time of a task. Its uncertainty comes
from how much the times differ, how few they are, and whether they grow or shrink.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

#: With fewer finished tasks, or finished steps of the tasks at work, nothing is known yet.
FEWEST = 3
#: How many standard deviations the range reaches to each side.
_WIDTH = 1.3
#: The least relative deviation: times that look alike may still change, above all if they are few.
_LEAST_DEVIATION = 0.08
_DEVIATION_OF_FEW = 1.0
#: A trend counts if it is so many times its own standard error.
_CERTAIN_TREND = 2.5
_FEWEST_FOR_TREND = 8
#: A trend is followed until a task takes so many times its present time, or its inverse.
_LONGEST_TREND = 3.0


@dataclass(frozen=True, slots=True)
class Done:
    """A completed task of the job, or the finished steps of a task that is at work."""

    seconds: float
    steps: int


@dataclass(frozen=True, slots=True)
class AtWork:
    """A task that is being rendered: since when, and how many of its steps are finished."""

    seconds: float
    steps_done: int
    steps_total: int


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Seconds from now to the job's end: at least, and at most."""

    earliest_s: float
    latest_s: float


@dataclass(frozen=True, slots=True)
class _TaskTimes:
    """Seconds of a task that is yet to come: the range of its mean, and its deviation."""

    low: float
    high: float
    deviation: float
    longest: float
    """What a task may well take: the longest of those seen, at least."""
    count: int
    steps: float
    """The mean number of steps of a task."""


def time_left(
    done: Sequence[Done], at_work: Sequence[AtWork], *, steps_left: int, workers: int
) -> TimeLeft | None:
    """Return how long an active job still takes; None if that cannot be known.

    Args:
        done: recently completed tasks, in the order of their ends.
        at_work: the tasks that are being rendered.
        steps_left: the job's steps that are not finished, those of `at_work` included.
        workers: how many tasks of the job can run at a time now.
    """
    begun = [Done(task.seconds, task.steps_done) for task in at_work if task.steps_done]
    if steps_left <= 0 or workers <= 0 or _evidence(done, begun) < FEWEST:
        return None
    times = _task_times(done or begun, at_work if not done else (), steps_left)
    # Long tasks end late. So that they count before, those at work count with the time they had.
    long = [task for task in at_work if not task.steps_done and task.seconds > times.high]
    if long:
        seen = [Done(task.seconds, task.steps_total) for task in long]
        times = _task_times([*done, *seen], (), steps_left)
    tasks_left = max(steps_left / times.steps, 1 / times.steps)
    slots = max(1, min(workers, ceil(tasks_left)))
    spread = _WIDTH * times.deviation * sqrt(tasks_left + tasks_left**2 / times.count)
    spent = sum(_spent(task, times) for task in at_work)
    longest = times.longest
    least = max(0.0, tasks_left * times.low - spread - spent) / slots
    most = max(0.0, tasks_left * times.high + spread - spent) / slots
    # The last tasks do not end together: a worker may begin one when all others have ended.
    most = min(most + longest * (1 - 1 / slots), longest * ceil(tasks_left / slots))
    most = max(most, *(_rest(task, longest / times.steps) for task in at_work), 1.0)
    return TimeLeft(min(least, most), most)


def _evidence(done: Sequence[Done], begun: Sequence[Done]) -> int:
    return len(done) + sum(each.steps for each in begun)


def _task_times(done: Sequence[Done], at_work: Sequence[AtWork], steps_left: int) -> _TaskTimes:
    """Return the times of coming tasks; `at_work` has their size if no task has completed yet."""
    sizes = [task.steps_total for task in at_work] or [each.steps for each in done]
    steps = sum(sizes) / len(sizes)
    times = [each.seconds / each.steps * steps for each in done]
    weights = [each.steps for each in done]
    mean = sum(w * t for w, t in zip(weights, times, strict=True)) / sum(weights)
    square = sum(w * (t - mean) ** 2 for w, t in zip(weights, times, strict=True)) / sum(weights)
    deviation = max(sqrt(square), (_LEAST_DEVIATION + _DEVIATION_OF_FEW / len(times)) * mean)
    low, high = _followed_trend(times, mean, steps_left / steps)
    longest = max(high + _WIDTH * deviation, *times)
    return _TaskTimes(low, high, deviation, longest, len(times), steps)


def _followed_trend(times: Sequence[float], mean: float, tasks_left: float) -> tuple[float, float]:
    """Return the range of the mean time of coming tasks, if the times grow or shrink."""
    count = len(times)
    if count < _FEWEST_FOR_TREND:
        return mean, mean
    middle = (count - 1) / 2
    width = sum((i - middle) ** 2 for i in range(count))
    slope = sum((i - middle) * time for i, time in enumerate(times)) / width
    rest = sum((time - mean - slope * (i - middle)) ** 2 for i, time in enumerate(times))
    if abs(slope) <= _CERTAIN_TREND * sqrt(rest / (count - 2) / width):
        return mean, mean
    now = max(mean + slope * middle, mean / _LONGEST_TREND)
    half_way = now + slope * tasks_left / 2
    later = min(max(half_way, now / _LONGEST_TREND), now * _LONGEST_TREND)
    return min(now, later), max(now, later)


def _spent(task: AtWork, times: _TaskTimes) -> float:
    """Return the seconds of work in the task's unfinished steps, as far as they are believable."""
    a_step = times.low / times.steps
    rest = max(0, task.steps_total - task.steps_done) * a_step
    return min(max(0.0, task.seconds - task.steps_done * a_step), rest)


def _rest(task: AtWork, a_step: float) -> float:
    """Return how long a task at work may still take; an overdue one as long again."""
    since = max(0.0, task.seconds - task.steps_done * a_step)
    rest = max(0, task.steps_total - task.steps_done) * a_step
    return rest - since if since < rest / 2 else since
