"""Says why tasks wait: what keeps each worker from them. Pure.

Matchmaking decides by the same two functions (`unfit` and `unavailable`), so what is said here is
what it has decided by.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from workflows.domain.farm_facts import FarmSnapshot, JobFacts, WorkerFacts
from workflows.domain.messages import Want
from workflows.domain.statuses import WorkerStatus

#: The most workers of one cause that are named; the others are counted.
MOST_NAMED = 3


class Cause(StrEnum):
    """What keeps a worker from a job's tasks; the first that holds, in this order."""

    OTHER_TAG = "other-tag"
    OTHER_TYPES = "other-types"
    BLOCKED = "blocked"
    OFFLINE = "offline"
    LOST = "lost"
    ASLEEP = "asleep"
    STARTING = "starting"
    LEAVING = "leaving"
    """It was asked to take another status."""
    PAUSED = "paused"
    SET_ASIDE = "set-aside"
    FAILED = "failed"
    """It has failed each of these tasks."""
    GAVE_BACK = "gave-back"
    """It could not serve this demand."""
    RESTING = "resting"
    """It did not take its last task, and is passed over for a moment."""
    NOT_ASKING = "not-asking"
    """It speaks HTTP, and does not ask for a task just now."""
    ENDING = "ending"
    """Its job has ended or has begun again; it is free in a moment."""
    BUSY_HERE = "busy-here"
    BUSY_HIGHER = "busy-higher"
    BUSY_EQUAL = "busy-equal"
    BUSY_LOWER = "busy-lower"
    """It ends a task of a job of lower priority first."""


@dataclass(frozen=True, slots=True)
class Hindered:
    """The workers that one cause keeps from the tasks."""

    cause: Cause
    workers: int
    names: tuple[str, ...] = ()
    """The names of the first few, in the order of names."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """Tasks of a job that could run now, if a worker were free for them."""

    job_id: str
    tag: str | None
    task_type: str
    """Empty if the job has not said yet what it needs, because its workflow has not begun."""
    tasks: int = 0
    lent: int = 0
    """How many workers are lent to the job, for these tasks or others."""
    hindered: tuple[Hindered, ...] = ()
    """Each worker of the farm is counted once, under what keeps it from the tasks."""

    @property
    def is_start(self) -> bool:
        """Whether the job waits for its workflow, not for workers."""
        return not self.task_type


def unfit(
    worker: WorkerFacts, job: JobFacts, want: Want, *, gave_back: bool = False
) -> Cause | None:
    """Return why the worker may not get these tasks, whatever it does now; None: it may."""
    if not is_in_tag(worker, job.tag):
        return Cause.OTHER_TAG
    if want.task_type not in worker.task_types:
        is_aside = want.task_type in worker.types_left_out
        return Cause.SET_ASIDE if is_aside else Cause.OTHER_TYPES
    if worker.id in want.blocked:
        return Cause.BLOCKED
    if worker.id in want.failed:
        return Cause.FAILED
    return Cause.GAVE_BACK if gave_back else None


def unavailable(worker: WorkerFacts) -> Cause | None:
    """Return why the worker gets no task of any job; None: it takes work."""
    match worker.status:
        case WorkerStatus.AWAKE:
            pass
        case WorkerStatus.OFFLINE:
            return Cause.OFFLINE
        case WorkerStatus.ERROR:
            return Cause.LOST
        case WorkerStatus.ASLEEP:
            return Cause.ASLEEP
        case _:
            return Cause.STARTING
    if not worker.is_present:
        return Cause.LOST
    if worker.status_requested is not None:
        return Cause.LEAVING
    if worker.is_paused:
        return Cause.PAUSED
    return Cause.SET_ASIDE if worker.set_aside else None


def can_begin(worker: WorkerFacts) -> bool:
    """Return whether the worker can begin a task at once.

    An HTTP worker is lent only while it asks, because a task might wait long for it otherwise.
    """
    return worker.is_polling or not worker.is_http


def is_in_tag(worker: WorkerFacts, tag: str | None) -> bool:
    return tag is None or tag in worker.tags


def busy_with(other: JobFacts, job: JobFacts) -> Cause:
    """Return why a worker that is lent to `other` is not free for `job`."""
    if other.id == job.id:
        return Cause.BUSY_HERE
    if other.priority == job.priority:
        return Cause.BUSY_EQUAL
    return Cause.BUSY_HIGHER if other.priority > job.priority else Cause.BUSY_LOWER


class Explainer:
    """Explains shortages at the end of a pass. Jobs with like wants share most of the work.

    Args:
        farm: the farm before the pass.
        lent: a (worker id, job id) pair for each lease, with those of this pass.
        reserved: workers that are kept free for a job.
    """

    def __init__(
        self,
        farm: FarmSnapshot,
        lent: Sequence[tuple[str, str]],
        reserved: Mapping[str, JobFacts],
    ) -> None:
        self._workers = sorted(farm.workers, key=lambda worker: worker.name)
        self._busy = {**_busy(farm, lent), **reserved}
        """Workers without a free slot, with the job that they are lent to."""
        self._taken = Counter(worker_id for worker_id, _ in lent)
        self._lent = Counter(job_id for _, job_id in lent)
        self._shared: dict[object, tuple[_Count, Mapping[str, list[WorkerFacts]]]] = {}

    def explain(self, job: JobFacts, want: Want, gave_back: frozenset[str], tasks: int) -> Shortage:
        """Return the shortage of a job.

        Args:
            job: the job.
            want: what it needs.
            gave_back: workers that could not serve its demand as it is.
            tasks: how many of its tasks wait.
        """
        key = (job.tag, want.task_type, want.blocked, want.failed, gave_back)
        if key not in self._shared:
            self._shared[key] = self._counted(job, want, gave_back)
        fixed, by_job = self._shared[key]
        count = fixed.copy()
        for at_work in by_job.values():
            cause = busy_with(self._busy[at_work[0].id], job)
            count.add(cause, len(at_work), (worker.name for worker in at_work))
        lent = self._lent[job.id]
        return Shortage(job.id, job.tag, want.task_type, tasks, lent, count.hindered())

    def _counted(
        self, job: JobFacts, want: Want, gave_back: Collection[str]
    ) -> tuple["_Count", Mapping[str, list[WorkerFacts]]]:
        """Return what does not depend on the job's priority, and the busy workers by their job."""
        fixed = _Count()
        busy: defaultdict[str, list[WorkerFacts]] = defaultdict(list)
        for worker in self._workers:
            why = unfit(worker, job, want, gave_back=worker.id in gave_back)
            lasting = why if why in _LASTING else None
            cause = lasting or unavailable(worker) or why
            if cause is None and worker.id in self._busy:
                busy[self._busy[worker.id].id].append(worker)
            else:
                fixed.add(cause or self._why_idle(worker), 1, (worker.name,))
        return fixed, busy

    def _why_idle(self, worker: WorkerFacts) -> Cause:
        """Return why a worker was not lent that takes work and may get the tasks."""
        if self._taken[worker.id] >= worker.slots:
            return Cause.ENDING
        return Cause.RESTING if can_begin(worker) else Cause.NOT_ASKING


