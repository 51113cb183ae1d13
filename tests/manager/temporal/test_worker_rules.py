"""What is passed on of a worker's calls: the fields that a rule names, and nothing else."""

from typing import Any

import pytest
import temporalio.api.workflowservice.v1 as api
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.deployment.v1 import WorkerDeploymentOptions
from temporalio.api.enums.v1 import TaskQueueKind
from temporalio.api.failure.v1 import Failure
from temporalio.api.namespace.v1 import NamespaceInfo
from temporalio.api.taskqueue.v1 import TaskQueue, TaskQueueMetadata
from temporalio.api.worker.v1 import WorkerHeartbeat

from manager_api.temporal.grpc_messages import CallForbidden
from manager_api.temporal.task_tokens import TaskTokens
from manager_api.temporal.worker_rules import WorkerRules

WORKER = "c0ffee00-0000-4000-8000-000000000001"
OTHER = "c0ffee00-0000-4000-8000-000000000002"
QUEUE = f"worker-{WORKER}-7"
TOKENS = TaskTokens(b"key")
RULES = WorkerRules(WORKER, "studio", QUEUE, TOKENS)
SAID = Payloads(payloads=[Payload(data=b"said")])
OWN: dict[str, Any] = {"namespace": "studio", "identity": f"carmen {WORKER}"}
#: A field 4000 of the type `bytes`.
UNKNOWN = b"\x82\xfa\x01\x03new"


def with_unknown(message: Message) -> bytes:
    return message.SerializeToString() + UNKNOWN


def fields(message: Message) -> dict[str, Any]:
    return {field.name: value for field, value in message.ListFields()}


def test_a_poll_keeps_its_queue_alone() -> None:
    asked = api.PollActivityTaskQueueRequest.FromString(
        with_unknown(
            api.PollActivityTaskQueueRequest(
                **OWN,
                task_queue=TaskQueue(
                    name=QUEUE, kind=TaskQueueKind.TASK_QUEUE_KIND_NORMAL, normal_name="other"
                ),
                worker_instance_key="process",
                worker_control_task_queue="control",
                poller_group_id="group",
                task_queue_metadata=TaskQueueMetadata(),
                deployment_options=WorkerDeploymentOptions(build_id="mine"),
            )
        )
    )

    passed = RULES.poll(asked)

    assert passed == api.PollActivityTaskQueueRequest(
        **OWN,
        task_queue=TaskQueue(name=QUEUE, kind=TaskQueueKind.TASK_QUEUE_KIND_NORMAL),
        worker_instance_key=f"{WORKER}-process",
    )
    assert b"new" not in passed.SerializeToString()


def test_a_shutdown_and_a_poll_name_the_same_process() -> None:
    poll = RULES.poll(
        api.PollActivityTaskQueueRequest(
            **OWN, task_queue=TaskQueue(name=QUEUE), worker_instance_key="process"
        )
    )
    shutdown = RULES.shut_down(
        api.ShutdownWorkerRequest(
            **OWN,
            task_queue=QUEUE,
            sticky_task_queue="another",
            worker_instance_key="process",
            worker_heartbeat=WorkerHeartbeat(worker_identity="another"),
        )
    )

    assert shutdown.worker_instance_key == poll.worker_instance_key
    assert fields(shutdown).keys() == {
        *("namespace", "identity", "task_queue", "task_queue_types", "worker_instance_key")
    }


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (api.RespondActivityTaskCompletedRequest(result=SAID, resource_id="another"), "result"),
        (api.RespondActivityTaskFailedRequest(failure=Failure(message="fell")), "failure"),
        (
            api.RespondActivityTaskFailedRequest(last_heartbeat_details=SAID),
            "last_heartbeat_details",
        ),
        (api.RespondActivityTaskCanceledRequest(details=SAID), "details"),
        (api.RecordActivityTaskHeartbeatRequest(details=SAID), "details"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_a_worker_says_of_its_task_passes(asked: Any, said: str) -> None:
    asked.MergeFrom(type(asked)(**OWN, task_token=TOKENS.sealed(b"token")))
    before = getattr(asked, said)

    passed = RULES.told(type(asked).FromString(with_unknown(asked)))

    assert fields(passed).keys() == {"namespace", "identity", "task_token", said}
    assert (passed.task_token, getattr(passed, said)) == (b"token", before)
    assert b"new" not in passed.SerializeToString()


def test_unknown_fields_deep_in_a_message_are_removed() -> None:
    failure = Failure.FromString(with_unknown(Failure(message="fell")))
    asked = api.RespondActivityTaskFailedRequest(
        **OWN, task_token=TOKENS.sealed(b"token"), failure=Failure(cause=failure)
    )

    assert b"new" in asked.SerializeToString()
    assert b"new" not in RULES.told(asked).SerializeToString()


def test_a_poll_without_a_task_has_no_token() -> None:
    assert not RULES.handed_out(api.PollActivityTaskQueueResponse()).task_token


def test_a_token_is_of_use_to_its_worker_only() -> None:
    sealed = TaskTokens(b"another's key").sealed(b"token")

    with pytest.raises(CallForbidden):
        TOKENS.opened(sealed)
    # Another manager of the same farm has the same key.
    assert TaskTokens(b"key").opened(TOKENS.sealed(b"token")) == b"token"


def test_hosts_are_not_told_of_abilities_that_would_make_them_call_more() -> None:
    info = NamespaceInfo(name="studio", owner_email="td@studio", data={"secret": "x"})
    info.capabilities.worker_heartbeats = True
    info.capabilities.worker_commands = True
    info.capabilities.worker_poll_complete_on_shutdown = True

    shown = RULES.namespace_shown(api.DescribeNamespaceResponse(namespace_info=info))

    able = NamespaceInfo.Capabilities(worker_poll_complete_on_shutdown=True)
    assert shown.namespace_info == NamespaceInfo(
        name="studio", capabilities=able, limits=NamespaceInfo.Limits()
    )
