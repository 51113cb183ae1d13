"""Decides which job gets which free worker, in one pure pass over a snapshot of the farm.

The order is Flamenco's and is strict: the job of the highest priority first, then the oldest job.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from workflows.domain.farm_facts import FarmSnapshot, JobFacts, LeaseFacts, WorkerFacts
from workflows.domain.idleness import Idle, Unmet, idle_workers
from workflows.domain.messages import Census, SessionChanged, Want, WorkerGone
from workflows.domain.shortages import (
    Explainer,
    Shortage,
    can_begin,
    is_in_tag,
    unavailable,
    unfit,
)
from workflows.domain.statuses import SCHEDULABLE, WorkerStatus


@dataclass(frozen=True, slots=True)
class Offer:
    """A lease to write. The database gives it its id and generation."""

    worker_id: str
    session: int
    slot: int
    job_id: str
    run: int


@dataclass(frozen=True, slots=True)
class RecallOrder:
    lease_id: str
    job_id: str
    at_once: bool
    reason: str


@dataclass(frozen=True, slots=True)
class StatusOrder:
    """An order to a free worker's host to take the requested status."""

    worker_id: str
    status: WorkerStatus


class Waiting(NamedTuple):
    """Tasks of a job that wait for another worker, because each worker that is free failed them."""

    job_id: str
    task_type: str
    version: int
    """The demand's version."""
    may_retry: bool
    """Whether workers that failed them may try again, because the wait was too long."""


#: By (job, task type) of tasks that starve: the version of the demand for which a retry was allowed
#: already; None if it was not.
Starved = Mapping[tuple[str, str], int | None]
_NONE_STARVES: Starved = MappingProxyType({})


class Reasons(NamedTuple):
    """Why tasks wait, and why workers have no task."""

    shortages: Sequence[Shortage] = ()
    """The jobs in the order in which they are served."""
    idle: Sequence[Idle] = ()


