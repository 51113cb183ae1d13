"""The manager's side of Temporal: messages to jobs' workflows, and the worker that runs them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
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

from activities.keeping import OpenWorkflow, TemporalAway, WorkflowMissing
from activities.process.deployment import DEPLOYMENT
from manager_api.contract.errors import OrchestratorUnavailable
from manager_api.database.engine import Database
from manager_api.database.tables import JobRow
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.control import PATIENCE_S, RunIsOver
from workflows.activity_contracts import MANAGER_TASK_QUEUE
from workflows.domain.job.transitions import Refused
from workflows.domain.keeping import Message, OpenRun, StoredRun
from workflows.domain.messages import HTTP_TASK_QUEUE, Change, StartJob
from workflows.farm import FARM, FarmWorkflow
from workflows.job import JobWorkflow
from workflows.job_interface import JOB_PRIORITY, JOB_STATUS

logger = logging.getLogger(__name__)

#: Time limit of a workflow's step, which may replay a long history and work on all tasks of a job.
#: A job waits this long if its manager was killed in the middle of a step.
STEP_TIMEOUT = timedelta(seconds=15)
STEP_TIMEOUT_PER_TASK = timedelta(milliseconds=1)
RPC_TIMEOUT = timedelta(seconds=10)

_JOB_NAME = SearchAttributeKey.for_keyword("JobName")
_JOB_TYPE = SearchAttributeKey.for_keyword("JobType")
_PROJECT = SearchAttributeKey.for_keyword("Project")
_USER = SearchAttributeKey.for_keyword("User")
#: Temporal refuses longer keywords.
_LONGEST_KEYWORD = 200


_WORKFLOW_ID_PREFIX = "job-"
_OPEN_JOBS = 'WorkflowType = "Job" AND ExecutionStatus = "Running"'


def workflow_id(job_id: str) -> str:
    return f"{_WORKFLOW_ID_PREFIX}{job_id}"


class TemporalJobs:
    """Sends all messages to jobs' workflows, for the API and for the keeper."""

    def __init__(self, client: Client, database: Database) -> None:
        self._client = client
        self._database = database

    # --- for the keeper --------------------------------------------------------------------------

    async def start_job(self, job_id: str, run: int) -> bool:
        async with self._database.reading() as session:
            row = await jobs.job(session, job_id)
            count = await tasks.count_of_job(session, job_id)
        if row is None or row.run != run:
            return True  # the run to start does not exist any more
        try:
            with _away():
                await self._start(row, STEP_TIMEOUT + count * STEP_TIMEOUT_PER_TASK)
        except WorkflowAlreadyStartedError:
            return await self._is_open_or_made_room_for(job_id, run)
        return True

    async def _is_open_or_made_room_for(self, job_id: str, run: int) -> bool:
        open_run = await self._open_run_number(job_id)
        if open_run not in (None, run):
            # The database gave the job to a later run, and refuses all writes of the older one.
            handle = self._client.get_workflow_handle(workflow_id(job_id))
            await _end(handle, "another run owns the job")
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

    async def open_run(self, stored: StoredRun) -> OpenRun | None:
        """See `activities.keeping.JobMessages`."""
        number = await self._open_run_number(stored.job_id)
        if number is None:
            return None
        sequence = await self._sequence(stored.job_id) if number == stored.run else None
        return OpenRun(number, sequence)

    async def _open_run_number(self, job_id: str) -> int | None:
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
        return await _run_number(description)

    async def _sequence(self, job_id: str) -> int | None:
        handle = self._client.get_workflow_handle(workflow_id(job_id))
        try:
            return await handle.query(JobWorkflow.sequence, rpc_timeout=RPC_TIMEOUT)
        except (RPCError, WorkflowQueryFailedError) as error:
            # The workflow may have just ended, or be in a long step. The next audit asks again.
            logger.info("its workflow did not say its sequence: %s", error, extra={"job": job_id})
            return None

    async def open_workflows(self) -> AsyncIterator[OpenWorkflow]:
        """See `activities.keeping.JobMessages`."""
        with _away():
            async for found in self._client.list_workflows(_OPEN_JOBS, rpc_timeout=RPC_TIMEOUT):
                job_id = found.id.removeprefix(_WORKFLOW_ID_PREFIX)
                yield OpenWorkflow(job_id, await _run_number(found), found.run_id)

    async def end_workflow(self, workflow: OpenWorkflow, reason: str) -> None:
        """See `activities.keeping.JobMessages`."""
        job = workflow_id(workflow.job_id)
        await _end(self._client.get_workflow_handle(job, run_id=workflow.execution_id), reason)

    async def tell(self, message: Message) -> None:
        handle = self._client.get_workflow_handle(workflow_id(message.job_id))
        arguments = [] if message.content is None else [message.content]
        with _away():
            try:
                await handle.signal(message.signal, args=arguments, rpc_timeout=RPC_TIMEOUT)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    raise WorkflowMissing(message.job_id) from error
                raise

    # --- for the API -----------------------------------------------------------------------------

    async def change(self, job_id: str, change: Change) -> None:
        """Ask a job's workflow for a change, and wait for its answer.

        Raises:
            Refused: the workflow refused the change; the message has its reason.
            RunIsOver: no workflow is open; read the job's row again, and ask again.
            OrchestratorUnavailable: Temporal does not answer.
        """
        handle = self._client.get_workflow_handle(workflow_id(job_id))
        try:
            await handle.execute_update(
                JobWorkflow.change,
                change,
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


async def _run_number(workflow: WorkflowExecution) -> int:
    return int(await workflow.memo_value("run", default=0))


async def _end(handle: WorkflowHandle[Any, Any], reason: str) -> None:
    with _away():
        try:
            await handle.terminate(reason=reason, rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


def _answer(failed: WorkflowUpdateFailedError) -> Exception:
    cause = failed.cause
    if isinstance(cause, ApplicationError) and cause.type == "Refused":
        return Refused(cause.message)
    # The workflow ended before it could answer, and the result is in the database. Or the workflow
    # is at another manager, which is not upgraded yet: it does not know the update `change` and
    # rejects it. In that case nothing was changed, and the caller asks again.
    return RunIsOver()


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
    """Raise `TemporalAway`, the keeper's error, in the place of an `RPCError`."""
    try:
        yield
    except RPCError as error:
        raise TemporalAway(str(error)) from error


class ManagerWorker:
    """The manager's Temporal worker. It is built again if Temporal was away for too long."""

    def __init__(
        self,
        address: str,
        namespace: str,
        activities: Sequence[Callable[..., Awaitable[Any]]],
        keeper_heartbeat_s: float,
        http_activities: Sequence[Callable[..., Awaitable[Any]]] = (),
    ) -> None:
        """
        Args:
            address: `host:port` of Temporal.
            namespace: the Temporal namespace.
            activities: the manager's activities.
            keeper_heartbeat_s: the heartbeat time-out of the keeper's activity.
            http_activities: the activities for HTTP workers, which have their own task queue.
        """
        self._address = address
        self._namespace = namespace
        self._activities = activities
        self._keeper_heartbeat_s = keeper_heartbeat_s
        self._http_activities = http_activities

    async def run(self) -> None:
        """Run workflows and activities until canceled."""
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
            # A job's next step waits this long for a killed manager that had the job in memory.
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=5),
            max_concurrent_activities=200,
            graceful_shutdown_timeout=timedelta(seconds=2),
            # A step over 100,000 tasks takes longer than the deadlock detector allows.
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
