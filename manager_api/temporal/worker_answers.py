"""What is passed on of a worker's words about its task.

A job's workflow reads an outcome, and the error or the last heartbeat of an activity. A payload
that it cannot read would fail its workflow task for ever, and nothing could end the job any more.
So only what it can read is passed on.
"""

from pydantic import TypeAdapter
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.service import RPCStatusCode

from manager_api.temporal.grpc_messages import CallForbidden
from workflows.domain.messages import LONGEST_REASON, LONGEST_WORD, Outcome

#: In bytes. A history with every task's outcome in it must stay far below Temporal's limit.
LARGEST_OUTCOME = 64 * 1024
LARGEST_PROGRESS = 16 * 1024
_LONGEST_TRACE = 8 * 1024
_ENCODING, _JSON = "encoding", b"json/plain"

_outcome = TypeAdapter(Outcome)
_anything = TypeAdapter(object)


def outcome_in(result: Payloads) -> Payloads:
    """Return a result that the workflow can read.

    Raises:
        CallRefused: it is not an outcome.
    """
    text = _json_in(result, LARGEST_OUTCOME)
    if text is None or not _reads_as(_outcome, text):
        refusal = "a worker answers with an outcome as JSON, which is not too large"
        raise CallForbidden(refusal, RPCStatusCode.INVALID_ARGUMENT)
    return _payloads(text)


def progress_in(details: Payloads) -> Payloads:
    """Return what a heartbeat says; nothing, if it is not JSON or too large."""
    text = _json_in(details, LARGEST_PROGRESS)
    return Payloads() if text is None or not _reads_as(_anything, text) else _payloads(text)


def failure_in(failure: Failure) -> Failure:
    """Return what an activity's exception says, in words alone."""
    info = failure.application_failure_info
    return Failure(
        message=failure.message[:LONGEST_REASON],
        source=failure.source[:LONGEST_WORD],
        stack_trace=failure.stack_trace[:_LONGEST_TRACE],
        application_failure_info=ApplicationFailureInfo(
            type=info.type[:LONGEST_WORD], non_retryable=info.non_retryable
        ),
    )


def _json_in(payloads: Payloads, largest: int) -> bytes | None:
    """Return the only payload's JSON; None if there is no such, or it is too large."""
    if len(payloads.payloads) != 1:
        return None
    (payload,) = payloads.payloads
    is_json = payload.metadata.get(_ENCODING) == _JSON
    return payload.data if is_json and len(payload.data) <= largest else None


def _payloads(text: bytes) -> Payloads:
    return Payloads(payloads=[Payload(metadata={_ENCODING: _JSON}, data=text)])


def _reads_as(kind: TypeAdapter[object] | TypeAdapter[Outcome], text: bytes) -> bool:
    try:
        kind.validate_json(text)
    except ValueError:
        return False
    return True