@dataclass(slots=True)
class Plan:
    offers: list[Offer] = field(default_factory=list)
    recalls: list[RecallOrder] = field(default_factory=list)
    gone: list[tuple[str, WorkerGone]] = field(default_factory=list)
    """(job, message) pairs."""
    changed_sessions: list[tuple[str, SessionChanged]] = field(default_factory=list)
    censuses: list[tuple[str, Census]] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    """Leases to be marked as returned, because their job's run has ended."""
    status_orders: list[StatusOrder] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Workers that should be in contact but are not."""
    reasons: Reasons = field(default_factory=lambda: Reasons())
    """Empty if they were not asked for."""


#: A host with one of these statuses runs no task, so its leases are lost.
_DEAD = frozenset({WorkerStatus.OFFLINE, WorkerStatus.ERROR})


def plan(
    farm: FarmSnapshot,
    *,
    max_lent: int = 400,
    starved: Starved = _NONE_STARVES,
    explain: bool = False,
) -> Plan:
    """Return what the keeper shall do now. An unchanged farm gives the same plan again.

    Args:
        starved: tasks that have waited too long for another worker.
        max_lent: the most leases that one job gets; one workflow cannot serve more.
        explain: whether to give reasons, which costs time on a large farm.
    """
    this = _Pass(farm, max_lent, starved)
    planned = this.plan()
    if explain:
        planned.reasons = this.reasons()
    return planned


class _Pass:
    """One pass: it knows the free workers, the jobs' demands and the leases already offered."""

    def __init__(self, farm: FarmSnapshot, max_lent: int, starved: Starved) -> None:
        self._farm = farm
        self._max_lent = max_lent
        self._starved = starved
        self._plan = Plan()
        self._workers = {worker.id: worker for worker in farm.workers}
        self._jobs = {job.id: job for job in farm.jobs}
        self._leased: defaultdict[str, list[LeaseFacts]] = defaultdict(list)
        """Leases by worker."""
        self._lent: Counter[str] = Counter()
        self._on_way: Counter[str] = Counter()
        for lease in farm.leases:
            self._leased[lease.worker_id].append(lease)
            self._lent[lease.job_id] += 1
            self._on_way[lease.job_id] += not lease.is_held and not lease.recall
        self._unreachable: defaultdict[str, list[LeaseFacts]] = defaultdict(list)
        """Leases of lost hosts, by job; they wait until another worker is free (rule 6)."""
        self._unmet: list[tuple[JobFacts, Want, int]] = []
        """What jobs still need after this pass: how many workers for which want."""
        self._has_full = False
        """Whether a job that needs more workers has as many as one job gets."""
        self._reserved: dict[str, JobFacts] = {}
        """Workers that are kept free for the task of a lost host."""
        self._free = [
            (worker, slot)
            for worker in farm.workers
            if _takes_work(worker) and can_begin(worker) and worker.id not in farm.resting
            for slot in self._free_slots(worker)
        ]
        self._freed_soon: list[LeaseFacts] = [
            # Workers that are recalled to sleep, or were deleted, are not free afterwards.
            lease
            for lease in farm.leases
            if lease.recall
            and not lease.is_stuck
            and _takes_work(self._workers.get(lease.worker_id))
        ]

    def plan(self) -> Plan:
        for lease in self._farm.leases:
            self._look_after(lease)
        for worker in self._farm.workers:
            self._look_after_worker(worker)
        going_on = (job for job in self._farm.jobs if job.status in SCHEDULABLE)
        for job in sorted(going_on, key=lambda job: (-job.priority, job.age_rank)):
            if job.demand:
                self._serve(job)
            self._replace_unreachable(job)
        return self._plan

    def _free_slots(self, worker: WorkerFacts) -> Iterator[int]:
        taken = {lease.slot for lease in self._leased[worker.id]}
        return (slot for slot in range(worker.slots) if slot not in taken)

    # --- leases that must end --------------------------------------------------------------------

    def _look_after(self, lease: LeaseFacts) -> None:
        job, worker = self._jobs.get(lease.job_id), self._workers.get(lease.worker_id)
        if job is None or job.run != lease.run:
            self._plan.orphaned.append(lease.id)
        elif worker is not None and _may_come_back(worker, job, lease):
            self._unreachable[job.id].append(lease)
        elif worker is None or _is_dead(worker):
            self._give_up(lease)
        elif worker.session > lease.session:
            of_job = tuple(key for key in worker.live_runs if key.startswith(f"{job.id}."))
            changed = SessionChanged(worker.id, worker.session, of_job)
            self._plan.changed_sessions.append((job.id, changed))
        elif worker.status is WorkerStatus.STARTING:
            pass  # Its host has signed on, and will report its live runs soon.
        elif (order := _recall_for(worker, job, lease)) is not None:
            self._plan.recalls.append(order)

    def _give_up(self, lease: LeaseFacts) -> None:
        gone = WorkerGone(lease.worker_id, lease.session, "its worker is not there any more")
        self._plan.gone.append((lease.job_id, gone))

    def _look_after_worker(self, worker: WorkerFacts) -> None:
        if _is_missed(worker):
            self._plan.lost.append(worker.id)
        elif worker.status_requested and worker.is_present and not self._leased[worker.id]:
            self._plan.status_orders.append(StatusOrder(worker.id, worker.status_requested))

    # --- demand ----------------------------------------------------------------------------------

    def _serve(self, job: JobFacts) -> None:
        assert job.demand is not None
        # Leases that are offered already will serve a part of the demand.
        coming = self._on_way[job.id]
        for want in job.demand.wants:
            need = max(0, want.count - coming)
            coming = max(0, coming - want.count)
            need = self._offer(job, want, need)
            if need:
                self._unmet.append((job, want, need))
            self._recall_for_priority(job, want, need)
            self._answer_census(job, want)

    def _replace_unreachable(self, job: JobFacts) -> None:
        """Give up the leases of lost hosts for which there is a worker, which is kept free."""
        leases = self._unreachable.get(job.id)
        if not leases:
            return
        recallable = [lease for lease in self._recallable(job) if not lease.is_stuck]
        below = [self._workers[lease.worker_id] for lease in recallable]
        for lease in leases:
            lost = self._workers[lease.worker_id]
            # A lease does not say the type of its task.
            types = lost.task_types if lease.task_types is None else lease.task_types
            place = next((f for f in self._free if _can_replace(f[0], job, types)), None)
            other = next((worker for worker in below if _can_replace(worker, job, types)), None)
            if place is not None:
                self._free.remove(place)
                self._reserved[place[0].id] = job
            elif other is not None:
                below.remove(other)
            else:
                continue
            self._give_up(lease)

    def _offer(self, job: JobFacts, want: Want, need: int) -> int:
        """Offer free workers to the job; return how many workers it still needs."""
        left = []
        for worker, slot in self._free:
            is_room = need > 0 and self._lent[job.id] < self._max_lent
            if is_room and self._is_useful(worker, job, want):
                self._plan.offers.append(Offer(worker.id, worker.session, slot, job.id, job.run))
                self._lent[job.id] += 1
                need -= 1
            else:
                left.append((worker, slot))
        self._free = left
        is_full = self._lent[job.id] >= self._max_lent
        self._has_full = self._has_full or (is_full and need > 0)
        return 0 if is_full else need

    def _is_useful(self, worker: WorkerFacts, job: JobFacts, want: Want) -> bool:
        assert job.demand is not None
        gave_back = self._farm.hand_backs.get((job.id, worker.id)) == job.demand.version
        return unfit(worker, job, want, gave_back=gave_back) is None

    def _recall_for_priority(self, job: JobFacts, want: Want, need: int) -> None:
        for lease in self._freed_soon[:]:
            if need and self._is_useful(self._workers[lease.worker_id], job, want):
                self._freed_soon.remove(lease)
                need -= 1
        for lease in self._recallable(job) if need else ():
            if need and self._is_useful(self._workers[lease.worker_id], job, want):
                reason = f"a job of priority {job.priority} waits"
                order = RecallOrder(lease.id, lease.job_id, at_once=False, reason=reason)
                self._plan.recalls.append(order)
                need -= not lease.is_stuck

    def _recallable(self, job: JobFacts) -> list[LeaseFacts]:
        """Return leases of jobs with a lower priority that are not recalled yet, lowest first.

        Stuck ones come last, since their workers may not become free.
        """
        recalled = {order.lease_id for order in self._plan.recalls}

        def priority(lease: LeaseFacts) -> int:
            return self._jobs[lease.job_id].priority

        def order(lease: LeaseFacts) -> tuple[bool, int]:
            return lease.is_stuck, priority(lease)

        below = [
            lease
            for lease in self._farm.leases
            if lease.job_id in self._jobs
            and not lease.recall
            and lease.id not in recalled
            and priority(lease) < job.priority
            and _takes_work(self._workers.get(lease.worker_id))
        ]
        return sorted(below, key=order)

    def _answer_census(self, job: JobFacts, want: Want) -> None:
        assert job.demand is not None
        # A worker that is set aside comes back, so the job waits for it.
        able = [
            worker
            for worker in self._farm.workers
            if is_in_tag(worker, job.tag)
            and want.task_type in worker.task_types | worker.types_left_out
        ]
        unblocked = [worker for worker in able if worker.id not in want.blocked]
        version = job.demand.version
        if want.blocked and able and not unblocked:
            census = Census(version, want.task_type, nobody_left=True)
            self._plan.censuses.append((job.id, census))
        elif want.failed or (want.blocked and not self._lent[job.id]):
            there = [
                worker.id
                for worker in able
                if _takes_work(worker) and want.task_type in worker.task_types
            ]
            blocked = [worker_id for worker_id in there if worker_id in want.blocked]
            retry = tuple(worker_id for worker_id in there if worker_id in want.failed)
            retry = tuple(worker_id for worker_id in retry if worker_id not in want.blocked)
            if len(retry) < len(there) - len(blocked):
                # A job that others work for does not need the workers that it has blocked.
                more = () if self._lent[job.id] else blocked
                retry = self._retry_of_starved(job, want, (*retry, *more))
            if retry:
                census = Census(version, want.task_type, allow_retry=retry)
                self._plan.censuses.append((job.id, census))

    def _retry_of_starved(
        self, job: JobFacts, want: Want, failed: Collection[str]
    ) -> tuple[str, ...]:
        """Return the workers that may retry although other workers are left to try."""
        assert job.demand is not None
        retry: tuple[str, ...] = ()
        version = job.demand.version
        key = (job.id, want.task_type)
        if key in self._starved and self._starved[key] in (None, version):
            free = {worker.id for worker, _ in self._free}
            free.update(lease.worker_id for lease in self._recallable(job))
            retry = tuple(worker_id for worker_id in failed if worker_id in free)
        waiting = Waiting(job.id, want.task_type, version, bool(retry))
        self._plan.waiting.append(waiting)
        return retry

    # --- why tasks wait and workers are idle -----------------------------------------------------

    def reasons(self) -> Reasons:
        """Return why tasks wait and workers are idle, after `plan`."""
        gave_back: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        for (job_id, worker_id), version in self._farm.hand_backs.items():
            gave_back[job_id, version].append(worker_id)
        at_work = [(lease.worker_id, lease.job_id) for lease in self._farm.leases]
        at_work += [(offer.worker_id, offer.job_id) for offer in self._plan.offers]
        explainer = Explainer(self._farm, at_work, self._reserved)
        unbegun = [
            Shortage(job.id, job.tag, "")
            for job in self._farm.jobs
            if job.status in SCHEDULABLE and job.demand is None
        ]
        unmet = [
            (Unmet(job, want, frozenset(gave_back[job.id, job.demand.version])), need)
            for job, want, need in self._unmet
            if job.demand is not None
        ]
        idle = idle_workers(
            self._farm,
            {worker_id for worker_id, _ in at_work},
            [each for each, _ in unmet],
            has_full=self._has_full,
            kept=self._reserved,
        )
        waiting = [explainer.explain(*each, need) for each, need in unmet]
        return Reasons([*waiting, *unbegun], idle)


