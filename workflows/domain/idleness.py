"""Says why a worker that takes work got no task. Pure.

Like the reasons of waiting jobs (`workflows.domain.shortages`), it is said at the end of the pass
that decides, by the same functions.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workflows.domain.farm_facts import FarmSnapshot, JobFacts, WorkerFacts
from workflows.domain.messages import Want
from workflows.domain.shortages import Cause, can_begin, unavailable, unfit

#: The most tags or types of tasks that a sentence names.
MOST_NAMED = 3
#: Said of a worker that could begin any task.
NOTHING_WAITS = "No task waits for a worker."


class Unmet(NamedTuple):
    """What a job still needs after a pass."""

    job: JobFacts
    want: Want
    gave_back: frozenset[str]
    """Workers that could not serve its demand as it is."""


@dataclass(frozen=True, slots=True)
class Idle:
    """A worker that takes work and has none, although tasks wait."""

    worker_id: str
    causes: tuple[Cause, ...] = ()
    """What keeps it from the tasks that wait, in the order of `Cause`."""
    tags: tuple[str, ...] = ()
    """The ids of tags that such tasks want and it has not."""
    task_types: tuple[str, ...] = ()
    """The types of tasks that it does not take on, or not until its machine is mended."""
    is_full: bool = False
    """Whether a job has as many workers as one job gets, so that it gets no more."""
    is_kept: bool = False
    """Whether it is kept free for the task of a worker that is out of contact."""


def idle_workers(
    farm: FarmSnapshot,
    taken: Collection[str],
    unmet: Sequence[Unmet],
    *,
    has_full: bool,
    kept: Collection[str],
) -> list[Idle]:
    """Return the idle workers for which there is something to say, after a pass.

    Args:
        farm: the farm before the pass.
        taken: workers that are lent, by this pass or before.
        unmet: what jobs still need.
        has_full: whether a job has as many workers as one job gets, and needs more.
        kept: workers that are kept free.
    """
    if not unmet and not has_full and not kept:
        return []
    wants = _distinct(unmet)
    named = {
        worker_id for each in wants for worker_id in (*each.want.blocked, *each.want.failed)
    }.union(*(each.gave_back for each in wants))
    shared: dict[object, tuple[tuple[Cause, ...], tuple[str, ...], tuple[str, ...]]] = {}
    found = []
    for worker in farm.workers:
        if worker.id in taken or unavailable(worker) is not None:
            continue
        rests = worker.id in farm.resting
        key = _like(worker, is_named=worker.id in named, rests=rests)
        if key not in shared:
            shared[key] = _causes(worker, wants, rests=rests)
        found.append(Idle(worker.id, *shared[key], has_full, worker.id in kept))
    return found


def _distinct(unmet: Iterable[Unmet]) -> list[Unmet]:
    """Return one of those that are alike to every worker."""
    by_kind: dict[object, Unmet] = {}
    for each in unmet:
        want = each.want
        kind = (each.job.tag, want.task_type, want.blocked, want.failed, each.gave_back)
        by_kind.setdefault(kind, each)
    return list(by_kind.values())


def _like(worker: WorkerFacts, *, is_named: bool, rests: bool) -> object:
    """Return a key that workers share which are kept from the same tasks."""
    if is_named:
        return worker.id
    return (worker.tags, worker.task_types, worker.types_left_out, rests, can_begin(worker))


def _causes(
    worker: WorkerFacts, wants: Sequence[Unmet], *, rests: bool
) -> tuple[tuple[Cause, ...], tuple[str, ...], tuple[str, ...]]:
    """Return causes, tags and types of tasks; see `Idle`."""
    causes: defaultdict[Cause, list[Unmet]] = defaultdict(list)
    for each in wants:
        cause = unfit(worker, each.job, each.want, gave_back=worker.id in each.gave_back)
        if cause is None and rests:
            cause = Cause.RESTING
        elif cause is None and not can_begin(worker):
            cause = Cause.NOT_ASKING
        if cause is not None:
            causes[cause].append(each)
    tags = {each.job.tag for each in causes.get(Cause.OTHER_TAG, ()) if each.job.tag}
    of_type = [*causes.get(Cause.OTHER_TYPES, ()), *causes.get(Cause.SET_ASIDE, ())]
    types = {each.want.task_type for each in of_type}
    in_order = tuple(cause for cause in Cause if cause in causes)
    return in_order, tuple(sorted(tags)), tuple(sorted(types))


def idle_sentence(idle: Idle, tags: Mapping[str, str]) -> str:
    """Return why the worker is idle, in one sentence.

    Args:
        idle: what keeps it from the tasks that wait.
        tags: names of tags by id.
    """
    if idle.is_kept:
        return "It is kept free for a task of a worker that is out of contact."
    if Cause.RESTING in idle.causes:
        return "It did not take its last task, and gets another one in a moment."
    if Cause.NOT_ASKING in idle.causes:
        return "It does not ask for a task just now."
    parts = list(_parts(idle, tags))
    if not parts:
        return NOTHING_WAITS
    if len(parts) == 1:
        return f"The tasks that wait {parts[0]}."
    last = parts.pop()
    return f"Of the tasks that wait, some {', some '.join(parts)}, and some {last}."


def _parts(idle: Idle, tags: Mapping[str, str]) -> Iterable[str]:
    names = sorted(tags[tag] for tag in idle.tags if tag in tags)
    if Cause.OTHER_TAG in idle.causes:
        yield f"want the tag {_any_of(names)}" if names else "want another tag"
    if Cause.OTHER_TYPES in idle.causes or Cause.SET_ASIDE in idle.causes:
        yield f"are of the type {_any_of(idle.task_types)}, which it does not take on now"
    if Cause.BLOCKED in idle.causes:
        yield "are of jobs that have blocked it"
    if Cause.FAILED in idle.causes:
        yield "have failed on it already"
    if Cause.GAVE_BACK in idle.causes:
        yield "were given back by it"
    if idle.is_full:
        yield "are of jobs that have as many workers as one job gets"


def _any_of(names: Sequence[str]) -> str:
    shown = " or ".join(f'"{name}"' for name in names[:MOST_NAMED])
    others = len(names) - MOST_NAMED
    if others <= 0:
        return shown
    return f"{shown} or another one" if others == 1 else f"{shown} or {others} others"
