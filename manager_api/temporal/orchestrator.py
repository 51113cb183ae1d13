"""The manager's side of Temporal: messages to jobs' workflows, and the worker that runs them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.deployment import DEPLOYMENT
from activities.keeping import TemporalAway, WorkflowMissing
from manager_api.contract.errors import OrchestratorUnavailable, Refused
from manager_api.database.engine import Database
from manager_api.database.tables import JobRow
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.service import PATIENCE_S, RunIsOver
from workflows.activity_contracts import MANAGER_TASK_QUEUE
from workflows.domain.messages import HTTP_TASK_QUEUE, Change, JobAction, StartJob, TaskAction
from workflows.farm import FARM, FarmWorkflow
from workflows.job import JobWorkflow
from workflows.job_interface import JOB_PRIORITY, JOB_STATUS, Ask

logger = logging.getLogger(__name__)

#: A workflow's step may replay a long history before, and work on all tasks of its job. What is
#: allowed for it is what a job waits for when its manager was killed in the middle of a step.
STEP_TIMEOUT = timedelta(seconds=15)
STEP_TIMEOUT_PER_TASK = timedelta(milliseconds=1)
RPC_TIMEOUT = timedelta(seconds=10)

_JOB_NAME = SearchAttributeKey.for_keyword("JobName")
_JOB_TYPE = SearchAttributeKey.for_keyword("JobType")
_PROJECT = SearchAttributeKey.for_keyword("Project")
_USER = SearchAttributeKey.for_keyword("User")
#: Temporal refuses longer keywords.
_LONGEST_KEYWORD = 200

_UPDATES = {
    JobAction.CANCEL: "cancel",
    JobAction.PAUSE: "pause",
    JobAction.RESUME: "resume",
    JobAction.REQUEUE: "requeue",
    JobAction.REQUEUE_FAILED: "requeue",
}
_TASK_UPDATES = {TaskAction.CANCEL: "cancel_task", TaskAction.REQUEUE: "requeue_task"}


def workflow_id(job_id: str) -> str:
    return f"job-{job_id}"


class TemporalJobs:
    """The one way to jobs' workflows, for the API and for the keeper."""

    def __init__(self, client: Client, database: Database) -> None:
        self._client = client
        self._database = database

    # --- the keeper's ----------------------------------------------------------------------------

    async def start_job(self, job_id: str, run: int) -> bool:
        async with self._database.reading() as session:
            row = await jobs.job(session, job_id)
            count = await tasks.count_of_job(session, job_id)
        if row is None or row.run != run:
            return True  # there is nothing to start any more
        try:
            with _away():
                await self._start(row, STEP_TIMEOUT + count * STEP_TIMEOUT_PER_TASK)
        except WorkflowAlreadyStartedError:
            return await self._is_open_or_made_room_for(job_id, run)
        return True

    async def _is_open_or_made_room_for(self, job_id: str, run: int) -> bool:
        open_run = await self.open_run(job_id)
        if open_run not in (None, run):
            # The database gave the job to a later run: whatever the older one writes is refused.
            await self._end(job_id, "another run owns the job")
        return open_run == run

    async def _start(self, row: JobRow, step_timeout: timedelta) -> None:
        await self._client.start_workflow(
            JobWorkflow.run,
            StartJob(row.id, row.run),
            id=workflow_id(row.id),
            task_queue=MANAGER_TASK_QUEUE,
            task_timeout=step_timeout,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            memo={"run": row.run},
            search_attributes=_search_attributes(row),
            static_summary=row.name[:_LONGEST_KEYWORD],
            rpc_timeout=RPC_TIMEOUT,
        )

    async def open_run(self, job_id: str) -> int | None:
        """The run number of the job's open workflow; None if there is none."""
        handle = self._client.get_workflow_handle(workflow_id(job_id))
        with _away():
            try:
                description = await handle.describe(rpc_timeout=RPC_TIMEOUT)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return None
                raise
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return None
        return int(await description.memo_value("run", default=0))

    async def tell(self, job_id: str, signal: str, content: Any) -> None:
        handle = self._client.get_workflow_handle(workflow_id(job_id))
        with _away():
            try:
                await handle.signal(signal, content, rpc_timeout=RPC_TIMEOUT)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    raise WorkflowMissing(job_id) from error
                raise

    async def _end(self, job_id: str, reason: str) -> None:
        handle = self._client.get_workflow_handle(workflow_id(job_id))
        with _away():
            try:
                await handle.terminate(reason=reason, rpc_timeout=RPC_TIMEOUT)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    # --- the API's -------------------------------------------------------------------------------

    async def start(self, job_id: str, run: int) -> None:
        """The keeper starts it: it has been woken by the commit that wrote the outbox."""

    async def change(self, job_id: str, change: Change) -> None:
        """Raises:
        Refused: with the workflow's reason.
        RunIsOver: look at the database, and ask again.
        OrchestratorUnavailable: Temporal does not answer.
        """
        handle = self._client.get_workflow_handle(workflow_id(job_id))
        try:
            await handle.execute_update(
                _update_name(change),
                _ask(change),
                id=change.request_id or None,
                rpc_timeout=timedelta(seconds=PATIENCE_S),
            )
        except WorkflowUpdateFailedError as failed:
            raise _answer(failed) from failed
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise OrchestratorUnavailable("Temporal does not answer; try again") from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise RunIsOver from error
            raise OrchestratorUnavailable("Temporal does not answer; try again") from error