def _busy(farm: FarmSnapshot, lent: Sequence[tuple[str, str]]) -> dict[str, JobFacts]:
    """Return the workers without a free slot, with the job of the lowest priority of each."""
    jobs = {job.id: job for job in farm.jobs}
    at_work: defaultdict[str, list[JobFacts]] = defaultdict(list)
    for worker_id, job_id in lent:
        if job_id in jobs:
            at_work[worker_id].append(jobs[job_id])
    taken = Counter(worker_id for worker_id, _ in lent)
    return {
        worker.id: min(at_work[worker.id], key=lambda job: (job.priority, -job.age_rank))
        for worker in farm.workers
        if taken[worker.id] >= worker.slots and at_work[worker.id]
    }


class _Count:
    """Workers by cause."""

    def __init__(self) -> None:
        self._workers: Counter[Cause] = Counter()
        self._names: defaultdict[Cause, list[str]] = defaultdict(list)

    def add(self, cause: Cause, workers: int, names: Iterable[str]) -> None:
        self._workers[cause] += workers
        known = self._names[cause]
        for name in names:
            if len(known) >= MOST_NAMED:
                break
            known.append(name)

    def copy(self) -> "_Count":
        other = _Count()
        for cause, workers in self._workers.items():
            other.add(cause, workers, self._names[cause])
        return other

    def hindered(self) -> tuple[Hindered, ...]:
        return tuple(
            Hindered(cause, self._workers[cause], tuple(sorted(self._names[cause])))
            for cause in Cause
            if self._workers[cause]
        )


#: What a worker cannot get over by becoming free.
_LASTING = frozenset({Cause.OTHER_TAG, Cause.OTHER_TYPES, Cause.BLOCKED})


def main_cause(hindered: Sequence[tuple[str, int]]) -> str:
    """Return the cause that keeps the most workers from tasks, of those that may ever get them.

    Args:
        hindered: (cause, number of workers) pairs.
    """
    if not hindered:
        return "no-worker"
    by_workers = sorted(hindered, key=lambda group: -group[1])
    others = [cause for cause, _ in by_workers if cause not in (Cause.OTHER_TAG, Cause.OTHER_TYPES)]
    if others:
        return str(others[0])
    causes = dict(hindered)
    # No worker with the tag takes on such tasks, or none has the tag.
    return str(Cause.OTHER_TYPES if Cause.OTHER_TYPES in causes else Cause.OTHER_TAG)


