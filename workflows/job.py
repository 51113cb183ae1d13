"""One run of one job as a workflow; `workflows.domain.job` makes every decision."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.workflow import ActivityCancellationType, ActivityHandle

from workflows.activity_contracts import OnDeck, Rendering
from workflows.activity_reports import report, report_withdrawal
from workflows.cancel_requests import CancelRequest, is_cancel_request
from workflows.domain.job.carrying import carry, restore
from workflows.domain.job.leases import Start
from workflows.domain.job.requests import Closing, request
from workflows.domain.job.run import JobRun, RetryPause
from workflows.domain.job.transitions import Refused
from workflows.domain.messages import (
    Census,
    Change,
    JobAction,
    Lease,
    Outcome,
    ProjectionWrite,
    Recall,
    SessionChanged,
    StartJob,
    TaskAction,
    WorkerGone,
    WriteAnswer,
)
from workflows.domain.statuses import JobStatus
from workflows.job_interface import (
    JOB_FAILED,
    JOB_PRIORITY,
    JOB_STATUS,
    NO_DETAILS,
    Ask,
    JobView,
    TaskView,
)
from workflows.record_calls import claim_job, store_changes
from workflows.summaries import summary_of_task, summary_of_withdrawal

#: Longer than any frame takes to render. A lost run is noticed by its heartbeat time-out instead.
LONGEST_RUN = timedelta(days=30)
#: Changes that are not urgent are collected for this long after the last write. One write costs as
#: much as two tasks, and a hundred hosts end a task every few milliseconds.
GATHERING = timedelta(seconds=0.5)
#: A history longer than this multiple of its limit is cut off even while runs are stopping.
HISTORY_OVERDUE = 3

T = TypeVar("T")


@workflow.defn(name="Job")
class JobWorkflow:
    @workflow.init
    def __init__(self, start: StartJob) -> None:
        # After a continue-as-new, the job's state was carried over, with its sequence number.
        # Otherwise it is unknown until the job is claimed; earlier signals are kept until then.
        self._job = restore(start.carried) if start.carried else None
        self._unclaimed: list[Callable[[JobRun], None]] = []
        self._cancel_request = CancelRequest()
        self._unwritten = start.unwritten
        """The write that the database has not answered yet."""
        self._written = self._job.sequence if self._job else 0
        self._awaited = 0
        """Sequence number of the newest write that a caller of `change` waits for."""
        self._next_write_at: datetime | None = None
        self._is_gone = False
        self._handles: dict[int, ActivityHandle[Outcome]] = {}
        self._defect: BaseException | None = None

    @workflow.run
    async def run(self, start: StartJob) -> str:
        if self._job is not None:
            self._job.offer_everything_again()
            self._act(self._job)
        while True:
            try:
                return await self._run_until_over(start)
            except (asyncio.CancelledError, ActivityError) as interruption:
                # The request interrupts what is waited for here, and nothing else. So wait again,
                # and take the request as a change of the job.
                if not is_cancel_request(interruption):
                    raise

    async def _run_until_over(self, start: StartJob) -> str:
        if self._job is None and not self._is_gone:
            await self._claim(start)
        if (job := self._job) is None:
            await workflow.wait_condition(workflow.all_handlers_finished)
            return "another run owns the job"
        await self._write_until_over(job)
        await workflow.wait_condition(workflow.all_handlers_finished)
        if job.status is JobStatus.FAILED and workflow.patched("failed-job-fails"):
            # So that Temporal's own list and alarms tell it from a job that went well.
            raise ApplicationError("The job failed.", type=JOB_FAILED, non_retryable=True)
        return str(job.status)

    async def _claim(self, start: StartJob) -> None:
        snapshot = await claim_job(start)
        if snapshot is None:
            self._is_gone = True
            return
        job = JobRun(snapshot)
        self._written = job.sequence
        if snapshot.change is not None:
            try:
                request(job, snapshot.change)
            except Refused as refused:
                workflow.logger.info("change at start was refused: %s", refused)
        job.begin()
        self._job = job
        for message in self._unclaimed:
            message(job)
        self._act(job)

    # --- writing ---------------------------------------------------------------------------------

    async def _write_until_over(self, job: JobRun) -> None:
        if self._unwritten is not None:
            await self._write(job, self._unwritten)
        while not self._is_gone:
            await workflow.wait_condition(lambda: self._has_something_to_do(job))
            if self._defect is not None:
                raise self._defect
            if self._cancel_request.is_new:
                self._asked(Change(action=JobAction.CANCEL, reason=self._cancel_request.take()))
            if self._may_continue_as_new(job):
                self._continue_as_new(job)
            if job.changes:
                await self._let_gather(job)
                await self._write(job, job.next_write())
            elif job.is_finished:
                return

    def _has_something_to_do(self, job: JobRun) -> bool:
        is_over = job.is_finished and not job.changes
        is_asked = bool(job.changes) or self._cancel_request.is_new
        return is_asked or is_over or bool(self._defect) or self._may_continue_as_new(job)

    async def _let_gather(self, job: JobRun) -> None:
        if self._next_write_at is not None and workflow.now() < self._next_write_at:
            timeout = self._next_write_at - workflow.now()
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(lambda: self._is_pressing(job), timeout=timeout)

    def _is_pressing(self, job: JobRun) -> bool:
        is_awaited = self._awaited > self._written
        return job.changes.is_pressing or is_awaited or self._defect is not None

    async def _write(self, job: JobRun, write: ProjectionWrite) -> None:
        self._next_write_at = workflow.now() + GATHERING
        self._unwritten = write
        answer = await store_changes(write)
        if answer is WriteAnswer.SEND_ALL:
            self._unwritten = job.whole(write)
            answer = await store_changes(self._unwritten)
        self._unwritten = None
        self._is_gone = answer is WriteAnswer.GONE
        self._written = write.sequence
        if write.jobs or write.priority is not None:
            self._show(job)

    def _show(self, job: JobRun) -> None:
        workflow.upsert_search_attributes(
            [
                JOB_STATUS.value_set(str(job.status)),
                JOB_PRIORITY.value_set(job.priority),
            ]
        )

    def _may_continue_as_new(self, job: JobRun) -> bool:
        length = workflow.info().get_current_history_length()
        is_ending = job.is_finished or job.changes.is_final or self._is_gone
        if is_ending or length < job.limits.history_events:
            return False
        is_calm = not any(run.is_voided for holding in job.leases for run in holding.runs)
        is_overdue = length > HISTORY_OVERDUE * job.limits.history_events
        return (is_calm or is_overdue) and workflow.all_handlers_finished()

    def _continue_as_new(self, job: JobRun) -> None:
        # Unwritten changes are carried along, because a busy job always has some.
        unwritten = job.next_write() if job.changes else None
        workflow.continue_as_new(StartJob(job.job_id, job.run, carry(job), unwritten))

    # --- activities ------------------------------------------------------------------------------

    def _act(self, job: JobRun) -> None:
        """Carry out the decisions of the job's rules. Call it after each message to the job."""
        while job.starts or job.cancels or job.withdrawals or job.pauses:
            for start in _drained(job.starts):
                self._start(job, start)
            for offer in _drained(job.cancels):
                if (handle := self._handles.get(offer)) is not None:
                    handle.cancel()
            for question in _drained(job.withdrawals):
                self._ask_back(job, question)
            for pause in _drained(job.pauses):
                asyncio.get_running_loop().call_later(pause.seconds, self._retry, pause)

    def _retry(self, pause: RetryPause) -> None:
        self._told(lambda job: job.retry_due(pause))

    def _start(self, job: JobRun, start: Start) -> None:
        limits = job.limits
        offered_at = workflow.now()
        handle = workflow.start_activity_method(
            Rendering.run_task,
            start.ref,
            task_queue=start.task_queue,
            schedule_to_start_timeout=timedelta(seconds=limits.schedule_to_start_s),
            start_to_close_timeout=LONGEST_RUN,
            heartbeat_timeout=timedelta(seconds=limits.heartbeat_s),
            retry_policy=RetryPolicy(maximum_attempts=1),
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=summary_of_task(start, job.task_names),
        )
        self._handles[start.offer] = handle
        handle.add_done_callback(lambda _: self._ended(job, start.offer, offered_at))

    def _ask_back(self, job: JobRun, question: Start) -> None:
        """Ask a host to withdraw the run on its deck, unless it has begun."""
        limits = job.limits
        handle = workflow.start_activity_method(
            OnDeck.withdraw_task,
            question.ref,
            task_queue=question.task_queue,
            schedule_to_start_timeout=timedelta(seconds=limits.schedule_to_start_s),
            start_to_close_timeout=timedelta(seconds=limits.schedule_to_start_s),
            retry_policy=RetryPolicy(maximum_attempts=1),
            summary=summary_of_withdrawal(question, job.task_names),
        )
        handle.add_done_callback(
            lambda _: self._take(job, lambda: report_withdrawal(job, question.offer, handle))
        )

    def _ended(self, job: JobRun, offer: int, offered_at: datetime) -> None:
        handle = self._handles.pop(offer)
        self._take(job, lambda: report(job, offer, handle, workflow.now() - offered_at))

    def _take(self, job: JobRun, tell: Callable[[], None]) -> None:
        try:
            tell()
            self._act(job)
        except Exception as defect:  # raised later, where it fails the workflow task
            self._defect = defect

    # --- signals ---------------------------------------------------------------------------------

    def _told(self, message: Callable[[JobRun], None]) -> None:
        if self._job is None:
            self._unclaimed.append(message)
            return
        message(self._job)
        self._act(self._job)

    @workflow.signal
    def lend(self, leases: list[Lease]) -> None:
        self._told(lambda job: job.lend(leases))

    @workflow.signal
    def recall(self, recalls: list[Recall]) -> None:
        self._told(lambda job: job.recall(recalls))

    @workflow.signal
    def worker_gone(self, gone: WorkerGone) -> None:
        self._told(lambda job: job.worker_gone(gone))

    @workflow.signal
    def session_changed(self, changed: SessionChanged) -> None:
        self._told(lambda job: job.session_changed(changed))

    @workflow.signal
    def census(self, census: Census) -> None:
        self._told(lambda job: job.census(census))

    @workflow.signal
    def tell_again(self) -> None:
        """Write once more, because the database is behind this run: it then asks for everything."""
        self._told(JobRun.tell_again)

    @workflow.signal(name="cancel")
    def cancel_signal(self, ask: Ask = NO_DETAILS) -> None:
        self._asked(ask.of_job(JobAction.CANCEL))

    @workflow.signal(name="pause")
    def pause_signal(self, ask: Ask = NO_DETAILS) -> None:
        self._asked(ask.of_job(JobAction.PAUSE))

    @workflow.signal(name="resume")
    def resume_signal(self, ask: Ask = NO_DETAILS) -> None:
        self._asked(ask.of_job(JobAction.RESUME))

    @workflow.signal(name="requeue")
    def requeue_signal(self, ask: Ask = NO_DETAILS) -> None:
        self._asked(ask.to_requeue())

    @workflow.signal(name="set_priority")
    def set_priority_signal(self, ask: Ask) -> None:
        self._asked(ask.to_set_priority())

    @workflow.signal(name="cancel_task")
    def cancel_task_signal(self, ask: Ask) -> None:
        self._asked(ask.of_task(TaskAction.CANCEL))

    @workflow.signal(name="requeue_task")
    def requeue_task_signal(self, ask: Ask) -> None:
        self._asked(ask.of_task(TaskAction.REQUEUE))

    @workflow.signal(name="unblock")
    def unblock_signal(self, ask: Ask) -> None:
        self._asked(ask.to_unblock())

    def _asked(self, change: Change) -> None:
        def ask(job: JobRun) -> None:
            try:
                request(job, change)
            except (Refused, Closing) as refused:
                # A signal cannot answer, and raising would fail the workflow task for ever.
                workflow.logger.warning("signal was refused: %s", refused or "the run is over")

        self._told(ask)

    # --- updates ---------------------------------------------------------------------------------

    @workflow.update
    async def change(self, change: Change) -> str:
        """Change the job for the manager. Scripts use the updates below (docs/scripting.md)."""
        return await self._change(change)

    @workflow.update
    async def cancel(self, ask: Ask = NO_DETAILS) -> str:
        return await self._change(ask.of_job(JobAction.CANCEL))

    @workflow.update
    async def pause(self, ask: Ask = NO_DETAILS) -> str:
        return await self._change(ask.of_job(JobAction.PAUSE))

    @workflow.update
    async def resume(self, ask: Ask = NO_DETAILS) -> str:
        return await self._change(ask.of_job(JobAction.RESUME))

    @workflow.update
    async def requeue(self, ask: Ask = NO_DETAILS) -> str:
        return await self._change(ask.to_requeue())

    @workflow.update
    async def set_priority(self, ask: Ask) -> str:
        return await self._change(ask.to_set_priority())

    @workflow.update
    async def cancel_task(self, ask: Ask) -> str:
        return await self._change(ask.of_task(TaskAction.CANCEL))

    @workflow.update
    async def requeue_task(self, ask: Ask) -> str:
        return await self._change(ask.of_task(TaskAction.REQUEUE))

    @workflow.update
    async def unblock(self, ask: Ask) -> str:
        return await self._change(ask.to_unblock())

    async def _change(self, change: Change) -> str:
        """Make the change; return the job's status once the database has stored the change.

        Raises:
            ApplicationError: of type `Refused` or `Closing`; any other exception would fail the
                workflow task, which is then retried for ever.
        """
        await workflow.wait_condition(lambda: self._job is not None or self._is_gone)
        if self._job is None or self._is_gone:
            raise ApplicationError("the run is over", type="Closing", non_retryable=True)
        job = self._job
        try:
            request(job, change)
        except Refused as refused:
            raise ApplicationError(str(refused), type="Refused", non_retryable=True) from refused
        except Closing as closing:
            raise ApplicationError(
                "the run is over", type="Closing", non_retryable=True
            ) from closing
        self._act(job)
        in_write = job.sequence + 1 if job.changes else job.sequence
        self._awaited = max(self._awaited, in_write)
        await workflow.wait_condition(lambda: self._written >= in_write or self._is_gone)
        return str(job.status)

    # --- queries ---------------------------------------------------------------------------------

    @workflow.query
    def status(self) -> JobView | None:
        """Return the job's status; None until the run has been claimed."""
        return None if self._job is None else JobView.of(self._job)

    @workflow.query
    def sequence(self) -> int | None:
        """Return the number of the newest write; None until the run has been claimed."""
        return None if self._job is None else self._job.sequence

    @workflow.query
    def tasks(self) -> list[TaskView]:
        """Return the job's tasks in order, at most the first ten thousand."""
        return [] if self._job is None else TaskView.of_all(self._job)


def _drained(items: list[T]) -> list[T]:
    taken = items[:]
    items.clear()
    return taken
