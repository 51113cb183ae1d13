"""fetchJob, fetchJobs, fetchJobTasks, setJobStatus, setJobPriority, and our actions."""

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.contract.errors import OrchestratorUnavailable
from manager_api.jobs import control
from manager_api.jobs import store as jobs
from manager_api.jobs.insertion import insert_job
from manager_api.jobs.task_store import READ_CHUNK
from tests.manager.api_calls import Fits, Register, Submit, TasksOf
from tests.manager.databases import job_with
from workflows.domain.job.transitions import JOB_ACTIONS
from workflows.domain.messages import JobAction
from workflows.domain.statuses import JobStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

STORED = [status for status in JobStatus if status is not JobStatus.UNDER_CONSTRUCTION]
BY_STATUS = {
    "cancel-requested": JobAction.CANCEL,
    "pause-requested": JobAction.PAUSE,
    "requeueing": JobAction.REQUEUE,
}


async def asked(farm: "Farm") -> list[JobAction | None]:
    """Actions that reached a job, through its workflow or by a new run."""
    running = [change.action for _, change in farm.control.changes]
    rerun = []
    for job_id, run in await farm.ordered_runs():
        pending = (await farm.job(job_id)).pending_change
        if run > 1 and pending is not None:
            rerun.append(JobAction(pending["action"]))
    return [*running, *rerun]


async def test_all_jobs_are_listed(api: httpx.AsyncClient, submit: Submit, fits: Fits) -> None:
    first, second = await submit(name="uno"), await submit(name="dos")

    answer = await api.get("/api/v3/jobs")

    fits("JobsQueryResult", answer.json())
    listed = sorted(answer.json()["jobs"], key=lambda job: job["created"])
    assert listed == [first, second]


@pytest.mark.parametrize("length", [10, 20_000])
async def test_the_list_shows_each_change_of_a_job(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, length: int
) -> None:
    job = await submit(metadata={"project": "olé" + "x" * length, "empty": ""})
    listed = [(await api.get("/api/v3/jobs")).json()["jobs"] for _ in range(2)]

    async with farm.parts.database.writing() as session:
        row = await jobs.existing_job_to_change(session, job["id"])
        row.job_metadata = {"project": "otra"}
        row.delete_requested_at = row.updated
    now = (await api.get(f"/api/v3/jobs/{job['id']}")).json()

    assert listed == [[job], [job]]
    assert now != job
    assert (await api.get("/api/v3/jobs")).json()["jobs"] == [now]


async def test_an_unknown_job_has_no_tasks(api: httpx.AsyncClient, unknown_id: str) -> None:
    answer = await api.get(f"/api/v3/jobs/{unknown_id}/tasks")

    assert (answer.status_code, answer.json()) == (200, {"tasks": []})


async def test_tasks_are_listed_in_order_with_their_workers(
    api: httpx.AsyncClient,
    farm: "Farm",
    submit: Submit,
    tasks_of: TasksOf,
    register: Register,
    fits: Fits,
) -> None:
    job, carmen = await submit(), await register()
    tasks = await tasks_of(job["id"])
    await farm.set_task(tasks[1]["id"], worker_id=carmen.id)

    answer = await api.get(f"/api/v3/jobs/{job['id']}/tasks")

    fits("JobTasksSummary", answer.json())
    assert answer.json()["tasks"][1]["worker"]["name"] == "carmen"
    assert "worker" not in answer.json()["tasks"][0]


async def test_a_list_longer_than_one_piece_is_whole(
    api: httpx.AsyncClient, farm: "Farm", register: Register, fits: Fits
) -> None:
    count = 2 * READ_CHUNK + 1
    async with farm.parts.database.writing() as session:
        job_id = (await insert_job(session, job_with(count))).id
    carmen = await register()
    url = f"/api/v3/jobs/{job_id}/tasks"
    before = (await api.get(url)).json()["tasks"]
    for place in (0, count - 1):
        await farm.set_task(before[place]["id"], worker_id=carmen.id)

    answer = await api.get(url)

    fits("JobTasksSummary", answer.json())
    listed = answer.json()["tasks"]
    assert [task["index_in_job"] for task in listed] == list(range(1, count + 1))
    assert [place for place, task in enumerate(listed) if "worker" in task] == [0, count - 1]


@pytest.mark.parametrize("status", STORED)
@pytest.mark.parametrize("action", JobAction)
async def test_an_action_follows_the_action_table(
    api: httpx.AsyncClient,
    farm: "Farm",
    submit: Submit,
    status: JobStatus,
    action: JobAction,
    fits: Fits,
) -> None:
    job = await submit()
    await farm.set_job(job["id"], status=status)

    answer = await api.post(
        f"/api/tablao/v1/jobs/{job['id']}/actions", json={"action": action, "reason": "a test"}
    )

    if action in JOB_ACTIONS[status]:
        assert (answer.status_code, answer.content) == (204, b"")
        assert await asked(farm) == [action]
    else:
        fits("Error", answer.json())
        assert answer.status_code == answer.json()["code"] == 422
        assert status in answer.json()["message"]
        assert await asked(farm) == []