def _is_dead(worker: WorkerFacts) -> bool:
    has_vanished = worker.status is WorkerStatus.STARTING and not worker.is_present
    return worker.status in _DEAD or has_vanished


def _may_come_back(worker: WorkerFacts, job: JobFacts, lease: LeaseFacts) -> bool:
    """Return whether the lease waits for its lost host, whose run goes on as far as we know.

    The job's workflow ends the wait when the host takes none of its offers (rule 6).
    """
    is_lost = worker.status is WorkerStatus.ERROR and not worker.is_http
    return is_lost and job.status in SCHEDULABLE and lease.is_held and not lease.recall


def _can_replace(worker: WorkerFacts, job: JobFacts, types: frozenset[str]) -> bool:
    return is_in_tag(worker, job.tag) and not types.isdisjoint(worker.task_types)


def _is_missed(worker: WorkerFacts) -> bool:
    """Return whether a worker should be in contact but is not.

    A sleeping host may close its channel, but a sleeping HTTP worker keeps asking.
    """
    is_expected = worker.status is WorkerStatus.AWAKE or (
        worker.is_http and worker.status not in _DEAD | {WorkerStatus.UNREGISTERED}
    )
    return is_expected and not worker.is_present


def _takes_work(worker: WorkerFacts | None) -> bool:
    return worker is not None and unavailable(worker) is None


