"""A claim stores a new run's first write for its workflow, so that workers are lent sooner."""

from workflows.domain.job.run import JobRun
from workflows.domain.messages import Demand, JobSnapshot, ProjectionWrite
from workflows.domain.writes import fingerprint

#: Of a larger job, the manager would compute for too long: its workflow writes for itself.
MOST_TASKS = 1_000


def first_write(snapshot: JobSnapshot) -> ProjectionWrite | None:
    """Return a new run's first write, if it tells the demand and nothing else; otherwise None."""
    if snapshot.change is not None:
        return None
    job = JobRun(snapshot)
    job.begin()
    if not job.changes:
        return None
    write = job.next_write()
    return write if write == _telling(snapshot.job_id, snapshot.run, write.demand) else None


def may_claim(job_id: str, run: int, *, sequence: int, last: str | None, demand: Demand) -> bool:
    """Return whether a run may be claimed: nothing is written, or only what a claim has stored.

    Args:
        job_id: the job.
        run: the run's number.
        sequence: the number of the last stored write.
        last: the `fingerprint` of the last stored write.
        demand: the stored demand.
    """
    return sequence == 0 or (sequence == 1 and last == fingerprint(_telling(job_id, run, demand)))


def _telling(job_id: str, run: int, demand: Demand | None) -> ProjectionWrite:
    return ProjectionWrite(job_id, run, 1, demand=demand)
