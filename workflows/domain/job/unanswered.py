"""Handles the offers of runs that no host answered: time-outs, and cancellations before a start."""

from workflows.domain.job.run import JobRun
from workflows.domain.messages import Outcome, OutcomeKind

#: How often a run that may live is offered to its host before it counts as gone. A host that has
#: lost its manager needs longer than one offer lasts to find Temporal again.
OFFERS_OF_A_RUN = 3


def canceled_unseen(job: JobRun, offer: int) -> None:
    """Handle an activity that was canceled before its host took it.

    If the run was offered before, it may live, and only its host can tell that it has stopped.
    So the run is offered once more.
    """
    found = job.leases.of_offer(offer)
    if found is None:
        return
    holding, run = found
    if run.is_reoffered:
        job.offer_again(holding, run)
        job.tell_stopped(holding, run)
    else:
        job.offer_ended(offer, Outcome(OutcomeKind.CANCELED))


def not_taken(job: JobRun, offer: int, *, is_overdue: bool) -> None:
    """Handle a schedule-to-start time-out: the host does not ask for work (protocol rule 6).

    A run that was offered before may live, or its host keeps the outcome. So it is offered
    several times more.

    Args:
        is_overdue: the time-out is handled late, because no manager or no Temporal was there.
            The host could not take the offer then, so the offer does not count.
    """
    found = job.leases.of_offer(offer)
    if found is None:
        return
    holding, run = found
    run.not_taken += 0 if is_overdue else 1
    offers = OFFERS_OF_A_RUN if run.is_reoffered else 1
    if run.is_voided or run.not_taken >= offers:
        never_started(job, offer)
        return
    job.offer_again(holding, run)
    job.settle()


def never_started(job: JobRun, offer: int) -> None:
    """End the lease of an offer that its host did not take.

    If the host was only to put it on deck, its live run tells whether the host is there.
    """
    found = job.leases.of_offer(offer)
    if found is None:
        return
    holding, run = found
    if run is holding.deck and not run.is_reoffered:
        job.offer_ended(offer, Outcome(OutcomeKind.WITHDRAWN, "its worker did not take it"))
    else:
        job.drop(holding, "the worker did not take the task", unresponsive=True)
        job.settle()


def fell_silent(job: JobRun, offer: int) -> None:
    """Handle a heartbeat time-out: offer the same attempt to the same host again.

    If the run still lives there, the host attaches to it.
    """
    found = job.leases.of_offer(offer)
    if found is None:
        return
    holding, run = found
    if run.is_voided:
        job.drop(holding, "the worker fell silent", unresponsive=True)
    else:
        run.not_taken = 0
        job.offer_again(holding, run)
    job.settle()
