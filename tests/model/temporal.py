"""The model's Temporal: executions with their mailboxes, activities with their time-outs.

Everything is plain data, so that a copy of it can be put in place later: a restored backup.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from activities.keeping import TemporalAway, WorkflowMissing
from tests.model.times import HEARTBEAT, SCHEDULE_TO_START
from workflows.domain.job.leases import Start
from workflows.domain.job.run import JobRun, RetryPause
from workflows.domain.messages import Outcome, OutcomeKind, ProjectionWrite, RunRef


class Beat(Enum):
    """The answer to an activity's heartbeat."""

    OK = auto()
    CANCEL = auto()
    NOT_FOUND = auto()


@dataclass
class Activity:
    id: int
    execution: int
    offer: int
    ref: RunRef
    task_queue: str
    deadline: int
    is_started: bool = False
    is_cancel_requested: bool = False
    is_withdrawal: bool = False
    """It asks to withdraw the run; `offer` is the number of the question."""


@dataclass
class Execution:
    """One workflow run; a continue-as-new makes another."""

    id: int
    job_id: str
    run: int
    job: JobRun | None = None
    unwritten: ProjectionWrite | None = None
    """The write in flight, or carried over a continue-as-new."""
    is_stored: bool = False
    """It was, but the answer has not arrived."""
    mailbox: list[tuple[str, Any]] = field(default_factory=list)
    pauses: list[tuple[int, RetryPause]] = field(default_factory=list)


@dataclass
class Temporal:
    is_up: bool = True
    executions: dict[str, Execution] = field(default_factory=dict)
    """The open ones, by job."""
    is_keeper_open: bool = True
    """Whether the keeper's workflow is open."""
    activities: dict[int, Activity] = field(default_factory=dict)
    """The open ones."""
    last_id: int = 0

    # --- executions ------------------------------------------------------------------------------

    def start(self, job_id: str, run: int) -> bool:
        """False: another run was open. It has been overtaken by the database, and ends."""
        self.check()
        present = self.executions.get(job_id)
        if present is None:
            self.open(Execution(self._new_id(), job_id, run))
        elif present.run != run:
            self.close(job_id)
            return False
        return True

    def open(self, execution: Execution) -> None:
        self.executions[execution.job_id] = execution

    def close(self, job_id: str) -> None:
        execution = self.executions.pop(job_id, None)
        if execution is not None:
            for activity in self._activities_of(execution):
                del self.activities[activity.id]

    def replace(self, old: Execution, job: JobRun, unwritten: ProjectionWrite | None) -> Execution:
        """Continue-as-new: the activities of before are out of reach, pauses forgotten."""
        self.close(old.job_id)
        new = Execution(self._new_id(), old.job_id, old.run, job, unwritten)
        self.open(new)
        return new

    def signal(self, job_id: str, kind: str, content: Any) -> None:
        self.check()
        if job_id not in self.executions:
            raise WorkflowMissing(job_id)
        self.executions[job_id].mailbox.append((kind, content))

    def check(self) -> None:
        if not self.is_up:
            raise TemporalAway

    # --- activities ------------------------------------------------------------------------------

    def schedule(self, execution: Execution, start: Start, now: int) -> None:
        number = self._new_id()
        self.activities[number] = Activity(
            number,
            execution.id,
            start.offer,
            start.ref,
            start.task_queue,
            now + SCHEDULE_TO_START,
        )

    def ask_back(self, execution: Execution, question: Start, now: int) -> None:
        self.schedule(execution, question, now)
        self.activities[self.last_id].is_withdrawal = True

    def cancel(self, execution: Execution, offer: int) -> None:
        for activity in self._activities_of(execution):
            if activity.offer == offer:
                activity.is_cancel_requested = True
                if not activity.is_started:
                    self._end(activity, "canceled_unseen", offer)

    def poll(self, task_queue: str, now: int) -> Activity | None:
        for activity in self.activities.values():
            if activity.task_queue == task_queue and not activity.is_started:
                activity.is_started, activity.deadline = True, now + HEARTBEAT
                return activity
        return None

    def heartbeat(self, number: int, now: int) -> Beat:
        self.check()
        activity = self.activities.get(number)
        if activity is None or not activity.is_started:
            return Beat.NOT_FOUND
        activity.deadline = now + HEARTBEAT
        return Beat.CANCEL if activity.is_cancel_requested else Beat.OK

    def complete(self, number: int, outcome: Outcome) -> bool:
        """Whether it was accepted: a closed activity's outcome is not wanted."""
        self.check()
        activity = self.activities.get(number)
        if activity is None or not activity.is_started:
            return False
        kind = "withdrawal_answered" if activity.is_withdrawal else "ended"
        self._end(activity, kind, (activity.offer, outcome))
        return True

    def tick(self, now: int) -> None:
        if not self.is_up:
            return
        for activity in [a for a in self.activities.values() if now >= a.deadline]:
            if activity.is_withdrawal:
                lost = Outcome(OutcomeKind.LOST, "no answer")
                self._end(activity, "withdrawal_answered", (activity.offer, lost))
            elif activity.is_started:
                self._end(activity, "fell_silent", activity.offer)
            else:
                self._end(activity, "not_taken", (activity.offer, activity.deadline))
        for execution in self.executions.values():
            due = [pause for at, pause in execution.pauses if now >= at]
            execution.pauses = [(at, pause) for at, pause in execution.pauses if now < at]
            execution.mailbox.extend(("retry_due", pause) for pause in due)

    def _end(self, activity: Activity, kind: str, content: Any) -> None:
        del self.activities[activity.id]
        for execution in self.executions.values():
            if execution.id == activity.execution:
                execution.mailbox.append((kind, content))

    def _activities_of(self, execution: Execution) -> Iterator[Activity]:
        return iter([a for a in self.activities.values() if a.execution == execution.id])

    def _new_id(self) -> int:
        self.last_id += 1
        return self.last_id
