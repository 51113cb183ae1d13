"""Completes activities from outside their worker, and sends their heartbeats."""

import logging
from datetime import timedelta

from temporalio.client import AsyncActivityCancelledError, AsyncActivityHandle, Client
from temporalio.service import RPCError, RPCStatusCode

from manager_api.http_workers.keeping import Answer
from manager_api.runs.http_store import Activity
from manager_api.temporal.orchestrator import failing_connection, workflow_id
from workflows.domain.messages import Outcome

RPC_TIMEOUT = timedelta(seconds=10)

logger = logging.getLogger(__name__)


class TemporalActivities:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def complete(self, activity: Activity, outcome: Outcome) -> Answer:
        """Deliver a run's outcome.

        The answer `GONE` loses nothing: a new activity that asks for the run gets its outcome.
        """
        try:
            with failing_connection():
                await self._handle(activity).complete(outcome, rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            return _answer(error)
        return Answer.GOES_ON

    async def heartbeat(self, activity: Activity) -> Answer:
        try:
            with failing_connection():
                await self._handle(activity).heartbeat(rpc_timeout=RPC_TIMEOUT)
        except AsyncActivityCancelledError as told:
            is_clear = told.details is None or told.details.cancel_requested
            return Answer.CANCELED if is_clear else Answer.GOES_ON
        except RPCError as error:
            return _answer(error)
        return Answer.GOES_ON

    def _handle(self, activity: Activity) -> AsyncActivityHandle:
        return self._client.get_async_activity_handle(
            workflow_id=workflow_id(activity.key.job_id),
            run_id=activity.workflow_run_id,
            activity_id=activity.activity_id,
        )


def _answer(error: RPCError) -> Answer:
    if error.status is RPCStatusCode.NOT_FOUND:
        return Answer.GONE
    logger.warning("Temporal does not accept a report on an HTTP worker's task: %s", error)
    return Answer.AWAY