def _recall_for(worker: WorkerFacts, job: JobFacts, lease: LeaseFacts) -> RecallOrder | None:
    """Return an order to end a lease whose job goes on; None if the lease may continue."""
    if worker.status is not WorkerStatus.AWAKE:
        return RecallOrder(lease.id, job.id, at_once=True, reason=f"it is {worker.status}")
    if worker.status_requested is not None:
        at_once = not worker.is_lazy_request
        reason = f'it was requested to be "{worker.status_requested}"'
        return RecallOrder(lease.id, job.id, at_once, reason)
    if worker.is_paused:
        return RecallOrder(lease.id, job.id, at_once=False, reason="it is paused")
    if worker.set_aside:
        return RecallOrder(lease.id, job.id, at_once=False, reason="it is set aside")
    if reason := _out_of_place(worker, job, lease):
        return RecallOrder(lease.id, job.id, at_once=False, reason=reason)
    if lease.recall:
        return RecallOrder(lease.id, job.id, lease.recall == "at-once", "it is recalled")
    return None


def _out_of_place(worker: WorkerFacts, job: JobFacts, lease: LeaseFacts) -> str:
    """Return why the worker would not be lent like this any more; empty if it would."""
    if job.tag is not None and job.tag not in worker.tags:
        return "it left the job's tag"
    if lease.slot >= worker.slots:
        return "its worker has fewer slots now"
    if lease.task_types is not None and lease.task_types != worker.task_types:
        return "its worker takes on other types of tasks now"
    return ""
