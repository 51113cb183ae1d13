"""What is passed on of a worker's calls: the fields that a rule names, and nothing else."""

from typing import Any

import pytest
import temporalio.api.workflowservice.v1 as api
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.deployment.v1 import WorkerDeploymentOptions
from temporalio.api.enums.v1 import TaskQueueKind
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.api.namespace.v1 import NamespaceInfo
from temporalio.api.taskqueue.v1 import TaskQueue, TaskQueueMetadata
from temporalio.api.worker.v1 import WorkerHeartbeat

from manager_api.temporal.grpc_messages import CallForbidden
from manager_api.temporal.task_tokens import TaskTokens
from manager_api.temporal.worker_answers import LARGEST_OUTCOME
from manager_api.temporal.worker_rules import WorkerRules

WORKER = "c0ffee00-0000-4000-8000-000000000001"
OTHER = "c0ffee00-0000-4000-8000-000000000002"
QUEUE = f"worker-{WORKER}-7"
TOKENS = TaskTokens(b"key")
RULES = WorkerRules(WORKER, "studio", QUEUE, TOKENS)
OWN: dict[str, Any] = {"namespace": "studio", "identity": f"carmen {WORKER}"}
#: A field 4000 of the type `bytes`.
UNKNOWN = b"\x82\xfa\x01\x03new"


def _payload(data: bytes, encoding: bytes = b"json/plain") -> Payload:
    return Payload(metadata={"encoding": encoding}, data=data)


OUTCOME = Payloads(payloads=[_payload(b'{"kind": "completed"}')])
FELL = Failure(message="fell", application_failure_info=ApplicationFailureInfo(type="ValueError"))


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


def said_of_task(asked: Any) -> Any:
    """What is passed on of a worker's words about its task."""
    asked.MergeFrom(type(asked)(**OWN, task_token=TOKENS.sealed(b"token")))
    asked = type(asked).FromString(with_unknown(asked))
    match asked:
        case api.RespondActivityTaskCompletedRequest():
            passed: Any = RULES.completed(asked)
        case api.RespondActivityTaskFailedRequest():
            passed = RULES.failed(asked)
        case api.RespondActivityTaskCanceledRequest():
            passed = RULES.canceled(asked)
        case _:
            passed = RULES.heartbeat(asked)
    assert passed.task_token == b"token"
    assert b"new" not in passed.SerializeToString()
    return passed


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (api.RespondActivityTaskCompletedRequest(result=OUTCOME, resource_id="another"), "result"),
        (api.RespondActivityTaskFailedRequest(failure=FELL), "failure"),
        (
            api.RespondActivityTaskFailedRequest(failure=FELL, last_heartbeat_details=OUTCOME),
            "failure",
        ),
        (api.RespondActivityTaskCanceledRequest(details=OUTCOME), ""),
        (api.RecordActivityTaskHeartbeatRequest(details=OUTCOME), "details"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_a_worker_says_of_its_task_passes(asked: Any, said: str) -> None:
    passed = said_of_task(asked)

    assert fields(passed).keys() - {"namespace", "identity", "task_token"} == {said} - {""}
    if said:
        assert getattr(passed, said) == getattr(asked, said)


BAD = {
    "no JSON": [_payload(b"garbage")],
    "an unknown kind": [_payload(b'{"kind": "nonsense"}')],
    "a null": [_payload(b"null")],
    "a list": [_payload(b"[1]")],
    "a field of another type": [_payload(b'{"kind": "failed", "reason": {}}')],
    "half a surrogate pair": [_payload(rb'{"kind": "failed", "reason": "\ud800"}')],
    "too large": [_payload(b'{"kind": "failed", "reason": "%s"}' % (b"x" * LARGEST_OUTCOME))],
    "nothing": [],
    "two": [_payload(b'{"kind": "completed"}')] * 2,
    "another encoding": [_payload(b'{"kind": "completed"}', b"binary/encrypted")],
    "no encoding": [Payload(data=b'{"kind": "completed"}')],
    "protobuf": [_payload(b"{}", b"json/protobuf")],
}


@pytest.mark.parametrize("result", BAD.values(), ids=BAD)
def test_an_outcome_that_no_workflow_can_read_is_refused(result: list[Payload]) -> None:
    with pytest.raises(CallForbidden, match="outcome"):
        said_of_task(api.RespondActivityTaskCompletedRequest(result=Payloads(payloads=result)))


@pytest.mark.parametrize("name", ["no JSON", "half a surrogate pair", "too large", "protobuf"])
def test_a_heartbeat_that_no_workflow_can_read_says_nothing(name: str) -> None:
    details = Payloads(payloads=BAD[name])

    passed = said_of_task(api.RecordActivityTaskHeartbeatRequest(details=details))

    assert not passed.details.payloads


def test_an_exception_is_words_alone() -> None:
    bad = Payloads(payloads=BAD["no JSON"])
    failure = Failure(
        message="fell" * 1000,
        stack_trace="line\n" * 10_000,
        encoded_attributes=_payload(b"garbage"),
        cause=Failure(message="because", encoded_attributes=_payload(b"garbage")),
        application_failure_info=ApplicationFailureInfo(type="ValueError", details=bad),
    )

    passed = said_of_task(api.RespondActivityTaskFailedRequest(failure=failure)).failure

    assert fields(passed).keys() == {"message", "stack_trace", "application_failure_info"}
    assert passed.application_failure_info == ApplicationFailureInfo(type="ValueError")
    assert passed.message.startswith("fell")
    assert passed.ByteSize() < 10_000


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
