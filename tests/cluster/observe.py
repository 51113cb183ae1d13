"""Looks at the farm from outside: API, database, Temporal's histories, and what hosts told."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from sqlalchemy import func, select
from temporalio.client import Client, WorkflowExecution

from manager_api.database.payloads import WORKERS
from manager_api.database.tables import EventRow, LeaseRow, LeaseState, TaskRow
from tests.cluster.audit import Seen, TaskSeen, WorkflowSeen
from tests.cluster.farm import Farm
from tests.cluster.strikes import Struck
from tests.cluster.temporal import Cluster
from tests.farm.histories import History

#: For what is told after a job's last write: leases returned, workflows closed.
_QUIET_WITHIN_S = 60.0
_LOOK_EVERY_S = 1.0
_JOBS = 'WorkflowType = "Job"'
_OPEN = f'{_JOBS} AND ExecutionStatus = "Running"'
_LEASES = select(LeaseRow.id, LeaseRow.job_id, LeaseRow.state).where(
    LeaseRow.state != LeaseState.RETURNED
)
_EVENTS = select(EventRow.created, EventRow.topic, EventRow.payload).order_by(EventRow.id)


async def newest_event(farm: Farm) -> int:
    """Return the id of the newest event; 0 without one."""
    [(newest,)] = await farm.rows(select(func.max(EventRow.id)))
    return int(newest or 0)


async def observe(
    farm: Farm, temporal: Cluster, hosts: int, strikes: Sequence[Struck], since: int
) -> Seen:
    """
    Args:
        since: the newest event when all hosts were awake and no job was submitted.
    """
    client = await temporal.client(temporal.admin)
    await _until_quiet(farm, client)
    tasks = [task async for task in _tasks(farm)]
    places = {id_: (task.job, task.index) for id_, task in tasks}
    given_back: dict[tuple[str, int], list[float]] = {}
    not_awake: list[tuple[float, str, str]] = []
    for created, topic, payload in await farm.rows(_EVENTS.where(EventRow.id > since)):
        moment, status = _monotonic(created), str(payload.get("status"))
        if topic == WORKERS and status != "awake":
            not_awake.append((moment, str(payload.get("name")), status))
        place = places.get(str(payload.get("id")))
        if place and status == "queued" and payload.get("previous_status"):
            given_back.setdefault(place, []).append(moment)
    statuses = await farm.statuses()
    return Seen(
        hosts=hosts,
        strikes=strikes,
        jobs={each.job: statuses.get(each.job, "gone") for each in farm.jobs},
        tasks=[task for _, task in tasks],
        expected_tasks=sum(each.tasks for each in farm.jobs),
        runs=farm.ran(),
        given_back=given_back,
        workers=await farm.workers(),
        not_awake=not_awake,
        leases=[f"lease {r[0]} of job {r[1]} is {r[2]}" for r in await farm.rows(_LEASES)],
        workflows=await _workflows(client),
    )


async def _until_quiet(farm: Farm, client: Client) -> None:
    """Wait until no lease and no workflow is open, or for a while; the audit tells what is."""
    deadline = time.monotonic() + _QUIET_WITHIN_S
    while time.monotonic() < deadline:
        if not await _jobs(client, _OPEN) and not await farm.rows(_LEASES):
            return
        await asyncio.sleep(_LOOK_EVERY_S)


async def _jobs(client: Client, query: str = _JOBS) -> list[WorkflowExecution]:
    return [each async for each in client.list_workflows(query)]


async def _workflows(client: Client) -> list[WorkflowSeen]:
    return [await _workflow(client, each) for each in await _jobs(client)]


async def _workflow(client: Client, execution: WorkflowExecution) -> WorkflowSeen:
    handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
    history = History(list((await handle.fetch_history()).events))
    status = execution.status.name if execution.status else "?"
    failures = tuple(history.failed_workflow_tasks)
    return WorkflowSeen(execution.id.removeprefix("job-"), status, failures)


async def _tasks(farm: Farm) -> AsyncIterator[tuple[str, TaskSeen]]:
    """Yield the id of each task, and the task."""
    columns = (TaskRow.id, TaskRow.job_id, TaskRow.index_in_job, TaskRow.status, TaskRow.attempt)
    for id_, job, index, status, attempt in await farm.rows(select(*columns)):
        yield id_, TaskSeen(job, index, str(status), attempt)


def _monotonic(moment: datetime) -> float:
    """Return a time of the database by the clock that hosts use; both are this machine's."""
    return moment.timestamp() - (time.time() - time.monotonic())
