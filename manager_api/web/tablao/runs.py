"""The commands of a run, for the host that holds its lease; and what a host needs at all."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Path, Security

from manager_api.contract.runs import HostNeeds, RunCommands
from manager_api.database.engine import utc_now
from manager_api.web.auth import Worker, the_worker
from manager_api.web.dependencies import Parts, Runs
from manager_api.web.parameters import JobId
from manager_api.web.responses import NOT_AUTHORIZED, NOT_FOUND, OVERTAKEN
from workflows.domain.messages import RunKey

#: The range that the database's columns can hold.
Number = Annotated[int, Path(ge=1, lt=2**31)]

router = APIRouter(
    prefix="/api/tablao/v1",
    tags=["hosts"],
    dependencies=[Security(the_worker)],
    responses=NOT_AUTHORIZED | NOT_FOUND | OVERTAKEN,
)


@router.get("/runs/{job_id}/{index}/{run}/{attempt}", operation_id="fetchRun")
async def fetch_run(
    job_id: JobId,
    index: Number,
    run: Number,
    attempt: Number,
    lease: str,
    worker: Worker,
    runs: Runs,
    parts: Parts,
    afterwards: BackgroundTasks,
) -> RunCommands:
    commands = await runs.fetch(worker, RunKey(job_id, index, run, attempt), lease)
    # A host may ask twice, but the log gets this line only once for each attempt.
    afterwards.add_task(
        parts.logs.assigned, job_id, commands.task_id, attempt, worker.name, worker.id, utc_now()
    )
    return commands


@router.get("/host-needs", operation_id="fetchHostNeeds")
async def fetch_host_needs(worker: Worker, runs: Runs) -> HostNeeds:
    """Return what the doctor on a render machine looks for: programs and the shared storage."""
    return await runs.needs(worker)
