"""Requests to cancel a workflow: from Temporal's own UI, `temporal workflow cancel`, or an SDK."""

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception


def is_cancel_request(error: BaseException) -> bool:
    """Return whether the workflow's main function was interrupted by a request to cancel it.

    When a worker drops a workflow from its cache, its tasks are canceled too, without a request.
    """
    if not is_cancelled_exception(error) or workflow.cancellation_reason() is None:
        return False
    # Older builds ended the workflow at the request.
    return workflow.patched("cancel-request-cancels-the-job")


class CancelRequest:
    """The request to cancel this workflow. Temporal takes one of each execution."""

    def __init__(self) -> None:
        self._is_taken = False

    @property
    def is_new(self) -> bool:
        return workflow.cancellation_reason() is not None and not self._is_taken

    def take(self) -> str:
        """Return the reason for the job's history. The request is not new any more."""
        self._is_taken = True
        reason = workflow.cancellation_reason()
        return f"canceled in Temporal: {reason}" if reason else "canceled in Temporal"
