"""Takes the reports of HTTP workers about themselves and about their tasks."""

import contextlib
import logging
from collections.abc import Sequence

from manager_api.contract.errors import BadRequest, Overtaken, TaskNotFound
from manager_api.contract.worker_tasks import MayKeepRunning, TaskUpdate
from manager_api.contract.workers import WorkerStateChange
from manager_api.database.busy import retry_while_busy
from manager_api.database.engine import Session, utc_now
from manager_api.database.tables import WorkerRow
from manager_api.http_workers.registry import HttpRuns
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.control import JobControl, apply_change
from manager_api.logs.task_logs import TaskLogs
from manager_api.runs import http_reports
from manager_api.runs import http_store as http_runs
from manager_api.runs.http_reports import ReportedTask
from manager_api.settings.sections import FaultRule
from manager_api.workers import store as workers
from workflows.domain.faults import rules_from
from workflows.domain.http_workers import (
    Heard,
    Permission,
    TaskStanding,
    may_keep_running,
    outcome_reported,
    status_to_become,
    status_when_it_asks_for_its_state,
)
from workflows.domain.job.transitions import Refused
from workflows.domain.job_types.video_frames import is_preview as makes_preview
from workflows.domain.messages import LONGEST_REASON, Change, RunKey, TaskAction
from workflows.domain.render_warnings import fail_the_task
from workflows.domain.statuses import TaskStatus, WorkerStatus

#: Statuses that only the farm gives a task.
_NOT_FOR_WORKERS = frozenset({TaskStatus.SOFT_FAILED, TaskStatus.PAUSED})

_ENDS = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED})

logger = logging.getLogger(__name__)


