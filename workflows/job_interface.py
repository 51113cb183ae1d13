"""Inputs and answers of a job's workflow, for people and programs (docs/scripting.md)."""

from dataclasses import dataclass, replace

from temporalio.common import SearchAttributeKey

from workflows.domain.job.run import JobRun
from workflows.domain.messages import Change, FramesOnRequeue, JobAction, TaskAction
from workflows.domain.statuses import JobStatus, TaskStatus

#: The type of the error with which the workflow of a failed job ends.
JOB_FAILED = "JobFailed"

JOB_STATUS = SearchAttributeKey.for_keyword("JobStatus")
JOB_PRIORITY = SearchAttributeKey.for_int("JobPriority")

#: The query `tasks` answers with at most this many rows; more would not fit in one message.
MOST_TASKS_SHOWN = 10_000


@dataclass(frozen=True, slots=True)
class Ask:
    """Input of every signal and update that changes a job. Every field is optional."""

    reason: str = ""
    request_id: str = ""
    """A repeated request with the same id gets the same answer, and changes nothing."""
    task: int | None = None
    """For `cancel_task` and `requeue_task`: the task's index in the job, from 1."""
    priority: int | None = None
    failed_only: bool = False
    """For `requeue`: requeue only the failed tasks."""
    frames: FramesOnRequeue | None = None
    """For `requeue` and `requeue_task`: keep the frames that are there, or render them again."""
    unblock: tuple[tuple[str, str], ...] = ()
    """For `unblock`: pairs of a worker's id and a task type."""

    def of_job(self, action: JobAction) -> Change:
        return Change(action=action, reason=self.reason, request_id=self.request_id)

    def to_requeue(self) -> Change:
        action = JobAction.REQUEUE_FAILED if self.failed_only else JobAction.REQUEUE
        return replace(self.of_job(action), frames=self.frames)

    def to_set_priority(self) -> Change:
        return Change(priority=self.priority, reason=self.reason, request_id=self.request_id)

    def to_unblock(self) -> Change:
        return Change(unblock=self.unblock, reason=self.reason, request_id=self.request_id)

    def of_task(self, action: TaskAction) -> Change:
        return Change(
            task_action=action,
            task=self.task,
            reason=self.reason,
            request_id=self.request_id,
            frames=self.frames,
        )


#: Stands for the missing input of a signal or update.
NO_DETAILS = Ask()


@dataclass(frozen=True, slots=True)
class JobView:
    """Answer of the query `status`."""

    status: JobStatus
    priority: int
    run: int
    tasks: dict[str, int]
    """Number of tasks by status."""
    workers: list[str]
    """Names of the workers lent to the job."""

    @classmethod
    def of(cls, job: JobRun) -> "JobView":
        counts = {str(status): count for status, count in job.tasks.counts.items() if count}
        workers = sorted(holding.lease.worker_name for holding in job.leases)
        return cls(job.status, job.priority, job.run, counts, workers)


@dataclass(frozen=True, slots=True)
class TaskView:
    """One row of the query `tasks`."""

    index: int
    status: TaskStatus
    attempt: int
    worker: str

    @classmethod
    def of_all(cls, job: JobRun) -> "list[TaskView]":
        workers = {h.live.index: h.lease.worker_name for h in job.leases if h.live}
        return [
            cls(i, job.tasks.status(i), job.tasks.attempt(i), workers.get(i, ""))
            for i in list(job.tasks)[:MOST_TASKS_SHOWN]
        ]
