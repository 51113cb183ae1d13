"""The model's workflow worker: it drives the core as the real workflow does."""

import contextlib
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.model.database import Database
from tests.model.temporal import Execution, Temporal
from tests.model.times import LATE, RETRY_PAUSE
from workflows.domain.job import unanswered
from workflows.domain.job.carrying import carry, restore
from workflows.domain.job.requests import Closing, request
from workflows.domain.job.run import JobRun
from workflows.domain.job.transitions import Refused
from workflows.domain.messages import Change, ProjectionWrite, RunKey, WriteAnswer
from workflows.domain.statuses import TaskStatus

TellHost = Callable[[str, str, Any], None]
"""Worker, `stop` or `settled`, run key: may be lost."""

_HANDLERS: Mapping[str, Callable[[JobRun, Any], None]] = {
    "lend": JobRun.lend,
    "recall": JobRun.recall,
    "worker_gone": JobRun.worker_gone,
    "session_changed": JobRun.session_changed,
    "census": JobRun.census,
    "tell_again": lambda job, _: job.tell_again(),
    "retry_due": JobRun.retry_due,
    "canceled_unseen": unanswered.canceled_unseen,
    "fell_silent": unanswered.fell_silent,
    "withdrawal_answered": lambda job, answer: job.withdrawal_answered(*answer),
    "ended": lambda job, ended: job.offer_ended(*ended),
}


class WorkflowWorker:
    def __init__(
        self,
        db: Database,
        temporal: Temporal,
        rng: Random,
        tell_host: TellHost,
        rest: Callable[[str], None],
    ) -> None:
        self.db = db
        self.temporal = temporal
        self._rng = rng
        self._tell_host = tell_host
        self._rest = rest

    def tick(self, now: int) -> None:
        if not self.temporal.is_up:
            return
        executions = list(self.temporal.executions.values())
        self._rng.shuffle(executions)
        for execution in executions:
            if self._rng.random() < 0.9:
                self._advance(execution, now)

    def ask(self, execution: Execution, change: Change, now: int) -> None:
        """An update.

        Raises:
            Refused: it was.
            Closing: ask again.
        """
        if execution.job is None:
            raise Closing
        # What Temporal has accepted before is handled before.
        self._handle(execution, execution.job, len(execution.mailbox), now)
        request(execution.job, change)
        self._act(execution, execution.job, now)

    def continue_as_new(self, execution: Execution, now: int) -> None:
        job = execution.job
        if job is None or execution.mailbox or execution.unwritten or job.is_finished:
            return
        unwritten = job.next_write() if job.changes else None
        text = carry(job)
        restored = restore(text)
        assert carry(restored) == text, "carrying lost something"
        assert _essence(restored) == _essence(job), "carrying lost something"
        new = self.temporal.replace(execution, restored, unwritten)
        restored.offer_everything_again()
        self._act(new, restored, now)

    def _advance(self, execution: Execution, now: int) -> None:
        job = execution.job or self._claim(execution, now)
        if job is None:
            return
        self._handle(execution, job, self._rng.randint(0, 4), now)
        if self._rng.random() < 0.8:
            self._write(execution, job)

    def _claim(self, execution: Execution, now: int) -> JobRun | None:
        snapshot = self.db.claim(execution.job_id, execution.run)
        if snapshot is None:
            self.temporal.close(execution.job_id)
            return None
        job = execution.job = JobRun(snapshot)
        if snapshot.change is not None:
            with contextlib.suppress(Refused):
                request(job, snapshot.change)
        job.begin()
        self._act(execution, job, now)
        return job

    def _handle(self, execution: Execution, job: JobRun, count: int, now: int) -> None:
        arrived = execution.mailbox[:count]
        del execution.mailbox[:count]
        for kind, content in arrived:
            if kind == "not_taken":
                offer, deadline = content
                unanswered.not_taken(job, offer, is_overdue=now > deadline + LATE)
            else:
                _HANDLERS[kind](job, content)
            self._act(execution, job, now)

    def _act(self, execution: Execution, job: JobRun, now: int) -> None:
        for start in job.starts:
            self.temporal.schedule(execution, start, now)
        for question in job.withdrawals:
            self.temporal.ask_back(execution, question, now)
        for offer in job.cancels:
            self.temporal.cancel(execution, offer)
        execution.pauses.extend((now + RETRY_PAUSE, pause) for pause in job.pauses)
        job.starts.clear()
        job.withdrawals.clear()
        job.cancels.clear()
        job.pauses.clear()

    # --- writing ---------------------------------------------------------------------------------

    def _write(self, execution: Execution, job: JobRun) -> None:
        """One step of: take what has gathered, store it, hear the answer."""
        if execution.unwritten is None:
            if job.changes:
                execution.unwritten = job.next_write()
            elif job.is_finished:
                self.temporal.close(execution.job_id)
            return
        answer = self._store(execution.unwritten)
        if self._rng.random() < 0.1:
            return  # the answer was lost, so the activity is tried again
        if answer is WriteAnswer.SEND_ALL:
            execution.unwritten = job.whole(execution.unwritten)
        elif answer is WriteAnswer.GONE:
            self.temporal.close(execution.job_id)
        else:
            execution.unwritten = None

    def _store(self, write: ProjectionWrite) -> WriteAnswer:
        for returned in write.returned:
            if returned.unresponsive:
                self._rest(returned.worker_id)
        answer = self.db.store(write)
        if answer is WriteAnswer.STORED:
            self._tell_hosts(write)
        return answer

    def _tell_hosts(self, write: ProjectionWrite) -> None:
        for stopped in write.stopped:
            self._tell_host(stopped.worker_id, "stop", stopped.key)
        for moved in write.tasks:
            if moved.worker_id and not moved.in_bulk and moved.status is not TaskStatus.ACTIVE:
                attempt = moved.attempt or 0
                key = RunKey(write.job_id, int(moved.indexes), write.run, attempt)
                self._tell_host(moved.worker_id, "settled", key)


def _essence(job: JobRun) -> Any:
    """What must survive being carried, besides what `carry` itself writes."""
    return (
        job.status,
        job.tasks.counts,
        job.tasks.columns,
        {index: set(who) for index, who in job.tasks.excluded.items() if who},
        job.tasks.wants(job.failures.blocked),
        job.tasks.can_progress,
        dict(job.failures.accidents),
        dict(job.failures.failed_on),
        job.demand,
        job.generations,
        job.answered,
        list(job.leases),
        job.decks.run_times.recent,
    )