class HttpWorkerService:
    """Takes the reports of HTTP workers.

    Args:
        fault_rules: the farm's own rules for causes of failures.
        wait_s: how long a report that workers send only once is retried while the database is
            busy, in seconds.
    """

    def __init__(
        self,
        runs: HttpRuns,
        logs: TaskLogs,
        control: JobControl,
        wait_s: float,
        fault_rules: Sequence[FaultRule] = (),
    ) -> None:
        self._wait_s = wait_s
        self._fault_rules = fault_rules
        self._runs = runs
        self._database = runs.database
        self._logs = logs
        self._control = control

    # --- itself -----------------------------------------------------------------------------------

    async def requested_status(self, worker_id: str) -> WorkerStateChange | None:
        """Return the status that the worker is asked to take; None if it is asked for none."""
        self._runs.presence.heard(worker_id)
        async with self._database.reading() as session:
            row = await workers.existing_worker(session, worker_id)
        if not row.is_http or row.status is not _status_when_it_asks(row):
            row = await self._begin_sleep(worker_id)
        requested = status_to_become(workers.pending_request(row))
        return WorkerStateChange(status_requested=requested) if requested else None

    async def status_changed(self, worker_id: str, status: WorkerStatus) -> None:
        self._runs.presence.heard(worker_id)
        await retry_while_busy(lambda: self._store_status(worker_id, status), self._wait_s)

    async def _store_status(self, worker_id: str, status: WorkerStatus) -> None:
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            row.last_seen = utc_now()
            is_new = not row.is_http or row.status is WorkerStatus.ERROR
            if status is not WorkerStatus.AWAKE:
                await http_runs.give_back(session, worker_id, f"its worker is {status}")
                row.polls_until = None
            workers.set_status(session, row, status)
            if is_new:
                await http_runs.begin_session(session, row)

    async def _begin_sleep(self, worker_id: str) -> WorkerRow:
        """Begin a session of a worker that asks for its state.

        Only sleeping workers ask for it, so store that it sleeps if the database does not know it.
        """
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            row.last_seen = utc_now()
            status = _status_when_it_asks(row)
            if status is not row.status:
                await http_runs.give_back(session, worker_id, "its worker was not heard from")
                workers.set_status(session, row, status)
            await http_runs.begin_session(session, row)
        return row

    # --- its task ---------------------------------------------------------------------------------

    async def may_run(self, worker_id: str, task_id: str) -> MayKeepRunning:
        async with self._database.reading() as session:
            worker = await workers.existing_worker(session, worker_id)
            task = await http_reports.reported_task(session, task_id, worker_id)
        permission = may_keep_running(workers.pending_request(worker), _standing(task, worker_id))
        if task is not None:
            self._runs.presence.heard(worker_id)
        if permission.is_granted and task is not None and task.run is not None:
            self._runs.touched(task.run)
        return _answer(permission)

    async def update(self, worker_id: str, task_id: str, said: TaskUpdate) -> None:
        """Store a worker's report about its task.

        Raises:
            BadRequest: only the farm gives tasks the reported status.
            TaskNotFound: the task does not exist.
            Overtaken: the task is not assigned to this worker.
        """
        self._runs.presence.heard(worker_id)
        if said.task_status in _NOT_FOR_WORKERS:
            raise BadRequest(f'a worker cannot make its task "{said.task_status}"')
        task = await retry_while_busy(lambda: self._look_up(worker_id, task_id), self._wait_s)
        if task is None:
            raise TaskNotFound(task_id)
        run = task.open_run
        if run is None and task.last_worker_id != worker_id:
            raise Overtaken(f'task "{task_id}" is not assigned to this worker')
        if said.log:
            await self._keep_log(task, said.log)
        if run is None:
            return  # a late report about a run that has ended; no error, as in Flamenco
        heard = await self._heard(task, said)
        if said.task_status is TaskStatus.CANCELED and not task.stop_reason:
            await self._cancel(task, said.activity or "")
        await retry_while_busy(lambda: self._store(run, said, heard), self._wait_s)

    async def _look_up(self, worker_id: str, task_id: str) -> ReportedTask | None:
        async with self._database.reading() as session:
            return await http_reports.reported_task(session, task_id, worker_id)

    async def _keep_log(self, task: ReportedTask, text: str) -> None:
        try:
            await self._logs.append(task.job_id, task.id, task.attempt, text)
        except OSError:
            # A full or broken disk for logs must not lose the report on how the task ended.
            logger.exception("a worker's text for a task's log is lost", extra={"task": task.id})

    async def _heard(self, task: ReportedTask, said: TaskUpdate) -> Heard:
        if said.task_status not in _ENDS:
            return Heard()
        is_preview, fails_on_warnings = await retry_while_busy(
            lambda: self._kind_of_task(task), self._wait_s
        )
        try:
            output = await self._logs.output_of_try(task.job_id, task.id, task.attempt)
        except OSError:
            output = []  # as in `_keep_log`
        return Heard(
            output,
            rules_from(rule.model_dump(mode="json") for rule in self._fault_rules),
            is_preview=is_preview,
            fails_on_warnings=fails_on_warnings,
        )

    async def _kind_of_task(self, task: ReportedTask) -> tuple[bool, bool]:
        """Return whether the task makes a preview, and whether its warnings are failures."""
        async with self._database.reading() as session:
            job = await jobs.job(session, task.job_id)
            row = await tasks.task(session, task.id)
        return (
            row is not None and makes_preview(row.commands),
            job is not None and fail_the_task(job.job_metadata),
        )

    async def _store(self, key: RunKey, said: TaskUpdate, heard: Heard) -> None:
        async with self._database.writing() as session:
            if await http_reports.heard_of(session, key, utc_now()):
                await self._store_in(session, key, said, heard)

    async def _store_in(
        self, session: Session, key: RunKey, said: TaskUpdate, heard: Heard
    ) -> None:
        activity = said.activity
        if activity is not None:
            await tasks.set_activity(session, key.job_id, key.index, activity[:LONGEST_REASON])
        if said.steps_completed is not None:
            await tasks.set_steps(session, key.job_id, key.index, said.steps_completed)
        if said.task_status is not None:
            run = await http_runs.run_to_change(session, str(key))
            assert run is not None, "heard of in this transaction"
            outcome = outcome_reported(said.task_status, activity or "", run.stop_reason, heard)
            if outcome is not None:
                http_runs.end(session, run, outcome)

    async def _cancel(self, task: ReportedTask, reason: str) -> None:
        """Cancel a task for the farm: its worker canceled it unasked, which counts in Flamenco."""
        async with self._database.reading() as session:
            job = await jobs.job(session, task.job_id)
        change = Change(
            task=task.index_in_job,
            task_action=TaskAction.CANCEL,
            reason=reason or "its worker canceled it",
        )
        if job is not None:
            # The task cannot be canceled any more: there is nothing to do.
            with contextlib.suppress(Refused):
                await apply_change(self._database, self._control, job, change)


def _status_when_it_asks(row: WorkerRow) -> WorkerStatus:
    is_requested = row.status_requested is not None
    return status_when_it_asks_for_its_state(row.status, is_requested=is_requested)


def _standing(task: ReportedTask | None, worker_id: str) -> TaskStanding | None:
    if task is None:
        return None
    return TaskStanding(
        is_its_own=task.last_worker_id == worker_id,
        status=task.status,
        is_running=task.open_run is not None,
        stop_reason=task.stop_reason or "",
    )


def _answer(permission: Permission) -> MayKeepRunning:
    return MayKeepRunning(
        may_keep_running=permission.is_granted,
        reason=permission.reason,
        status_change_requested=permission.is_for_status,
    )
