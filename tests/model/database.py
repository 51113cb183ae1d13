"""The model's database: jobs as their workflows project them, workers, leases."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from tests.model.http_runs import HttpRun, end
from workflows.domain.farm_facts import FarmSnapshot, JobFacts, LeaseFacts, WorkerFacts
from workflows.domain.job.claiming import first_write, may_claim
from workflows.domain.job.encoding import TaskColumns, decode, encode
from workflows.domain.job.ranges import indexes_in
from workflows.domain.matchmaking import Offer
from workflows.domain.messages import (
    Change,
    Demand,
    JobSnapshot,
    Lease,
    LeaseReturned,
    Limits,
    Outcome,
    OutcomeKind,
    ProjectionWrite,
    RunKey,
    TasksMoved,
    WriteAnswer,
)
from workflows.domain.statuses import WAITING, JobStatus, TaskStatus, WorkerStatus
from workflows.domain.writes import answer_out_of_turn, fingerprint


@dataclass
class JobRecord:
    id: str
    priority: int
    tag: str | None
    columns: TaskColumns
    limits: Limits
    run: int = 1
    status: JobStatus = JobStatus.QUEUED
    sequence: int = 0
    last: ProjectionWrite | None = None
    """What was stored under `sequence`."""
    demand: Demand | None = None
    demand_version: int = 0
    blocked: tuple[tuple[str, str], ...] = ()
    is_ended: bool = False
    change: Change | None = None


@dataclass
class LeaseRecord:
    lease: Lease
    since: int
    is_held: bool = False
    recall: str = ""


@dataclass
class WorkerRecord:
    id: str
    slots: int
    task_types: frozenset[str]
    tags: frozenset[str]
    status: WorkerStatus = WorkerStatus.OFFLINE
    session: int = 0
    requested: WorkerStatus | None = None
    is_lazy: bool = False
    live_runs: tuple[str, ...] = ()
    is_http: bool = False
    has_deck: bool = False
    polls_until: int = 0
    """Of one that speaks HTTP: its question for a task waits until then."""


@dataclass
class Database:
    jobs: dict[str, JobRecord] = field(default_factory=dict)
    workers: dict[str, WorkerRecord] = field(default_factory=dict)
    leases: dict[str, LeaseRecord] = field(default_factory=dict)
    """The open ones."""
    generations: Counter[tuple[str, int]] = field(default_factory=Counter)
    hand_backs: dict[tuple[str, str], int] = field(default_factory=dict)
    outbox: dict[str, int] = field(default_factory=dict)
    http_runs: dict[RunKey, HttpRun] = field(default_factory=dict)
    last_lease: int = 0
    restored: int = 0
    """Number of the last restore."""
    recorded: Counter[RunKey] = field(default_factory=Counter)
    """How often the success of a run was recorded."""
    useless: Counter[tuple[str, int, str, int]] = field(default_factory=Counter)
    """How often (job, run, worker, demand version) was handed back."""

    # --- a job's workflow ------------------------------------------------------------------------

    def submit(self, job: JobRecord) -> None:
        self.jobs[job.id] = job
        self.outbox[job.id] = job.run

    def claim(self, job_id: str, run: int) -> JobSnapshot | None:
        job = self.jobs.get(job_id)
        if job is None or job.run != run or job.is_ended:
            return None
        last = fingerprint(job.last) if job.last else None
        demand = job.demand or Demand(job.demand_version)
        if not may_claim(job_id, run, sequence=job.sequence, last=last, demand=demand):
            return None  # Temporal was set back: what this run has been lent, it does not know
        is_told = job.sequence > 0
        snapshot = JobSnapshot(
            job_id,
            run,
            job.status,
            job.priority,
            encode(job.columns),
            sequence=job.sequence,
            demand_version=demand.version - 1 if is_told else demand.version,
            blocked=job.blocked,
            limits=job.limits,
            change=job.change,
            told=demand if is_told else None,
        )
        if is_told or (write := first_write(snapshot)) is None:
            return snapshot
        assert self.store(write) is WriteAnswer.STORED
        return replace(snapshot, sequence=write.sequence, told=write.demand)

    def store(self, write: ProjectionWrite) -> WriteAnswer:
        job = self.jobs.get(write.job_id)
        if job is None or job.run != write.run:
            return WriteAnswer.GONE
        last = fingerprint(job.last) if job.last and write.sequence == job.sequence else None
        answer = answer_out_of_turn(write, sequence=job.sequence, is_ended=job.is_ended, last=last)
        if answer is not None:
            return answer
        self._apply(job, write)
        job.sequence, job.last = write.sequence, write
        return WriteAnswer.STORED

    def _apply(self, job: JobRecord, write: ProjectionWrite) -> None:
        job.change = None
        self._apply_moves(job, write)
        if write.jobs:
            job.status = write.jobs[-1].status
        if write.priority is not None:
            job.priority = write.priority
        if write.blocked is not None:
            job.blocked = write.blocked
        if write.demand is not None:
            job.demand, job.demand_version = write.demand, write.demand.version
        self._apply_leases(job, write)
        if write.snapshot is not None:
            job.columns, job.status = decode(write.snapshot), write.status or job.status
            self._take_offers_back(job)
        if write.is_final:
            job.is_ended = True
            self._return_all(job)

    def _apply_moves(self, job: JobRecord, write: ProjectionWrite) -> None:
        for stopped in write.stopped:
            self._withdraw(stopped.key)
        for moved in write.tasks:
            if moved.is_offer and not self._is_handed_out(job, moved):
                job.columns.attempts[int(moved.indexes) - 1] = moved.attempt or 0
            else:
                self._move(job, moved)

    # --- offers to workers that speak HTTP: a task is active from its hand-out on ----------------

    def hand_out(self, key: RunKey) -> None:
        job, at = self.jobs[key.job_id], key.index - 1
        columns = job.columns
        waits = columns.statuses[at] in WAITING and columns.attempts[at] == key.attempt
        if job.run == key.run and waits:
            columns.statuses[at] = TaskStatus.ACTIVE

    def _is_handed_out(self, job: JobRecord, offer: TasksMoved) -> bool:
        key = RunKey(job.id, int(offer.indexes), job.run, offer.attempt or 0)
        run = self.http_runs.get(key)
        return run is not None and run.is_running

    def _withdraw(self, key: RunKey) -> None:
        run = self.http_runs.get(key)
        if run is not None and not run.is_running:
            end(run, Outcome(OutcomeKind.CANCELED, "its job gave it up"))

    def _take_offers_back(self, job: JobRecord) -> None:
        for key, run in self.http_runs.items():
            at = key.index - 1
            is_open = run.outcome is None and not run.is_running
            is_known = key.job_id == job.id and job.columns.attempts[at] == key.attempt
            if is_open and is_known and job.columns.statuses[at] is TaskStatus.ACTIVE:
                job.columns.statuses[at] = TaskStatus.QUEUED

    # --- leases ----------------------------------------------------------------------------------

    def _apply_leases(self, job: JobRecord, write: ProjectionWrite) -> None:
        for lease_id in write.held:
            if lease_id in self.leases:
                self.leases[lease_id].is_held = True
        for lease_id, session in write.moved:
            if lease_id in self.leases:
                record = self.leases[lease_id]
                record.lease = replace(record.lease, session=session)
        for returned in write.returned:
            self._return(job, returned)
        if write.all_held is not None:
            self._return_all(job, but=write.all_held)

    def _return(self, job: JobRecord, returned: LeaseReturned) -> None:
        self.leases.pop(returned.lease_id, None)
        if returned.demand_version:
            self.hand_backs[job.id, returned.worker_id] = returned.demand_version
            self.useless[job.id, job.run, returned.worker_id, returned.demand_version] += 1

    def _return_all(self, job: JobRecord, but: Sequence[str] = ()) -> None:
        for lease_id, record in list(self.leases.items()):
            if record.lease.job_id == job.id and lease_id not in but:
                del self.leases[lease_id]

    def _move(self, job: JobRecord, moved: TasksMoved) -> None:
        columns = job.columns
        for index in indexes_in(moved.indexes):
            at = index - 1
            was_completed = columns.statuses[at] is TaskStatus.COMPLETED
            columns.statuses[at] = moved.status
            if moved.attempt is not None:
                columns.attempts[at] = moved.attempt
            if moved.failed_by is not None:
                columns.failed_by[at] = moved.failed_by
            if moved.failures is not None:
                columns.failures[at] = moved.failures
            if moved.status is TaskStatus.COMPLETED and not was_completed:
                self.recorded[RunKey(job.id, index, job.run, columns.attempts[at])] += 1

    # --- runs ------------------------------------------------------------------------------------

    def rerun(self, job: JobRecord, change: Change | None) -> None:
        job.run = max(job.run + 1, self.restored)
        job.sequence, job.last, job.is_ended, job.change = 0, None, False, change
        job.demand = None
        self._return_all(job)
        for pair in [pair for pair in self.hand_backs if pair[0] == job.id]:
            del self.hand_backs[pair]
        self.outbox[job.id] = job.run

    def restart(self, job_id: str, run: int) -> bool:
        """Its workflow is no more, or not what it was (protocol rule 16).

        Return False if the run has ended or does not own the job.
        """
        job = self.jobs[job_id]
        if job.is_ended or job.run != run:
            return False
        self.rerun(job, job.change)
        return True

    def was_restored(self, number: int) -> None:
        """After a copy was put in place: no number is used twice, though it be the same copy."""
        self.restored = number
        self.http_runs.clear()
        for job in self.jobs.values():
            if not job.is_ended:
                self.rerun(job, job.change)

    # --- the keeper ------------------------------------------------------------------------------

    def snapshot(self, is_present: Callable[[str], bool], now: int) -> FarmSnapshot:
        return FarmSnapshot(
            tuple(_worker_facts(w, is_present(w.id), now) for w in self.workers.values()),
            tuple(
                JobFacts(job.id, job.run, job.status, job.priority, rank, job.tag, job.demand)
                for rank, job in enumerate(self.jobs.values())
                if not job.is_ended
            ),
            tuple(_lease_facts(record) for record in self.leases.values()),
            dict(self.hand_backs),
        )

    def write_offers(self, offers: Iterable[Offer], now: int) -> list[Lease]:
        written = []
        for offer in offers:
            job, worker = self.jobs[offer.job_id], self.workers.get(offer.worker_id)
            if worker is None or job.is_ended or job.run != offer.run:
                continue
            slot = (worker.id, offer.slot)
            generation = self.generations[slot] = max(self.generations[slot] + 1, self.restored)
            self.last_lease += 1
            lease = Lease(
                f"lease {self.last_lease}",
                worker.id,
                worker.id,
                worker.session,
                offer.slot,
                generation,
                job.id,
                job.run,
                tuple(sorted(worker.task_types)),
                worker.is_http,
                worker.has_deck,
            )
            self.leases[lease.id] = LeaseRecord(lease, now)
            written.append(lease)
        return written

    # --- hosts -----------------------------------------------------------------------------------

    def open_session(self, worker_id: str, session: int | None, runs: tuple[str, ...]) -> int:
        worker = self.workers[worker_id]
        if session == worker.session and worker.status is not WorkerStatus.ERROR:
            return worker.session
        worker.session = max(worker.session, session or 0) + 1
        worker.live_runs = runs
        return worker.session

    def reported(self, worker_id: str, session: int, status: WorkerStatus) -> None:
        worker = self.workers.get(worker_id)
        if worker is not None and worker.session == session:
            worker.status = status
            if worker.requested is status:
                worker.requested, worker.is_lazy = None, False

    def is_settled(self, key: RunKey) -> bool:
        """Whether the end of a try at a task is recorded."""
        job = self.jobs.get(key.job_id)
        if job is None:
            return True
        known = (job.run, job.columns.attempts[key.index - 1])
        if known != (key.run, key.attempt):
            return known > (key.run, key.attempt)
        return job.columns.statuses[key.index - 1] is not TaskStatus.ACTIVE

    def is_lent(self, worker_id: str) -> bool:
        return any(record.lease.worker_id == worker_id for record in self.leases.values())

    def has_authority(self, worker_id: str, key: RunKey) -> bool:
        leases = (record.lease for record in self.leases.values())
        wanted = (worker_id, key.job_id, key.run)
        return any((lease.worker_id, lease.job_id, lease.run) == wanted for lease in leases)


def _worker_facts(worker: WorkerRecord, is_present: bool, now: int) -> WorkerFacts:
    return WorkerFacts(
        worker.id,
        worker.id,
        worker.status,
        worker.session,
        worker.slots,
        worker.task_types,
        worker.tags,
        is_present,
        worker.requested,
        worker.is_lazy,
        worker.live_runs,
        worker.is_http,
        worker.polls_until > now,
    )


def _lease_facts(record: LeaseRecord) -> LeaseFacts:
    lease = record.lease
    return LeaseFacts(
        lease.id,
        lease.worker_id,
        lease.session,
        lease.slot,
        lease.generation,
        lease.job_id,
        lease.run,
        record.is_held,
        record.recall,
    )