def _answer(failed: WorkflowUpdateFailedError) -> Exception:
    cause = failed.cause
    if isinstance(cause, ApplicationError) and cause.type == "Refused":
        return Refused(cause.message)
    # Also when the workflow ended before it could answer: what came of it is in the database.
    return RunIsOver()


def _update_name(change: Change) -> str:
    if change.action is not None:
        return _UPDATES[change.action]
    if change.task_action is not None:
        return _TASK_UPDATES[change.task_action]
    return "set_priority" if change.priority is not None else "unblock"


def _ask(change: Change) -> Ask:
    return Ask(
        reason=change.reason,
        request_id=change.request_id,
        task=change.task,
        priority=change.priority,
        failed_only=change.action is JobAction.REQUEUE_FAILED,
        unblock=change.unblock,
    )


def _search_attributes(row: JobRow) -> TypedSearchAttributes:
    metadata = row.job_metadata
    words = {
        _JOB_NAME: row.name,
        _JOB_TYPE: row.job_type,
        _PROJECT: metadata.get("project", ""),
        _USER: metadata.get("user.name", ""),
        JOB_STATUS: str(row.status),
    }
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(key, word[:_LONGEST_KEYWORD]) for key, word in words.items() if word
    ]
    return TypedSearchAttributes([*pairs, SearchAttributePair(JOB_PRIORITY, row.priority)])


@contextmanager
def _away() -> Iterator[None]:
    """Turns an unreachable Temporal into the keeper's word for it."""
    try:
        yield
    except RPCError as error:
        raise TemporalAway(str(error)) from error


class ManagerWorker:
    """The manager's Temporal worker, built anew whenever Temporal was away too long."""

    def __init__(
        self,
        address: str,
        namespace: str,
        activities: Sequence[Callable[..., Awaitable[Any]]],
        keeper_heartbeat_s: float,
        http_activities: Sequence[Callable[..., Awaitable[Any]]] = (),
    ) -> None:
        """`http_activities` are for workers that speak HTTP, on their own task queue."""
        self._address = address
        self._namespace = namespace
        self._activities = activities
        self._keeper_heartbeat_s = keeper_heartbeat_s
        self._http_activities = http_activities

    async def run(self) -> None:
        """Until canceled."""
        while True:
            try:
                client = await connect(self._address, self._namespace)
                async with self._worker(client), self._http_worker(client):
                    await self._take_over(client)
                    await asyncio.Event().wait()
            except (RPCError, RuntimeError) as error:
                logger.warning("Temporal is away, trying again: %s", error)
                await asyncio.sleep(0.5)

    def _worker(self, client: Client) -> Worker:
        return Worker(
            client,
            task_queue=MANAGER_TASK_QUEUE,
            workflows=[JobWorkflow, FarmWorkflow],
            activities=self._activities,
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=500,
            # How long a job's next step waits for a manager that was killed, and had it in memory.
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=5),
            max_concurrent_activities=200,
            graceful_shutdown_timeout=timedelta(seconds=2),
            # A step over a hundred thousand tasks takes longer than the deadlock detector allows.
            debug_mode=True,
            deployment_config=DEPLOYMENT,
        )

    def _http_worker(self, client: Client) -> Worker:
        return Worker(
            client,
            task_queue=HTTP_TASK_QUEUE,
            activities=self._http_activities,
            max_concurrent_activities=100,
            graceful_shutdown_timeout=timedelta(seconds=2),
            deployment_config=DEPLOYMENT,
        )

    async def _take_over(self, client: Client) -> None:
        await client.start_workflow(
            FarmWorkflow.run,
            self._keeper_heartbeat_s,
            id=FARM,
            task_queue=MANAGER_TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="take_over",
        )


async def connect(address: str, namespace: str, *, lazy: bool = False) -> Client:
    return await Client.connect(
        address, namespace=namespace, data_converter=pydantic_data_converter, lazy=lazy
    )
