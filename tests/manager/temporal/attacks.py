"""The ways in which a program with a worker's secret may try to do more in Temporal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import temporalio.api.workflowservice.v1 as api
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.enums.v1 import TaskQueueKind
from temporalio.api.operatorservice.v1 import DeleteNamespaceRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.worker.v1 import WorkerHeartbeat
from temporalio.bridge.proto.health.v1 import HealthCheckRequest
from temporalio.client import WorkflowHandle

from tests.manager.temporal.raw_grpc import SERVICE, RawClient
from workflows.domain.messages import HTTP_TASK_QUEUE, worker_task_queue

OPERATOR = "/temporal.api.operatorservice.v1.OperatorService"
NAMESPACE = "default"


@dataclass
class Scene:
    attacker: RawClient
    """The connection of a worker's process that does what it likes."""
    worker_id: str
    other: RawClient
    other_id: str
    job: WorkflowHandle[Any, Any]
    token: bytes
    """As the attacker got it for its own task."""
    others_token: bytes
    """As the other worker got it."""

    @property
    def execution(self) -> WorkflowExecution:
        return WorkflowExecution(workflow_id=self.job.id)

    @property
    def identity(self) -> str:
        return f"attacker {self.worker_id}"

    def poll(self, queue: str, **fields: Any) -> api.PollActivityTaskQueueRequest:
        given = {"namespace": NAMESPACE, "identity": self.identity, **fields}
        return api.PollActivityTaskQueueRequest(
            task_queue=TaskQueue(name=queue, kind=TaskQueueKind.TASK_QUEUE_KIND_NORMAL), **given
        )

    def completed(self, token: bytes, **fields: Any) -> api.RespondActivityTaskCompletedRequest:
        outcome = Payload(metadata={"encoding": b"json/plain"}, data=b'{"kind": "completed"}')
        given = {"namespace": NAMESPACE, "identity": self.identity, **fields}
        result = Payloads(payloads=[outcome])
        return api.RespondActivityTaskCompletedRequest(task_token=token, result=result, **given)


Way = Callable[[Scene], tuple[str, Message]]


def _workflow(method: str, make: Callable[[Scene], Message]) -> Way:
    return lambda scene: (f"{SERVICE}/{method}", make(scene))


def _on_job(method: str, field: str = "workflow_execution", **fields: Any) -> Way:
    """A call that names the job, with a request of the method's own type."""
    kind = getattr(api, f"{method}Request")
    return _workflow(
        method, lambda scene: kind(namespace=NAMESPACE, **{field: scene.execution}, **fields)
    )


def _poll(make: Callable[[Scene], Message]) -> Way:
    return _workflow("PollActivityTaskQueue", make)


def _complete(make: Callable[[Scene], Message]) -> Way:
    return _workflow("RespondActivityTaskCompleted", make)


def _own_queue(scene: Scene) -> str:
    return worker_task_queue(scene.worker_id, 1)


