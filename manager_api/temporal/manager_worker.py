"""The manager's Temporal worker, which runs workflows and activities, and starts the keeper's."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.connections.retrying import ChangeLog, Pauses
from activities.keeper_watch import KeeperWatch
from activities.process.deployment import DEPLOYMENT
from manager_api.temporal.access import TemporalAccess
from manager_api.temporal.namespace import NotSetUp, register_search_attributes
from manager_api.temporal.orchestrator import RPC_TIMEOUT, temporal_away
from workflows.activity_contracts import MANAGER_TASK_QUEUE
from workflows.domain.messages import HTTP_TASK_QUEUE
from workflows.farm import FARM, FarmWorkflow
from workflows.job import JobWorkflow

logger = logging.getLogger(__name__)

#: Longest text of an error in the log. What follows is the answer's headers, with its time.
_MOST_SHOWN = 150


def keeper_beat_s(heartbeat_s: float) -> float:
    """Return the seconds between two heartbeats of a keeper with this time-out."""
    return heartbeat_s / 4


class KeeperStarter:
    """Starts the keeper's workflow, for this manager and for `KeeperWatch`."""

    def __init__(self, client: Client, heartbeat_s: float) -> None:
        self._client = client
        self._heartbeat_s = heartbeat_s

    async def take_over(self) -> None:
        """Start the workflow in place of one that is open, so that a new keeper begins at once.

        A signal to the open one would wait for the manager that has it in memory, which may have
        been killed; and it would keep the time-out of that manager's settings.
        """
        await self._client.start_workflow(
            FarmWorkflow.run,
            self._heartbeat_s,
            id=FARM,
            task_queue=MANAGER_TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        )

    async def start_keeper(self) -> bool:
        """See `activities.keeper_watch.KeeperStart`."""
        try:
            with temporal_away():
                await self._client.start_workflow(
                    FarmWorkflow.run,
                    self._heartbeat_s,
                    id=FARM,
                    task_queue=MANAGER_TASK_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    rpc_timeout=RPC_TIMEOUT,
                )
        except WorkflowAlreadyStartedError:
            return False
        return True


class ManagerWorker:
    """The manager's Temporal worker. It is built again if Temporal was away for too long."""

    def __init__(
        self,
        temporal: TemporalAccess,
        activities: Sequence[Callable[..., Awaitable[Any]]],
        keeper_heartbeat_s: float,
        http_activities: Sequence[Callable[..., Awaitable[Any]]] = (),
    ) -> None:
        """
        Args:
            temporal: where Temporal is.
            activities: the manager's activities.
            keeper_heartbeat_s: the heartbeat time-out of the keeper's activity.
            http_activities: the activities for HTTP workers, which have their own task queue.
        """
        self._temporal = temporal
        self._activities = activities
        self._keeper_heartbeat_s = keeper_heartbeat_s
        self._http_activities = http_activities
        self._connecting = ChangeLog(logger)
        self._setting_up = ChangeLog(logger)

    async def run(self) -> None:
        """Run workflows and activities until canceled."""
        pauses = Pauses(first_s=0.5, longest_s=2.0)
        while True:
            try:
                client = await self._temporal.connect()
                await self._set_up(client)
                starter = KeeperStarter(client, self._keeper_heartbeat_s)
                async with self._worker(client), self._http_worker(client):
                    await starter.take_over()
                    pauses.start_over()
                    self._connecting.works("connected to Temporal")
                    await KeeperWatch(starter, self._keeper_heartbeat_s).run()
            except (RPCError, RuntimeError) as error:
                self._connecting.fails(
                    "Temporal is away, trying again", error=str(error)[:_MOST_SHOWN]
                )
                await pauses.pause()

    async def _set_up(self, client: Client) -> None:
        try:
            await register_search_attributes(client)
        except NotSetUp as advice:
            # Jobs start as soon as a person has followed the advice.
            self._setting_up.fails(str(advice))

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
            # The library would keep heartbeats back for four fifths of their time-out.
            max_heartbeat_throttle_interval=timedelta(
                seconds=keeper_beat_s(self._keeper_heartbeat_s)
            ),
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
