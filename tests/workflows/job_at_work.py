"""A job's workflow at work, between records and hosts that a test controls."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError

from workflows.activity_contracts import OnDeck, Records, Rendering
from workflows.domain.job.claiming import first_write
from workflows.domain.job.encoding import TaskColumns, encode
from workflows.domain.job.task_names import encode_names
from workflows.domain.messages import (
    Change,
    JobSnapshot,
    Lease,
    Limits,
    Outcome,
    OutcomeKind,
    ProjectionWrite,
    RunRef,
    StartJob,
    WriteAnswer,
)
from workflows.domain.statuses import JobStatus, TaskStatus
from workflows.job import JobWorkflow

COMPLETED = Outcome(OutcomeKind.COMPLETED)
#: Of a run that was short enough for the next task to be given in advance.
SHORT = Outcome(OutcomeKind.COMPLETED, ran_s=1.0)
WITHDRAWN = Outcome(OutcomeKind.WITHDRAWN)


def _open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


@dataclass
class Ledger(Records):
    """The database: gives the snapshot, keeps every write in the order in which it came."""

    snapshot: JobSnapshot | None
    writes: list[ProjectionWrite] = field(default_factory=list)
    answers: list[WriteAnswer] = field(default_factory=list)
    """Given instead of `stored`, first come first served."""
    claims: int = 0
    gate: asyncio.Event = field(default_factory=_open_gate)
    """While it is closed, the database answers no claim, and no write that it holds back."""
    holds_back: Callable[[ProjectionWrite], bool] = lambda _: True
    tells: bool = True
    """Whether claims store the demand; those of large jobs do not."""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @activity.defn(name="claim_job")
    async def claim_job(self, start: StartJob) -> JobSnapshot | None:
        async with self._news:
            self.claims += 1
            self._news.notify_all()
        await self._until_open()
        return self._told() if self.tells else self.snapshot

    def _told(self) -> JobSnapshot | None:
        """What the manager answers, which stores the run's first write with the claim."""
        write = first_write(self.snapshot) if self.snapshot else None
        if self.snapshot is None or write is None:
            return self.snapshot
        if write not in self.writes:
            self.writes.append(write)
        return replace(self.snapshot, sequence=write.sequence, told=write.demand)

    @activity.defn(name="store_changes")
    async def store_changes(self, write: ProjectionWrite) -> WriteAnswer:
        async with self._news:
            self.writes.append(write)
            self._news.notify_all()
        if self.holds_back(write):
            await self._until_open()
        return self.answers.pop(0) if self.answers else WriteAnswer.STORED

    async def _until_open(self) -> None:
        while not self.gate.is_set():
            activity.heartbeat()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.gate.wait(), 0.1)

    async def until_claimed(self) -> None:
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: self.claims > 0)

    async def until_written(self, fits: Callable[[ProjectionWrite], bool]) -> ProjectionWrite:
        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: any(map(fits, self.writes)))
        return next(filter(fits, self.writes))

    @property
    def statuses(self) -> list[JobStatus]:
        return [moved.status for write in self.writes for moved in write.jobs]


class StandInHost(Rendering, OnDeck):
    """A render machine whose tasks end when the test says so, in any order."""

    def __init__(self, worker_id: str) -> None:
        self.worker_id = worker_id
        self.asked: list[RunRef] = []
        self.stopped: list[RunRef] = []
        self.asked_back: list[RunRef] = []
        self.refuses_questions = False
        self._outcomes: dict[int, asyncio.Future[Outcome]] = {}
        self._news = asyncio.Condition()

    @activity.defn(name="run_task")
    async def run_task(self, run: RunRef) -> Outcome:
        async with self._news:
            self.asked.append(run)
            self._news.notify_all()
        beats = asyncio.create_task(self._beat())
        try:
            return await asyncio.shield(self._outcome(run.index))
        except asyncio.CancelledError:
            self.stopped.append(run)
            raise
        finally:
            beats.cancel()

    @activity.defn(name="withdraw_task")
    async def withdraw_task(self, run: RunRef) -> Outcome:
        async with self._news:
            self.asked_back.append(run)
            self._news.notify_all()
        if self.refuses_questions:
            raise ApplicationError("activity withdraw_task is not registered", non_retryable=True)
        self.finish(run.index, WITHDRAWN)
        return WITHDRAWN

    async def _beat(self) -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.05)

    def finish(self, index: int, outcome: Outcome = COMPLETED) -> None:
        if not self._outcome(index).done():
            self._outcome(index).set_result(outcome)

    def forget(self, index: int) -> None:
        self._outcomes.pop(index, None)

    async def until_asked_back(self) -> None:
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: bool(self.asked_back))

    async def until_asked(self, count: int) -> list[RunRef]:
        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: len(self.asked) >= count)
        return self.asked

    def _outcome(self, index: int) -> "asyncio.Future[Outcome]":
        if index not in self._outcomes:
            self._outcomes[index] = asyncio.get_running_loop().create_future()
        return self._outcomes[index]


LIMITS = Limits(heartbeat_s=5)


def snapshot(
    tasks: int,
    *,
    change: Change | None = None,
    limits: Limits = LIMITS,
    names: Sequence[str] = (),
) -> JobSnapshot:
    columns = TaskColumns(
        types=["blender"] * tasks,
        priorities=[50] * tasks,
        depends_on=[""] * tasks,
        statuses=[TaskStatus.QUEUED] * tasks,
        attempts=[0] * tasks,
        failures=[0] * tasks,
        failed_by=[()] * tasks,
    )
    return JobSnapshot(
        str(uuid4()),
        1,
        JobStatus.QUEUED,
        50,
        encode(columns),
        change=change,
        limits=limits,
        task_names=encode_names(names) if names else "",
    )


@dataclass
class JobAtWork:
    """A started workflow, its ledger, and one host that can be lent to it."""

    client: Client
    job: JobSnapshot
    ledger: Ledger
    host: StandInHost
    handle: WorkflowHandle[JobWorkflow, str]
    lent: int = 0

    async def lend(self, slots: int = 1, *, has_deck: bool = False) -> list[Lease]:
        leases = []
        for slot in range(slots):
            self.lent += 1
            lease = Lease(
                id=str(uuid4()),
                worker_id=self.host.worker_id,
                worker_name="host",
                session=1,
                slot=slot,
                generation=self.lent,
                job_id=self.job.job_id,
                run=self.job.run,
                task_types=("blender",),
                has_deck=has_deck,
            )
            leases.append(lease)
        await self.handle.signal(JobWorkflow.lend, leases)
        return leases


def with_history_limit(events: int) -> Limits:
    return replace(LIMITS, history_events=events)
