"""Which calls of Temporal a worker may make, and what of them is passed on.

Each rule passes on only the fields that it names. All others are removed, also those that only a
newer Temporal knows.
"""

from dataclasses import dataclass

from google.protobuf.message import Message
from temporalio.api.enums.v1 import TaskQueueKind, TaskQueueType
from temporalio.api.namespace.v1 import NamespaceInfo
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeNamespaceResponse,
    PollActivityTaskQueueRequest,
    PollActivityTaskQueueResponse,
    RecordActivityTaskHeartbeatRequest,
    RespondActivityTaskCanceledRequest,
    RespondActivityTaskCompletedRequest,
    RespondActivityTaskFailedRequest,
    ShutdownWorkerRequest,
)

from manager_api.temporal.grpc_messages import CallForbidden
from manager_api.temporal.task_tokens import TaskTokens
from manager_api.temporal.worker_answers import failure_in, outcome_in, progress_in

Told = (
    RecordActivityTaskHeartbeatRequest
    | RespondActivityTaskCompletedRequest
    | RespondActivityTaskFailedRequest
    | RespondActivityTaskCanceledRequest
)
Named = PollActivityTaskQueueRequest | Told | ShutdownWorkerRequest
_NORMAL = (
    TaskQueueKind.TASK_QUEUE_KIND_UNSPECIFIED,
    TaskQueueKind.TASK_QUEUE_KIND_NORMAL,
)


@dataclass(frozen=True, slots=True)
class WorkerRules:
    """The rules for one worker. Each method raises `CallRefused` for a call that is not its own."""

    worker_id: str
    namespace: str
    """The farm's."""
    queue: str
    """That of the host's newest session when the tunnel was opened: each session has its own."""
    tokens: TaskTokens

    def describe_namespace(self, asked: DescribeNamespaceRequest) -> DescribeNamespaceRequest:
        return DescribeNamespaceRequest(namespace=self._own_namespace(asked.namespace))

    def namespace_shown(self, answer: DescribeNamespaceResponse) -> DescribeNamespaceResponse:
        """Leave out what other users of the namespace wrote, and abilities that hosts do not use.

        Workers of a namespace with `worker_heartbeats` or `worker_commands` would call more.
        """
        info = answer.namespace_info
        able = NamespaceInfo.Capabilities(
            worker_poll_complete_on_shutdown=info.capabilities.worker_poll_complete_on_shutdown
        )
        return DescribeNamespaceResponse(
            namespace_info=NamespaceInfo(
                name=info.name, state=info.state, capabilities=able, limits=info.limits
            )
        )

    def poll(self, asked: PollActivityTaskQueueRequest) -> PollActivityTaskQueueRequest:
        if asked.task_queue.kind not in _NORMAL:
            raise CallForbidden("a worker asks for tasks at a normal queue only")
        queue = self._own_queue(asked.task_queue.name)
        self._keep(asked, "worker_instance_key")
        asked.task_queue.name = queue
        asked.task_queue.kind = TaskQueueKind.TASK_QUEUE_KIND_NORMAL
        asked.worker_instance_key = self._instance(asked.worker_instance_key)
        return asked

    def handed_out(self, task: PollActivityTaskQueueResponse) -> PollActivityTaskQueueResponse:
        """Seal the token of a task; there is none if the poll ended without a task."""
        if task.task_token:
            task.task_token = self.tokens.sealed(task.task_token)
        return task

    def heartbeat(
        self, told: RecordActivityTaskHeartbeatRequest
    ) -> RecordActivityTaskHeartbeatRequest:
        self._of_own_task(told, "details")
        told.details.CopyFrom(progress_in(told.details))
        return told

    def completed(
        self, told: RespondActivityTaskCompletedRequest
    ) -> RespondActivityTaskCompletedRequest:
        self._of_own_task(told, "result")
        told.result.CopyFrom(outcome_in(told.result))
        return told

    def failed(self, told: RespondActivityTaskFailedRequest) -> RespondActivityTaskFailedRequest:
        self._of_own_task(told, "failure")
        told.failure.CopyFrom(failure_in(told.failure))
        return told

    def canceled(
        self, told: RespondActivityTaskCanceledRequest
    ) -> RespondActivityTaskCanceledRequest:
        self._of_own_task(told)
        return told

    def shut_down(self, asked: ShutdownWorkerRequest) -> ShutdownWorkerRequest:
        """End the polls of a worker that ends. Without the queue of workflow tasks: it has none."""
        queue = self._own_queue(asked.task_queue)
        self._keep(asked, "worker_instance_key")
        asked.task_queue = queue
        asked.task_queue_types.append(TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
        asked.worker_instance_key = self._instance(asked.worker_instance_key)
        return asked

    def _of_own_task(self, told: Told, *names: str) -> None:
        token = self.tokens.opened(told.task_token)
        self._keep(told, *names)
        told.task_token = token

    def _keep(self, asked: Named, *names: str) -> None:
        """Remove all fields but these, the namespace and the identity, which must be the worker's.

        A message within a field that stays may hold fields that we do not know; they go, too.
        """
        self._own_namespace(asked.namespace)
        if not asked.identity.endswith(self.worker_id):
            raise CallForbidden("a worker names itself, by its id, in what it tells Temporal")
        asked.DiscardUnknownFields()
        message: Message = asked
        for field, _ in message.ListFields():
            if field.name not in ("namespace", "identity", *names):
                message.ClearField(field.name)

    def _own_namespace(self, namespace: str) -> str:
        if namespace != self.namespace:
            raise CallForbidden("a worker reaches the farm's own namespace only")
        return namespace

    def _own_queue(self, name: str) -> str:
        if name != self.queue:
            raise CallForbidden("a worker asks for tasks at its own queue only")
        return name

    def _instance(self, key: str) -> str:
        """Return a key that no other worker's process can have."""
        return f"{self.worker_id}-{key}"
