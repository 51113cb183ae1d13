"""The manager's messages to jobs' workflows, for the API and for the keeper."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

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
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.keeping import OpenWorkflow, TemporalAway, WorkflowMissing
from manager_api.contract.errors import OrchestratorUnavailable
from manager_api.database.engine import Database
from manager_api.database.tables import JobRow
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.control import PATIENCE_S, TEMPORAL_SILENT, RunIsOver
from workflows.activity_contracts import MANAGER_TASK_QUEUE
from workflows.domain.job.transitions import Refused
from workflows.domain.keeping import Message, OpenRun, StoredRun
from workflows.domain.messages import Change, StartJob
from workflows.job import JobWorkflow
from workflows.job_interface import JOB_PRIORITY, JOB_STATUS
from workflows.summaries import details_of_job, summary_of_job

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
#: Temporal refuses keywords over 2,048 bytes of JSON, where a character has up to 12.
_LONGEST_KEYWORD = 170


#: How the SDK's message begins.
_CANNOT_CONNECT = "Failed client connect"
_WORKFLOW_ID_PREFIX = "job-"
_OPEN_JOBS = 'WorkflowType = "Job" AND ExecutionStatus = "Running"'


def workflow_id(job_id: str) -> str:
    return f"{_WORKFLOW_ID_PREFIX}{job_id}"


def _job_id(id_of_workflow: str) -> str:
    """Return the job's id in a workflow's id; empty if there is none."""
    job_id = id_of_workflow.removeprefix(_WORKFLOW_ID_PREFIX)
    if job_id == id_of_workflow:
        return ""
    try:
        is_canonical = str(UUID(job_id)) == job_id
    except ValueError:
        return ""
    return job_id if is_canonical else ""


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
            with temporal_away():
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
            static_summary=summary_of_job(row.name),
            static_details=details_of_job(row.job_type, *_project_and_user(row)),
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
        with temporal_away():
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
        with temporal_away():
            async for found in self._client.list_workflows(_OPEN_JOBS, rpc_timeout=RPC_TIMEOUT):
                job_id = _job_id(found.id)
                # Other programs may have workflows of this type in the same namespace.
                if job_id or found.task_queue == MANAGER_TASK_QUEUE:
                    run = await _run_number(found)
                    yield OpenWorkflow(found.id, found.run_id, job_id, run)

    async def end_workflow(self, workflow: OpenWorkflow, reason: str) -> None:
        """See `activities.keeping.JobMessages`."""
        handle = self._client.get_workflow_handle(workflow.id, run_id=workflow.execution_id)
        await _end(handle, reason)

    async def tell(self, message: Message) -> None:
        handle = self._client.get_workflow_handle(workflow_id(message.job_id))
        arguments = [] if message.content is None else [message.content]
        with temporal_away():
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
            with failing_connection():
                await handle.execute_update(
                    JobWorkflow.change,
                    change,
                    id=change.request_id or None,
                    rpc_timeout=timedelta(seconds=PATIENCE_S),
                )
        except WorkflowUpdateFailedError as failed:
            raise _answer(failed) from failed
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise OrchestratorUnavailable(TEMPORAL_SILENT) from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise RunIsOver from error
            raise OrchestratorUnavailable(TEMPORAL_SILENT) from error


async def _run_number(workflow: WorkflowExecution) -> int:
    """Return the run number in the workflow's memo; 0 if there is none."""
    try:
        return int(await workflow.memo_value("run", default=0))
    except (TypeError, ValueError, RuntimeError):
        return 0  # A manager did not write this memo. `RuntimeError`: the SDK cannot decode it.


async def _end(handle: WorkflowHandle[Any, Any], reason: str) -> None:
    with temporal_away():
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


def _project_and_user(row: JobRow) -> tuple[str, str]:
    return row.job_metadata.get("project", ""), row.job_metadata.get("user.name", "")


def _search_attributes(row: JobRow) -> TypedSearchAttributes:
    project, user = _project_and_user(row)
    words = {
        _JOB_NAME: row.name,
        _JOB_TYPE: row.job_type,
        _PROJECT: project,
        _USER: user,
        JOB_STATUS: str(row.status),
    }
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(key, word[:_LONGEST_KEYWORD]) for key, word in words.items() if word
    ]
    return TypedSearchAttributes([*pairs, SearchAttributePair(JOB_PRIORITY, row.priority)])


@contextmanager
def temporal_away() -> Iterator[None]:
    """Raise `TemporalAway`, the keeper's error, in the place of an `RPCError`."""
    try:
        with failing_connection():
            yield
    except RPCError as error:
        raise TemporalAway(str(error)) from error


@contextmanager
def failing_connection() -> Iterator[None]:
    """Raise an `RPCError` if the client cannot connect to Temporal.

    A lazy client connects at its first call, and the SDK raises a `RuntimeError` if it fails then.
    """
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith(_CANNOT_CONNECT):
            raise
        raise RPCError(str(error), RPCStatusCode.UNAVAILABLE, b"") from error
