"""A claim stores a new run's first write, if that tells the demand only."""

from dataclasses import replace

from tests.domain.jobs import columns
from workflows.domain.job.claiming import first_write, may_claim
from workflows.domain.job.encoding import encode
from workflows.domain.job.run import JobRun
from workflows.domain.messages import (
    Change,
    Demand,
    JobAction,
    JobSnapshot,
    ProjectionWrite,
    Want,
)
from workflows.domain.statuses import JobStatus, TaskStatus
from workflows.domain.writes import fingerprint

NEW = JobSnapshot("job", 1, JobStatus.QUEUED, 50, encode(columns(3)))
DEMAND = Demand(1, (Want("blender", 3),))


def test_a_new_job_begins_with_a_demand() -> None:
    assert first_write(NEW) == ProjectionWrite("job", 1, 1, demand=DEMAND)


def test_a_run_that_begins_with_a_change_writes_for_itself() -> None:
    assert first_write(replace(NEW, change=Change(action=JobAction.CANCEL))) is None


def test_a_run_that_requeues_tasks_as_it_begins_writes_for_itself() -> None:
    left_active = columns(2, statuses=[TaskStatus.ACTIVE, TaskStatus.QUEUED])

    assert first_write(replace(NEW, tasks=encode(left_active), status=JobStatus.ACTIVE)) is None


def test_what_the_claim_has_told_is_not_told_again() -> None:
    job = JobRun(replace(NEW, sequence=1, told=DEMAND))

    job.begin()

    assert not job.changes
    assert job.demand == DEMAND


def test_a_demand_that_differs_from_the_told_one_is_told() -> None:
    job = JobRun(replace(NEW, sequence=1, told=Demand(1, (Want("blender", 2),))))

    job.begin()

    assert job.next_write() == ProjectionWrite("job", 1, 2, demand=DEMAND)


def test_a_run_can_be_claimed_until_it_has_written_more_than_its_claim() -> None:
    told = fingerprint(ProjectionWrite("job", 1, 1, demand=DEMAND))
    more = fingerprint(ProjectionWrite("job", 1, 1, demand=DEMAND, priority=7))

    def may(sequence: int, last: str | None) -> bool:
        return may_claim("job", 1, sequence=sequence, last=last, demand=DEMAND)

    assert may(0, None)
    assert may(1, told)
    assert not may(1, more)
    assert not may(1, None)
    assert not may(2, told)