# --- the sentence ---------------------------------------------------------------------------------

#: The verb phrase of each cause, for one worker and for several.
_PHRASES: Mapping[Cause, tuple[str, str]] = {
    Cause.BLOCKED: ("is blocked for this job", "are blocked for this job"),
    Cause.OFFLINE: ("is offline", "are offline"),
    Cause.LOST: ("is out of contact", "are out of contact"),
    Cause.ASLEEP: ("is asleep", "are asleep"),
    Cause.STARTING: ("is starting", "are starting"),
    Cause.LEAVING: ("was asked to stop", "were asked to stop"),
    Cause.PAUSED: ("is paused", "are paused"),
    Cause.SET_ASIDE: ("is set aside", "are set aside"),
    Cause.FAILED: ("has failed these tasks", "have failed these tasks"),
    Cause.GAVE_BACK: ("gave these tasks back", "gave these tasks back"),
    Cause.RESTING: ("did not take its last task", "did not take their last tasks"),
    Cause.NOT_ASKING: ("does not ask for tasks", "do not ask for tasks"),
    Cause.ENDING: ("leaves a job that has ended", "leave jobs that have ended"),
    Cause.BUSY_HERE: ("is at work on this job", "are at work on this job"),
    Cause.BUSY_HIGHER: (
        "is busy with a job of higher priority",
        "are busy with jobs of higher priority",
    ),
    Cause.BUSY_EQUAL: (
        "is busy with another job of this priority",
        "are busy with other jobs of this priority",
    ),
    Cause.BUSY_LOWER: (
        "ends a task of lower priority first",
        "end tasks of lower priority first",
    ),
}


def sentence(shortage: Shortage, tag: str, asleep_until: Mapping[str, str]) -> str:
    """Return why the tasks wait, in one sentence.

    Args:
        shortage: what keeps each worker.
        tag: the name of the job's tag; empty: it has none.
        asleep_until: by worker name, when its sleep ends, such as `18:00`.
    """
    if shortage.is_start:
        return "The job's workflow has not begun yet."
    by_cause = {each.cause: each for each in shortage.hindered}
    if not by_cause:
        return "The farm has no worker."
    others = by_cause.pop(Cause.OTHER_TAG, None)
    if others and not by_cause:
        return f'No worker has the tag "{tag}".'
    which = f' with the tag "{tag}"' if tag else ""
    if by_cause.pop(Cause.OTHER_TYPES, None):
        if not by_cause:
            return f'No worker{which} takes on tasks of the type "{shortage.task_type}".'
        which += f' for "{shortage.task_type}" tasks'
    groups = list(by_cause.values())
    total = sum(each.workers for each in groups)
    if len(groups) == 1:
        return _one_cause(groups[0], which, asleep_until)
    parts = ", ".join(_part(each, asleep_until) for each in groups)
    return f"None of the {total} workers{which} is free: {parts}."


def waits_for_tasks(count: int, names: Sequence[str]) -> str:
    """Return why a task waits that depends on unfinished tasks, in one sentence.

    Args:
        count: how many tasks are unfinished.
        names: the names of the first few.
    """
    shown = ", ".join(f'"{name}"' for name in names)
    if count == 1:
        return f"It waits for the task {shown}."
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return f"It waits for {count} tasks: {shown}{more}."


def _one_cause(group: Hindered, which: str, asleep_until: Mapping[str, str]) -> str:
    one, several = _PHRASES[group.cause]
    if group.workers == 1:
        return f"{group.names[0]}, the only worker{which}, {one}{_until(group, asleep_until)}."
    all_of_them = "Both" if group.workers == 2 else f"All {group.workers}"
    return f"{all_of_them} workers{which} {several}{_until(group, asleep_until)}."


def _part(group: Hindered, asleep_until: Mapping[str, str]) -> str:
    one, several = _PHRASES[group.cause]
    who, does = (group.names[0], one) if group.workers == 1 else (str(group.workers), several)
    return f"{who} {does}{_until(group, asleep_until)}"


def _until(group: Hindered, asleep_until: Mapping[str, str]) -> str:
    """Return ` until 18:00` if all of the workers' sleep ends then; only named ones are known."""
    ends = {asleep_until.get(name, "") for name in group.names}
    is_known = group.cause is Cause.ASLEEP and group.workers == len(group.names) and len(ends) == 1
    return f" until {end}" if is_known and (end := ends.pop()) else ""
