"""Reports the end of an activity to a job's rules (`JobRun`)."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    CancelledError,
    TimeoutError,  # noqa: A004 - Temporal's word for it
    TimeoutType,
)
from temporalio.workflow import ActivityHandle

from workflows.domain.job import unanswered
from workflows.domain.job.run import JobRun
from workflows.domain.messages import Outcome, OutcomeKind

#: A time-out that is handled later than this after its time, in parts of its length, was handled
#: late: no manager or no Temporal was there.
_LATE = 0.25
_NOT_ASKED = Outcome(OutcomeKind.LOST, "its host could not be asked")


def report(
    job: JobRun, offer: int, handle: ActivityHandle[Outcome], offered_for: timedelta
) -> None:
    """Tell the job how the activity of this offer ended. Call it once the activity is done.

    Args:
        offered_for: the time from the offer to now.
    """
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
            unanswered.canceled_unseen(job, offer)
        else:
            job.offer_ended(offer, Outcome(OutcomeKind.CANCELED))
    elif isinstance(cause, TimeoutError) and cause.type is TimeoutType.SCHEDULE_TO_START:
        _not_taken(job, offer, offered_for)
    elif isinstance(cause, TimeoutError):
        unanswered.fell_silent(job, offer)
    else:
        job.offer_ended(offer, Outcome(OutcomeKind.LOST, str(cause)))


def report_withdrawal(job: JobRun, number: int, handle: ActivityHandle[Outcome]) -> None:
    """Tell the job what a host answered to the question for the run on its deck."""
    is_answered = not handle.cancelled() and handle.exception() is None
    job.withdrawal_answered(number, handle.result() if is_answered else _NOT_ASKED)


def _not_taken(job: JobRun, offer: int, offered_for: timedelta) -> None:
    if not workflow.patched("offer-again-what-may-live"):
        unanswered.never_started(job, offer)
        return
    in_time = timedelta(seconds=job.limits.schedule_to_start_s * (1 + _LATE))
    unanswered.not_taken(job, offer, is_overdue=offered_for > in_time)
