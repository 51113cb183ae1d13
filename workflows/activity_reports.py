"""Reports the end of an activity to a job's rules (`JobRun`)."""

from temporalio.exceptions import (
    ActivityError,
    CancelledError,
    TimeoutError,  # noqa: A004 - Temporal's word for it
    TimeoutType,
)
from temporalio.workflow import ActivityHandle

from workflows.domain.job.run import JobRun
from workflows.domain.messages import Outcome, OutcomeKind


def report(job: JobRun, offer: int, handle: ActivityHandle[Outcome]) -> None:
    """Tell the job how the activity of this offer ended. Call it once the activity is done."""
    if handle.cancelled():
        job.offer_ended(offer, Outcome(OutcomeKind.CANCELED))
        return
    error = handle.exception()
    if error is None:
        job.offer_ended(offer, handle.result())
        return
    cause = error.cause if isinstance(error, ActivityError) else error
    if isinstance(cause, CancelledError):
        if isinstance(error, ActivityError) and not error.started_event_id:
            job.canceled_unseen(offer)
        else:
            job.offer_ended(offer, Outcome(OutcomeKind.CANCELED))
    elif isinstance(cause, TimeoutError) and cause.type is TimeoutType.SCHEDULE_TO_START:
        job.never_started(offer)
    elif isinstance(cause, TimeoutError):
        job.fell_silent(offer)
    else:
        job.offer_ended(offer, Outcome(OutcomeKind.LOST, str(cause)))
