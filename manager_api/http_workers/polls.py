"""Answers HTTP workers that ask for a task: gives them one, or lets them wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from manager_api.contract.errors import Overtaken
from manager_api.contract.worker_tasks import AssignedTask
from manager_api.contract.workers import WorkerStateChange
from manager_api.database.busy import retry_while_busy
from manager_api.database.engine import Changed, Session, utc_now
from manager_api.database.tables import HttpRunState, JobRow, TaskRow, WorkerRow
from manager_api.http_workers.registry import HttpRuns
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.task_moves import KnownWorkers, TaskMoves
from manager_api.logs.task_logs import TaskLogs
from manager_api.runs import http_store as http_runs
from manager_api.runs.commands import CommandsForWorker
from manager_api.workers import provision_store as provisions
from manager_api.workers import store as workers
from workflows.domain.http_workers import (
    outcome_of_asking_again,
    status_to_become,
    status_when_it_polls,
)
from workflows.domain.messages import Outcome, OutcomeKind, RunKey
from workflows.domain.provisioning import Provision
from workflows.domain.statuses import TaskStatus, WorkerStatus
from workflows.domain.variables import Variables

#: How long a lease takes to become a task. A worker is not lent during the last such part of its
#: request, because the task would not arrive before the request ends.
_LENDING = timedelta(seconds=0.5)
#: How long a worker is available after a request at least, even if the request does not wait.
_SHORTEST_OFFER = timedelta(seconds=2)


IsGone = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class _Assignment:
    worker: WorkerRow
    run: RunKey
    job: JobRow
    task: TaskRow
    provision: Provision


class HttpPolls:
    """Answers requests for a task.

    Args:
        poll_s: how long a request may wait for its answer, in seconds.
        wait_s: how long a busy database may delay the answer beyond that, in seconds.
    """

    def __init__(
        self,
        runs: HttpRuns,
        logs: TaskLogs,
        variables: Variables,
        poll_s: float,
        wait_s: float,
    ) -> None:
        self._wait_s = wait_s
        self._runs = runs
        self._database = runs.database
        self._logs = logs
        self._variables = variables
        self._poll_s = poll_s

    async def next_task(
        self, worker_id: str, is_gone: IsGone
    ) -> AssignedTask | WorkerStateChange | None:
        """Return a task for the worker, or the status that it must take first.

        Args:
            is_gone: returns whether the worker has hung up.

        Returns:
            None: there is nothing to do.

        Raises:
            Overtaken: the worker is not awake.
        """
        with self._runs.question_of(worker_id):
            answer = await self._answer(worker_id, is_gone)
        return await self._assigned(answer) if isinstance(answer, _Assignment) else answer

    async def _answer(
        self, worker_id: str, is_gone: IsGone
    ) -> _Assignment | WorkerStateChange | None:
        self._runs.presence.heard(worker_id)
        ends = asyncio.get_running_loop().time() + self._poll_s
        answer = await self._retried_poll(worker_id, begins=True)
        while answer is None:
            left = ends - asyncio.get_running_loop().time()
            if left <= 0:
                return None
            await self._runs.wait(worker_id, left)
            if await is_gone():
                await self._hung_up(worker_id)
                return None
            self._runs.presence.heard(worker_id)
            if await retry_while_busy(lambda: self._runs.has_news(worker_id), self._wait_s):
                answer = await self._retried_poll(worker_id)
        return answer

    async def _retried_poll(
        self, worker_id: str, *, begins: bool = False
    ) -> _Assignment | WorkerStateChange | None:
        return await retry_while_busy(lambda: self._poll(worker_id, begins=begins), self._wait_s)

    async def _poll(
        self, worker_id: str, *, begins: bool
    ) -> _Assignment | WorkerStateChange | None:
        """Return the answer to a request for a task; None if there is none yet.

        Args:
            begins: the request has just arrived; else it may be older than the worker's status.
        """
        async with self._database.writing() as session:
            worker = await self._heard_of(session, worker_id, begins=begins)
            status = worker.status
            if requested := status_to_become(workers.pending_request(worker)):
                await http_runs.give_back(
                    session, worker_id, f'its worker is to become "{requested}"'
                )
                return WorkerStateChange(status_requested=requested)
            if status is WorkerStatus.AWAKE:
                await http_runs.confirm_stops(session, worker_id)
                return await self._take(session, worker)
        raise Overtaken(f'worker is in state "{status}" and so is not given tasks')

    async def _heard_of(self, session: Session, worker_id: str, *, begins: bool) -> WorkerRow:
        worker = await workers.existing_worker_to_change(session, worker_id)
        worker.last_seen = utc_now()
        was_given_up = worker.status is WorkerStatus.ERROR
        status = status_when_it_polls(worker.status) if begins else worker.status
        if status is not worker.status:
            workers.set_status(session, worker, status)
            if was_given_up:
                await http_runs.give_back(session, worker_id, "its worker was not heard from")
                await http_runs.begin_session(session, worker)
        if not worker.is_http:
            await http_runs.begin_session(session, worker)
        return worker

    async def _take(self, session: Session, worker: WorkerRow) -> _Assignment | None:
        """Give the worker its newest open run, or note that the worker is available for a while.

        A run that it had already begun starts from its beginning, as in Flamenco.
        """
        open_runs = await http_runs.open_of_worker(session, worker.id)
        if not open_runs:
            lasting = timedelta(seconds=self._poll_s) - _LENDING
            worker.polls_until = utc_now() + max(lasting, _SHORTEST_OFFER)
            session.changed.add(Changed.FARM)
            return None
        job = await jobs.job_to_change(session, open_runs[-1].job_id)
        run = await http_runs.run_to_change(session, open_runs[-1].key)
        if run is None or run.state is HttpRunState.ENDED:
            return None  # its job has just given it up; the next look shows what else there is
        task = await tasks.task(session, run.task_id)
        if job is None or task is None:
            http_runs.end(session, run, Outcome(OutcomeKind.CANCELED, "its job is being deleted"))
            return None
        if outcome := outcome_of_asking_again(run.handed_out):
            http_runs.end(session, run, outcome)
            return None
        key = RunKey.parse(run.key)
        if run.state is HttpRunState.OFFERED:
            # Only the first hand-out counts as a sign of life, or a worker that never reports
            # would keep its task for ever.
            run.touched = run.reported = task.last_touched = utc_now()
            moves = TaskMoves(session, job, KnownWorkers(session), run.touched)
            await moves.hand_out(task, key, worker.id)
        run.state = HttpRunState.RUNNING
        run.handed_out += 1
        worker.polls_until = None
        provided = await provisions.effective(session, [worker])
        return _Assignment(worker, key, job, task, provided[worker.id])

    async def _hung_up(self, worker_id: str) -> None:
        """Withdraw the runs offered to a worker that hung up: it may not ask again for long."""
        if self._runs.asks_twice(worker_id):
            return  # It has already asked again.
        async with self._database.writing() as session:
            if worker := await workers.worker_to_change(session, worker_id):
                worker.polls_until = None
                await http_runs.withdraw_offers(session, worker_id, "its worker hung up")

    async def _assigned(self, given: _Assignment) -> AssignedTask:
        worker, job, task = given.worker, given.job, given.task
        await self._note(given)
        written = CommandsForWorker(
            self._variables,
            worker.platform,
            given.provision,
            job.job_metadata,
            job.rna_overrides,
        )
        return AssignedTask(
            uuid=task.id,
            job=job.id,
            name=task.name,
            status=TaskStatus.ACTIVE,
            priority=task.priority,
            job_priority=job.priority,
            job_type=job.job_type,
            task_type=task.task_type,
            commands=written.commands(task.commands),
            steps_completed=task.steps_completed,
            steps_total=task.steps_total,
        )

    async def _note(self, given: _Assignment) -> None:
        task, worker = given.task, given.worker
        await self._logs.assigned(
            task.job_id, task.id, given.run.attempt, worker.name, worker.id, utc_now()
        )