@pytest.mark.parametrize("status", STORED)
@pytest.mark.parametrize("wanted", BY_STATUS)
async def test_setting_a_status_asks_for_the_action_it_stands_for(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, status: JobStatus, wanted: str
) -> None:
    job = await submit()
    await farm.set_job(job["id"], status=status)

    answer = await api.post(
        f"/api/v3/jobs/{job['id']}/setstatus", json={"status": wanted, "reason": "a test"}
    )

    if wanted == status:
        assert (answer.status_code, await asked(farm)) == (204, [])
    elif BY_STATUS[wanted] in JOB_ACTIONS[status]:
        assert (answer.status_code, await asked(farm)) == (204, [BY_STATUS[wanted]])
    else:
        assert (answer.status_code, await asked(farm)) == (422, [])


@pytest.mark.parametrize("status", [JobStatus.PAUSED, JobStatus.PAUSE_REQUESTED])
@pytest.mark.parametrize("wanted", ["queued", "active"])
async def test_a_pausing_job_that_is_set_to_work_resumes(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, status: JobStatus, wanted: str
) -> None:
    job = await submit()
    await farm.set_job(job["id"], status=status)

    answer = await api.post(
        f"/api/v3/jobs/{job['id']}/setstatus", json={"status": wanted, "reason": "a test"}
    )

    assert (answer.status_code, await asked(farm)) == (204, [JobAction.RESUME])


@pytest.mark.parametrize("wanted", ["completed", "failed", "canceled", "paused", "active"])
async def test_a_status_that_nobody_can_ask_for_is_refused(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, wanted: str
) -> None:
    job = await submit()

    answer = await api.post(
        f"/api/v3/jobs/{job['id']}/setstatus", json={"status": wanted, "reason": "a test"}
    )

    assert (answer.status_code, await asked(farm)) == (422, [])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "paused"},
        {"status": "x", "reason": "y"},
        {"status": "cancel-requested", "reason": "y" * 501},  # a workflow has to carry it
    ],
)
async def test_a_status_change_needs_a_status_and_a_short_reason(
    api: httpx.AsyncClient, submit: Submit, body: dict[str, str]
) -> None:
    job = await submit()

    answer = await api.post(f"/api/v3/jobs/{job['id']}/setstatus", json=body)

    assert answer.status_code == 400
    assert answer.json().keys() == {"message"}


async def test_the_reason_travels_with_the_change(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    job = await submit()

    await api.post(
        f"/api/v3/jobs/{job['id']}/setstatus",
        json={"status": "cancel-requested", "reason": "out of tune"},
    )

    [(job_id, change)] = farm.control.changes
    assert (job_id, change.reason) == (job["id"], "out of tune")
    assert change.request_id


async def test_requeueing_an_ended_job_begins_its_next_run(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    job = await submit()
    await farm.set_job(job["id"], status=JobStatus.COMPLETED)

    await api.post(
        f"/api/v3/jobs/{job['id']}/setstatus", json={"status": "requeueing", "reason": "again"}
    )

    row = await farm.job(job["id"])
    assert (row.run, row.is_ended) == (2, False)
    assert await farm.ordered_runs() == [(job["id"], 2)]
    assert farm.control.changes == []


async def test_temporal_being_away_is_said_and_can_be_retried(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, fits: Fits
) -> None:
    job = await submit()
    farm.control.refusal = OrchestratorUnavailable()

    answer = await api.post(
        f"/api/v3/jobs/{job['id']}/setstatus", json={"status": "cancel-requested", "reason": "x"}
    )

    fits("Error", answer.json())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("priority", [0, 7, 100])
async def test_a_running_jobs_priority_is_its_workflows(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, priority: int
) -> None:
    job = await submit()

    answer = await api.post(f"/api/v3/jobs/{job['id']}/setpriority", json={"priority": priority})

    assert answer.status_code == 204
    assert [change.priority for _, change in farm.control.changes] == [priority]


async def test_an_ended_jobs_priority_is_only_stored(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    job = await submit()
    await farm.set_job(job["id"], status=JobStatus.CANCELED)

    answer = await api.post(f"/api/v3/jobs/{job['id']}/setpriority", json={"priority": 99})

    assert answer.status_code == 204
    assert farm.control.changes == []
    assert (await api.get(f"/api/v3/jobs/{job['id']}")).json()["priority"] == 99
    assert (await farm.told("/jobs"))[-1]["priority"] == 99


@pytest.mark.parametrize("priority", [-1, 101, "5", None, 5.5])
async def test_a_priority_outside_its_range_fails_validation(
    api: httpx.AsyncClient, submit: Submit, priority: Any
) -> None:
    job = await submit()

    answer = await api.post(f"/api/v3/jobs/{job['id']}/setpriority", json={"priority": priority})

    assert answer.status_code == 400
    assert answer.json().keys() == {"message"}


async def test_a_temporal_that_never_answers_is_not_a_job_between_two_runs(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await submit()
    monkeypatch.setattr(control, "PATIENCE_S", 0.2)
    monkeypatch.setattr(farm.control, "change", lambda *_: asyncio.Event().wait())

    answer = await api.post(
        f"/api/v3/jobs/{job['id']}/setstatus", json={"status": "cancel-requested", "reason": "x"}
    )

    assert answer.status_code == 503
    assert answer.json()["message"] == "Temporal does not answer; try again"
