"""What a worker reaches in the place of Temporal: its own queue and its own tasks, nothing else."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.protobuf.message import DecodeError, Message
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    GetSystemInfoRequest,
    PollActivityTaskQueueRequest,
    RecordActivityTaskHeartbeatRequest,
    RespondActivityTaskCanceledRequest,
    RespondActivityTaskCompletedRequest,
    RespondActivityTaskFailedRequest,
    ShutdownWorkerRequest,
)
from temporalio.bridge.proto.health.v1 import HealthCheckRequest, HealthCheckResponse
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.connections.tunnel_client import KEY_HEADER
from manager_api.temporal.grpc_connection import Call
from manager_api.temporal.grpc_messages import CallForbidden, CallRefused
from manager_api.temporal.shared_connections import SharedConnections
from manager_api.temporal.shared_health import SharedHealth
from manager_api.temporal.worker_rules import WorkerRules

_SERVICE = "temporal.api.workflowservice.v1.WorkflowService"
_HEALTH_CHECK = "/grpc.health.v1.Health/Check"
#: A call without a time-out of its own ends after this time: that of a poll, which waits longest.
_LONGEST_S = 70.0
_LONGEST = timedelta(seconds=_LONGEST_S)
#: How long Temporal may take to say whether it is well.
_HEALTH = timedelta(seconds=5)
#: How long a call waits for a Temporal that restarts, in seconds.
_RESTART_S = 5.0
#: The same for an outcome. Temporal's library soon gives up trying to deliver one, and its task
#: stays active until its heartbeats are missed; but it waits for the answer to a try (22 s were
#: measured).
_OUTCOME_S = 25.0
_RESTART_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class _Method:
    """An allowed method of Temporal's workflow service."""

    request: type[Any]
    call: str
    """The method of `temporalio.service.WorkflowService`."""
    allow: Callable[[WorkerRules, Any], Message]
    shown: Callable[[WorkerRules, Any], Message] = lambda _, answer: answer
    patience_s: float = _RESTART_S


_METHODS: Mapping[str, _Method] = {
    f"/{_SERVICE}/GetSystemInfo": _Method(
        GetSystemInfoRequest, "get_system_info", lambda _, __: GetSystemInfoRequest()
    ),
    f"/{_SERVICE}/DescribeNamespace": _Method(
        DescribeNamespaceRequest,
        "describe_namespace",
        WorkerRules.describe_namespace,
        WorkerRules.namespace_shown,
    ),
    f"/{_SERVICE}/PollActivityTaskQueue": _Method(
        PollActivityTaskQueueRequest,
        "poll_activity_task_queue",
        WorkerRules.poll,
        WorkerRules.handed_out,
    ),
    f"/{_SERVICE}/RecordActivityTaskHeartbeat": _Method(
        RecordActivityTaskHeartbeatRequest, "record_activity_task_heartbeat", WorkerRules.heartbeat
    ),
    f"/{_SERVICE}/RespondActivityTaskCompleted": _Method(
        RespondActivityTaskCompletedRequest,
        "respond_activity_task_completed",
        WorkerRules.completed,
        patience_s=_OUTCOME_S,
    ),
    f"/{_SERVICE}/RespondActivityTaskFailed": _Method(
        RespondActivityTaskFailedRequest,
        "respond_activity_task_failed",
        WorkerRules.failed,
        patience_s=_OUTCOME_S,
    ),
    f"/{_SERVICE}/RespondActivityTaskCanceled": _Method(
        RespondActivityTaskCanceledRequest,
        "respond_activity_task_canceled",
        WorkerRules.canceled,
        patience_s=_OUTCOME_S,
    ),
    f"/{_SERVICE}/ShutdownWorker": _Method(
        ShutdownWorkerRequest, "shutdown_worker", WorkerRules.shut_down
    ),
}


