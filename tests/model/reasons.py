"""What the keeper says about waiting tasks, against what it has done in the same pass."""

from collections import Counter
from collections.abc import Iterator, Sequence

from workflows.domain.farm_facts import FarmSnapshot, JobFacts, WorkerFacts
from workflows.domain.matchmaking import Offer, Reasons
from workflows.domain.messages import Want
from workflows.domain.shortages import Cause, Shortage
from workflows.domain.statuses import SCHEDULABLE, WorkerStatus


def lies(farm: FarmSnapshot, offers: Sequence[Offer], reasons: Reasons) -> Iterator[str]:
    """Yield each reason that is wrong, and each waiting job and idle worker without a reason.

    Args:
        farm: the farm before the pass.
        offers: the offers of the pass.
        reasons: what the pass says.
    """
    said = {(shortage.job_id, shortage.task_type): shortage for shortage in reasons.shortages}
    yield from _idle_for_nothing(farm, offers, reasons)
    for job in farm.jobs:
        if job.status in SCHEDULABLE and job.demand is not None:
            yield from _unexplained(farm, offers, job, said)
            for want in job.demand.wants:
                if (job.id, want.task_type) in said:
                    yield from _wrong(farm, offers, job, want, said[job.id, want.task_type])


def _unexplained(
    farm: FarmSnapshot,
    offers: Sequence[Offer],
    job: JobFacts,
    said: dict[tuple[str, str], Shortage],
) -> Iterator[str]:
    assert job.demand is not None
    wanted = sum(want.count for want in job.demand.wants)
    of_job = [said.get((job.id, want.task_type)) for want in job.demand.wants]
    explained = sum(shortage.tasks for shortage in of_job if shortage)
    leases = [lease for lease in farm.leases if lease.job_id == job.id]
    coming = sum(not lease.is_held and not lease.recall for lease in leases)
    coming += sum(offer.job_id == job.id for offer in offers)
    if wanted - explained > coming:
        yield f"{job.id} wants {wanted} workers, gets {coming}, and {explained} are explained"


def _wrong(
    farm: FarmSnapshot, offers: Sequence[Offer], job: JobFacts, want: Want, said: Shortage
) -> Iterator[str]:
    if sum(each.workers for each in said.hindered) != len(farm.workers):
        yield f"{said} does not count each worker once"
    resting = {name for each in said.hindered if each.cause is Cause.RESTING for name in each.names}
    keeps_some_free = any(_is_lost(farm, lease.worker_id) for lease in farm.leases)
    taken = Counter(lease.worker_id for lease in farm.leases)
    taken.update(offer.worker_id for offer in offers)
    for worker in farm.workers:
        is_idle = taken[worker.id] < worker.slots and worker.name not in resting
        if is_idle and not keeps_some_free and _could_take(farm, worker, job, want):
            yield f"{job.id} waits because of {said}, and {worker} is free for it"


def _idle_for_nothing(
    farm: FarmSnapshot, offers: Sequence[Offer], reasons: Reasons
) -> Iterator[str]:
    """Yield idle workers whose reason is wrong or absent while tasks wait."""
    lent = {lease.worker_id for lease in farm.leases} | {offer.worker_id for offer in offers}
    said = {each.worker_id: each for each in reasons.idle}
    waiting = {shortage.job_id for shortage in reasons.shortages if shortage.tasks}
    for worker in farm.workers:
        is_idle = worker.id not in lent and _takes_work(worker)
        if not is_idle and worker.id in said:
            yield f"{worker} is idle because of {said[worker.id]}, and takes no work or has some"
        if is_idle and waiting and worker.id not in said:
            yield f"{worker} is idle without a reason while {waiting} wait"
        if worker.id in said and said[worker.id].causes == () and waiting:
            is_told = said[worker.id].is_kept or said[worker.id].is_full
            yield from () if is_told else [f"{worker} is kept from {waiting} by nothing"]


def _takes_work(worker: WorkerFacts) -> bool:
    return (
        worker.status is WorkerStatus.AWAKE
        and worker.is_present
        and worker.status_requested is None
        and not worker.is_paused
        and not worker.set_aside
    )


def _is_lost(farm: FarmSnapshot, worker_id: str) -> bool:
    return any(w.id == worker_id and w.status is WorkerStatus.ERROR for w in farm.workers)


def _could_take(farm: FarmSnapshot, worker: WorkerFacts, job: JobFacts, want: Want) -> bool:
    assert job.demand is not None
    return (
        _takes_work(worker)
        and (worker.is_polling or not worker.is_http)
        and want.task_type in worker.task_types
        and (job.tag is None or job.tag in worker.tags)
        and worker.id not in want.blocked
        and worker.id not in want.failed
        and farm.hand_backs.get((job.id, worker.id)) != job.demand.version
    )
