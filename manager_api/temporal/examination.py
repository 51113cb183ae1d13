"""Asks Temporal for what the doctor judges: version, namespace, attributes, pollers, the keeper."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    GetSystemInfoRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from manager_api.doctor.temporal import ReadTemporal, TemporalFacts
from manager_api.settings.model import ManagerSettings
from manager_api.temporal.access import TemporalAccess
from manager_api.temporal.namespace import missing_attributes, registration_command
from manager_api.temporal.orchestrator import failing_connection
from manager_api.temporal.process import ServerFiles, find_running
from workflows.activity_contracts import MANAGER_TASK_QUEUE
from workflows.farm import FARM

#: A person waits for the answer.
_PATIENCE = timedelta(seconds=3)
_LONGEST_PROBLEM = 150


def read_without_manager(settings: ManagerSettings) -> ReadTemporal | None:
    """Return what asks Temporal while no manager runs; None: the manager's own does not run."""
    if settings.temporal_address:
        access = TemporalAccess.of_studio(settings)
    else:
        running = find_running(ServerFiles(settings.data_dir / "temporal"))
        if running is None:
            return None
        access = TemporalAccess(f"127.0.0.1:{running.port}", settings.temporal_namespace)

    async def read() -> TemporalFacts:
        client = await access.connect(lazy=True)
        is_embedded = not settings.temporal_address
        return await TemporalExamination(client, access.address, is_embedded=is_embedded).read()

    return read


class TemporalExamination:
    """
    Args:
        address: where Temporal is, for people.
    """

    def __init__(self, client: Client, address: str, *, is_embedded: bool) -> None:
        self._client = client
        self._address = address
        self._is_embedded = is_embedded

    async def read(self) -> TemporalFacts:
        known = TemporalFacts(self._address, self._is_embedded, self._client.namespace)
        try:
            with failing_connection():
                return await self._read()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return replace(known, has_namespace=False)
            return replace(known, problem=(error.message or error.status.name)[:_LONGEST_PROBLEM])

    async def _read(self) -> TemporalFacts:
        """
        Raises:
            RPCError: Temporal does not answer, or has no such namespace.
        """
        service, namespace = self._client.workflow_service, self._client.namespace
        system = await service.get_system_info(GetSystemInfoRequest(), timeout=_PATIENCE)
        await service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace), timeout=_PATIENCE
        )
        return TemporalFacts(
            self._address,
            self._is_embedded,
            namespace,
            version=system.server_version,
            missing_attributes=tuple(await self._missing_attributes()),
            registration=registration_command(namespace),
            workflow_pollers=await self._pollers(TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
            activity_pollers=await self._pollers(TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
            keeper_beat=await self._keeper_beat(),
            read_at=datetime.now(UTC),
        )

    async def _missing_attributes(self) -> Sequence[str]:
        answer = await self._client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=self._client.namespace), timeout=_PATIENCE
        )
        return missing_attributes(answer.custom_attributes)

    async def _pollers(self, kind: TaskQueueType.ValueType) -> int:
        answer = await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=MANAGER_TASK_QUEUE),
                task_queue_type=kind,
            ),
            timeout=_PATIENCE,
        )
        return len(answer.pollers)

    async def _keeper_beat(self) -> datetime | None:
        handle = self._client.get_workflow_handle(FARM)
        try:
            described = await handle.describe(rpc_timeout=_PATIENCE)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        beats = [
            each.last_heartbeat_time.ToDatetime(UTC)
            for each in described.raw_description.pending_activities
            if each.HasField("last_heartbeat_time")
        ]
        return max(beats, default=None)
