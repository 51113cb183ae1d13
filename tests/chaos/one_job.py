"""Holds what a farm says of one job against ledger, hosts' disks and Temporal, when all is quiet.

The auditor of seeds is in tests/chaos/audit.py; this one also counts tries, for faults that must
cost none.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from temporalio.client import Client

from tests.chaos.observe import kept_runs
from tests.farm.processes import FarmProcesses

#: For what is told after a job's last write: leases returned, outcomes settled, workflow closed.
QUIET_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as the database has it."""

    frame: str
    status: str
    attempt: int
    failures: int


def task_records(farm: FarmProcesses, job_id: str) -> list[TaskRecord]:
    """In the order of the job; the frame is what follows the last hyphen of the name."""
    query = (
        "select name, status, attempt, failures from tasks where job_id = ? order by index_in_job"
    )
    rows = farm.query(query, job_id)
    return [TaskRecord(row[0].rpartition("-")[2], *row[1:]) for row in rows]


def complaints(farm: FarmProcesses, job_id: str) -> list[str]:
    """What is not as it must be after a job has ended. Waiting may mend some of it."""
    return [*_ledger(farm, job_id), *_leases(farm), *_hosts(farm), *_workflow(farm, job_id)]


def continued_as_new(farm: FarmProcesses, job_id: str) -> int:
    """How many times the job's workflow has gone on in a new history."""
    return asyncio.run(_histories(farm, job_id)).get("CONTINUED_AS_NEW", 0)


def _ledger(farm: FarmProcesses, job_id: str) -> Iterator[str]:
    starts = Counter(frame for frame, _ in farm.started())
    ends = Counter(frame for frame, _ in farm.ended())
    for task in task_records(farm, job_id):
        if (task.status == "completed") != (ends[task.frame] > 0):
            yield f"frame {task.frame} is {task.status}, and ended {ends[task.frame]} times"
        if starts[task.frame] > task.attempt:
            yield f"frame {task.frame} started {starts[task.frame]} times in {task.attempt} tries"
        if task.failures:
            yield f"frame {task.frame} counts {task.failures} failures"


def _leases(farm: FarmProcesses) -> Iterator[str]:
    query = "select id, state from leases where state <> 'returned'"
    for lease_id, state in farm.query(query):
        yield f"lease {lease_id} is {state}"


def _hosts(farm: FarmProcesses) -> Iterator[str]:
    for pid in farm.shim_pids():
        yield f"shim {pid} lives"
    for run in kept_runs(farm):
        yield f"run {run} was not delivered"


def _workflow(farm: FarmProcesses, job_id: str) -> Iterator[str]:
    histories = asyncio.run(_histories(farm, job_id))
    if histories.pop("CONTINUED_AS_NEW", 0) >= 0 and histories != {"COMPLETED": 1}:
        yield f"its workflow's histories ended so: {histories}"


async def _histories(farm: FarmProcesses, job_id: str) -> dict[str, int]:
    """Each history of a job's workflow, counted by how it ended."""
    client = await Client.connect(farm.temporal_address)
    found: Counter[str] = Counter()
    async for history in client.list_workflows(f"WorkflowId = 'job-{job_id}'"):
        found[history.status.name if history.status else "?"] += 1
    return dict(found)