class TemporalForWorkers:
    """Passes calls of workers on to Temporal.

    Args:
        connect: returns a new connection to Temporal.
    """

    def __init__(self, connect: Callable[[], Awaitable[Client]]) -> None:
        self._connections = SharedConnections(connect)
        self._health = SharedHealth(self._asked_health)

    async def namespace(self) -> str:
        async with self._connections.taken() as client:
            return client.namespace

    async def ask(
        self, method: str, request: Message, within: timedelta, patience_s: float = _RESTART_S
    ) -> Any:
        """Return the answer to a call of the workflow service, by the name of its method.

        Args:
            within: of each try.
            patience_s: how long to try while Temporal is away, in seconds.

        Raises:
            RPCError: Temporal refuses, or is away.
            CallRefused: Temporal has never been reached.
        """
        async with self._connections.taken() as client:
            call: Callable[..., Awaitable[Any]] = getattr(client.workflow_service, method)
            return await _once_there(lambda: call(request, timeout=within), patience_s)

    async def is_well(self) -> bool:
        """Return whether Temporal is well.

        Raises:
            RPCError, CallRefused: as `ask`.
        """
        return await self._health.is_well()

    async def _asked_health(self) -> bool:
        async with self._connections.taken() as client:
            check = client.service_client.check_health
            return bool(await _once_there(lambda: check(timeout=_HEALTH), _RESTART_S))


class WorkerProxy:
    """Answers the calls that come on one connection of a worker.

    Args:
        temporal: passes the calls on.
        rules: of the worker.
        key: each call must carry it. Only the worker's host knows it, not the other users of its
            machine, who can connect to its port.
    """

    def __init__(self, temporal: TemporalForWorkers, rules: WorkerRules, key: str) -> None:
        self._temporal = temporal
        self._rules = rules
        self._key = key.encode()

    def check_key(self, call: Call) -> None:
        """Check that a call comes from the worker's host.

        Raises:
            CallRefused: the call does not carry the host's key.
        """
        if not hmac.compare_digest(call.metadata.get(KEY_HEADER, "").encode(), self._key):
            sentence = "this port is for the worker's own process only"
            raise CallForbidden(sentence, RPCStatusCode.UNAUTHENTICATED)

    async def answer(self, call: Call) -> bytes:
        """Return Temporal's answer to a call of the host.

        Raises:
            CallRefused: by the rules, or by Temporal.
        """
        try:
            return await self._answer_from_temporal(call)
        except DecodeError:
            refusal = "the message is not one of this call"
            raise CallRefused(RPCStatusCode.INVALID_ARGUMENT, refusal) from None
        except RPCError as error:
            raise CallRefused(error.status, error.message, error.raw_grpc_status) from None

    async def _answer_from_temporal(self, call: Call) -> bytes:
        if call.path == _HEALTH_CHECK:
            return await self._health(call.message)
        method = _METHODS.get(call.path)
        if method is None:
            raise CallForbidden(f"a worker may not call {call.path[:200]}")
        request = method.allow(self._rules, method.request.FromString(call.message))
        timeout = min(timedelta(seconds=call.timeout_s or _LONGEST_S), _LONGEST)
        answer = await self._temporal.ask(method.call, request, timeout, method.patience_s)
        return method.shown(self._rules, answer).SerializeToString()

    async def _health(self, message: bytes) -> bytes:
        if HealthCheckRequest.FromString(message).service != _SERVICE:
            raise CallForbidden("a worker asks for the health of the workflow service only")
        is_well = await self._temporal.is_well()
        status = HealthCheckResponse.ServingStatus
        answer = HealthCheckResponse(status=status.SERVING if is_well else status.NOT_SERVING)
        return answer.SerializeToString()


async def _once_there(ask: Callable[[], Awaitable[Any]], patience_s: float) -> Any:
    """Ask Temporal, and wait for one that restarts: hosts would try again more slowly.

    Raises:
        RPCError: Temporal refuses, or is still away.
        CallRefused: Temporal has never been reached.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    while True:
        try:
            return await ask()
        except RPCError as error:
            if error.status is not RPCStatusCode.UNAVAILABLE or loop.time() > deadline:
                raise
        except RuntimeError:
            # The SDK's error of a client that has never been connected.
            if loop.time() > deadline:
                raise CallRefused(RPCStatusCode.UNAVAILABLE, "Temporal is unreachable") from None
        await asyncio.sleep(_RESTART_PAUSE_S)