WAYS: dict[str, Way] = {
    "start a workflow": _workflow(
        "StartWorkflowExecution",
        lambda scene: api.StartWorkflowExecutionRequest(
            namespace=NAMESPACE, workflow_id="mine", request_id=str(uuid4())
        ),
    ),
    "signal a job": _on_job("SignalWorkflowExecution", signal_name="lend"),
    "signal or start a job": _workflow(
        "SignalWithStartWorkflowExecution",
        lambda scene: api.SignalWithStartWorkflowExecutionRequest(
            namespace=NAMESPACE, workflow_id=scene.job.id, signal_name="lend"
        ),
    ),
    "terminate a job": _on_job("TerminateWorkflowExecution"),
    "cancel a job": _on_job("RequestCancelWorkflowExecution"),
    "query a job": _on_job("QueryWorkflow", "execution"),
    "update a job": _on_job("UpdateWorkflowExecution"),
    "reset a job": _on_job("ResetWorkflowExecution"),
    "delete a job": _on_job("DeleteWorkflowExecution"),
    "pause a job": _workflow(
        "PauseWorkflowExecution",
        lambda scene: api.PauseWorkflowExecutionRequest(
            namespace=NAMESPACE, workflow_id=scene.job.id
        ),
    ),
    "describe a job": _on_job("DescribeWorkflowExecution", "execution"),
    "read a job's history": _on_job("GetWorkflowExecutionHistory", "execution"),
    "list jobs": _workflow(
        "ListWorkflowExecutions",
        lambda scene: api.ListWorkflowExecutionsRequest(namespace=NAMESPACE),
    ),
    "count jobs": _workflow(
        "CountWorkflowExecutions",
        lambda scene: api.CountWorkflowExecutionsRequest(namespace=NAMESPACE),
    ),
    "begin a batch operation": _workflow(
        "StartBatchOperation",
        lambda scene: api.StartBatchOperationRequest(
            namespace=NAMESPACE, job_id="mine", executions=[scene.execution]
        ),
    ),
    "make a schedule": _workflow(
        "CreateSchedule",
        lambda scene: api.CreateScheduleRequest(namespace=NAMESPACE, schedule_id="mine"),
    ),
    "reset a task": _on_job("ResetActivity", "execution"),
    "pause a task": _on_job("PauseActivity", "execution"),
    "move a task": _on_job("UpdateActivityOptions", "execution"),
    "ask for workflow tasks": _workflow(
        "PollWorkflowTaskQueue",
        lambda scene: api.PollWorkflowTaskQueueRequest(
            namespace=NAMESPACE, task_queue=TaskQueue(name="victims")
        ),
    ),
    "ask for workflow tasks at its own queue": _workflow(
        "PollWorkflowTaskQueue",
        lambda scene: api.PollWorkflowTaskQueueRequest(
            namespace=NAMESPACE,
            identity=scene.identity,
            task_queue=TaskQueue(name=_own_queue(scene)),
        ),
    ),
    "complete a workflow task": _workflow(
        "RespondWorkflowTaskCompleted",
        lambda scene: api.RespondWorkflowTaskCompletedRequest(
            namespace=NAMESPACE, task_token=scene.token
        ),
    ),
    "ask for Nexus tasks": _workflow(
        "PollNexusTaskQueue",
        lambda scene: api.PollNexusTaskQueueRequest(
            namespace=NAMESPACE, task_queue=TaskQueue(name=_own_queue(scene))
        ),
    ),
    "take another worker's tasks": _poll(
        lambda scene: scene.poll(worker_task_queue(scene.other_id, 1))
    ),
    "take tasks of HTTP workers": _poll(lambda scene: scene.poll(HTTP_TASK_QUEUE)),
    "take the managers' tasks": _poll(lambda scene: scene.poll("managers")),
    "ask at no queue": _poll(lambda scene: scene.poll("")),
    "ask at a queue beside its own": _poll(lambda scene: scene.poll(f"{_own_queue(scene)}-2")),
    "ask at the queue of another session": _poll(
        lambda scene: scene.poll(worker_task_queue(scene.worker_id, 2))
    ),
    "ask without a session": _poll(lambda scene: scene.poll(f"worker-{scene.worker_id}-")),
    "ask with another spelling": _poll(
        lambda scene: scene.poll(f"worker-{scene.worker_id.upper()}-1")
    ),
    "ask with other digits": _poll(lambda scene: scene.poll(f"worker-{scene.worker_id}-\u0661")),
    "ask with more zeros": _poll(lambda scene: scene.poll(f"worker-{scene.worker_id}-01")),
    "ask at a partition": _poll(lambda scene: scene.poll(f"/_sys/{_own_queue(scene)}/1")),
    "ask as a sticky queue of another": _poll(
        lambda scene: api.PollActivityTaskQueueRequest(
            namespace=NAMESPACE,
            identity=scene.identity,
            task_queue=TaskQueue(
                name=_own_queue(scene),
                kind=TaskQueueKind.TASK_QUEUE_KIND_STICKY,
                normal_name=worker_task_queue(scene.other_id, 1),
            ),
        )
    ),
    "ask in another namespace": _poll(
        lambda scene: scene.poll(_own_queue(scene), namespace="temporal-system")
    ),
    "ask in no namespace": _poll(lambda scene: scene.poll(_own_queue(scene), namespace="")),
    "ask as another worker": _poll(
        lambda scene: scene.poll(_own_queue(scene), identity=f"carmen {scene.other_id}")
    ),
    "complete another worker's task": _complete(lambda scene: scene.completed(scene.others_token)),
    "complete another worker's task, sealed with its own seal": _complete(
        lambda scene: scene.completed(scene.token[:16] + scene.others_token[16:])
    ),
    "complete a task by Temporal's own token": _complete(
        lambda scene: scene.completed(scene.token[16:])
    ),
    "complete a task that it was not given": _complete(
        lambda scene: scene.completed(scene.token[:-1] + b"!")
    ),
    "complete without a token": _complete(lambda scene: scene.completed(b"")),
    "complete its task for another worker": _complete(
        lambda scene: scene.completed(scene.token, identity=scene.other_id)
    ),
    "complete in another namespace": _complete(
        lambda scene: scene.completed(scene.token, namespace="temporal-system")
    ),
    "fail another worker's task": _workflow(
        "RespondActivityTaskFailed",
        lambda scene: api.RespondActivityTaskFailedRequest(
            namespace=NAMESPACE, identity=scene.identity, task_token=scene.others_token
        ),
    ),
    "cancel another worker's task": _workflow(
        "RespondActivityTaskCanceled",
        lambda scene: api.RespondActivityTaskCanceledRequest(
            namespace=NAMESPACE, identity=scene.identity, task_token=scene.others_token
        ),
    ),
    "keep another worker's task alive": _workflow(
        "RecordActivityTaskHeartbeat",
        lambda scene: api.RecordActivityTaskHeartbeatRequest(
            namespace=NAMESPACE, identity=scene.identity, task_token=scene.others_token
        ),
    ),
    "complete a task by its id": _workflow(
        "RespondActivityTaskCompletedById",
        lambda scene: api.RespondActivityTaskCompletedByIdRequest(
            namespace=NAMESPACE, workflow_id=scene.job.id, activity_id="2"
        ),
    ),
    "end another worker's polls": _workflow(
        "ShutdownWorker",
        lambda scene: api.ShutdownWorkerRequest(
            namespace=NAMESPACE,
            identity=scene.identity,
            task_queue=worker_task_queue(scene.other_id, 1),
        ),
    ),
    "tell of other workers": _workflow(
        "RecordWorkerHeartbeat",
        lambda scene: api.RecordWorkerHeartbeatRequest(
            namespace=NAMESPACE,
            worker_heartbeat=[WorkerHeartbeat(worker_identity=scene.other_id)],
        ),
    ),
    "list workers": _workflow(
        "ListWorkers", lambda scene: api.ListWorkersRequest(namespace=NAMESPACE)
    ),
    "look at another queue": _workflow(
        "DescribeTaskQueue",
        lambda scene: api.DescribeTaskQueueRequest(
            namespace=NAMESPACE, task_queue=TaskQueue(name="victims")
        ),
    ),
    "slow its queue down": _workflow(
        "UpdateTaskQueueConfig",
        lambda scene: api.UpdateTaskQueueConfigRequest(
            namespace=NAMESPACE, task_queue=_own_queue(scene)
        ),
    ),
    "describe another namespace": _workflow(
        "DescribeNamespace",
        lambda scene: api.DescribeNamespaceRequest(namespace="temporal-system"),
    ),
    "describe a namespace by its id": _workflow(
        "DescribeNamespace",
        lambda scene: api.DescribeNamespaceRequest(id="32049b68-7872-4094-8e63-d0dd59896a83"),
    ),
    "change the namespace": _workflow(
        "UpdateNamespace", lambda scene: api.UpdateNamespaceRequest(namespace=NAMESPACE)
    ),
    "add a namespace": _workflow(
        "RegisterNamespace", lambda scene: api.RegisterNamespaceRequest(namespace="mine")
    ),
    "delete the namespace": lambda scene: (
        f"{OPERATOR}/DeleteNamespace",
        DeleteNamespaceRequest(namespace=NAMESPACE),
    ),
    "look at the cluster": _workflow("GetClusterInfo", lambda scene: api.GetClusterInfoRequest()),
    "ask for the health of another service": lambda scene: (
        "/grpc.health.v1.Health/Check",
        HealthCheckRequest(service="temporal.api.operatorservice.v1.OperatorService"),
    ),
    "watch the health": lambda scene: (
        "/grpc.health.v1.Health/Watch",
        HealthCheckRequest(service=SERVICE.strip("/")),
    ),
    "ask which services there are": lambda scene: (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        HealthCheckRequest(),
    ),
    "ask the servers behind the frontend": lambda scene: (
        "/temporal.server.api.adminservice.v1.AdminService/DescribeMutableState",
        HealthCheckRequest(),
    ),
    "call a method that does not exist": lambda scene: (
        f"{SERVICE}/Sing",
        HealthCheckRequest(),
    ),
    "call an allowed method of another service": lambda scene: (
        f"{OPERATOR}/GetSystemInfo",
        api.GetSystemInfoRequest(),
    ),
    "spell a method's path in another way": lambda scene: (
        f"/{SERVICE}/GetSystemInfo",
        api.GetSystemInfoRequest(),
    ),
}
