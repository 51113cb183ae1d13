"""Archiving a job: what stays, what goes, and what is refused; a job as a document."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.end_of_life.archiver import JobArchiver
from manager_api.end_of_life.job_files import JobTraces
from manager_api.jobs import task_store as tasks
from manager_api.keeper.store import SqlKeeperStore
from tests.manager.api_calls import Fits, Submit, TasksOf
from workflows.domain.messages import JobAction
from workflows.domain.statuses import JobStatus, TaskStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

EndedJob = Callable[..., Awaitable[str]]
Archiver = Callable[..., JobArchiver]
OURS = "/api/tablao/v1"


@pytest.fixture
def archiver(farm: "Farm") -> Archiver:
    """A keeper's archiver, as if its process had just begun."""
    parts = farm.parts
    traces = JobTraces(parts.logs, parts.last_rendered, lambda: parts.settings)

    def archiver(**others: Any) -> JobArchiver:
        whole = {"erase_logs": traces.erase_logs, "tick_s": 1, "cancel_again_s": 0}
        whole |= {"tasks_at_once": 2} | others
        return JobArchiver(parts.database, parts.control, **whole)  # type: ignore[arg-type] # by name

    return archiver


@pytest.fixture
async def epoch(farm: "Farm") -> int:
    return await SqlKeeperStore(farm.parts.database).next_epoch()


@pytest.fixture
def ended_job(farm: "Farm", submit: Submit, tasks_of: TasksOf) -> EndedJob:
    """A completed job with a log and a last image; returns its id."""

    async def ended_job(**fields: Any) -> str:
        job_id: str = (await submit(**fields))["id"]
        for task in await tasks_of(job_id):
            await farm.parts.logs.write_chunk(job_id, task["id"], 1, 0, b"Fra:1\n")
            await farm.set_task(task["id"], status=TaskStatus.COMPLETED, attempt=2)
        folder = farm.parts.logs.job_directory(job_id)
        (folder / "last-rendered.jpg").write_bytes(b"pixels")
        await farm.set_job(job_id, status=JobStatus.COMPLETED)
        return job_id

    return ended_job


async def archive(api: httpx.AsyncClient, job_id: str) -> httpx.Response:
    return await api.post(f"{OURS}/jobs/{job_id}/archive")


async def test_definition_statistics_and_last_image_stay_and_tasks_and_logs_go(
    api: httpx.AsyncClient, farm: "Farm", ended_job: EndedJob, archiver: Archiver, epoch: int
) -> None:
    job_id = await ended_job()

    answer = await archive(api, job_id)
    await archiver().work_off(epoch)

    assert (answer.status_code, answer.content) == (204, b"")
    [job] = (await api.get(f"{OURS}/archived-jobs")).json()["jobs"]
    assert (job["id"], job["name"], job["status"]) == (job_id, "bulería", "completed")
    assert job["settings"]["message"] == "olé"
    assert job["statistics"]["tasks"] == {"completed": 3}
    assert job["statistics"]["tries"] == 6
    assert job == (await api.get(f"{OURS}/archived-jobs/{job_id}")).json()
    folder = farm.parts.logs.job_directory(job_id)
    assert [file.name for file in folder.iterdir()] == ["last-rendered.jpg"]
    async with farm.parts.database.reading() as session:
        assert await tasks.count_of_job(session, job_id) == 0


async def test_archived_jobs_are_apart_from_the_others(
    api: httpx.AsyncClient, farm: "Farm", ended_job: EndedJob, submit: Submit, fits: Fits
) -> None:
    archived, other = await ended_job(), (await submit())["id"]

    await archive(api, archived)

    listed = (await api.get("/api/v3/jobs")).json()["jobs"]
    assert [job["id"] for job in listed] == [other]
    assert (await api.get(f"/api/v3/jobs/{archived}")).status_code == 200
    assert (await api.get(f"{OURS}/archived-jobs/{other}")).status_code == 404
    [event] = [told for told in await farm.told("/jobs") if "archived_at" in told]
    assert event["id"] == archived
    fits("EventJobUpdate", event)


async def test_archiving_again_changes_nothing(
    api: httpx.AsyncClient, farm: "Farm", ended_job: EndedJob, archiver: Archiver, epoch: int
) -> None:
    job_id = await ended_job()
    await archive(api, job_id)
    await archiver().work_off(epoch)
    before = (await api.get(f"{OURS}/archived-jobs")).json()

    again = await archive(api, job_id)
    await archiver().work_off(epoch)

    assert again.status_code == 204
    assert (await api.get(f"{OURS}/archived-jobs")).json() == before


@pytest.mark.parametrize("status", [*JobStatus])
async def test_only_jobs_at_rest_are_archived(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, status: JobStatus
) -> None:
    job_id = (await submit())["id"]
    await farm.set_job(job_id, status=status)

    answer = await archive(api, job_id)

    is_at_rest = status in ("paused", "canceled", "completed", "failed")
    assert answer.status_code == (204 if is_at_rest else 422)
    assert bool((await farm.job(job_id)).archived_at) is is_at_rest


async def test_an_archived_job_takes_no_action_but_its_deletion(
    api: httpx.AsyncClient, ended_job: EndedJob
) -> None:
    job_id = await ended_job()
    await archive(api, job_id)

    requeued = await api.post(f"{OURS}/jobs/{job_id}/actions", json={"action": "requeue"})
    priority = await api.post(f"/api/v3/jobs/{job_id}/setpriority", json={"priority": 80})
    deleted = await api.delete(f"/api/v3/jobs/{job_id}")

    assert (requeued.status_code, priority.status_code) == (422, 422)
    assert requeued.json()["message"] == "the job is archived"
    assert deleted.status_code == 204


async def test_a_paused_job_is_canceled_before_its_tasks_go(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, archiver: Archiver, epoch: int
) -> None:
    job_id = (await submit())["id"]
    await farm.set_job(job_id, status=JobStatus.PAUSED)
    await archive(api, job_id)

    await archiver().work_off(epoch)
    asked = [change.action for _, change in farm.control.changes]
    kept = (await api.get(f"{OURS}/archived-jobs/{job_id}")).json()
    await farm.set_job(job_id, status=JobStatus.CANCELED)
    await archiver().work_off(epoch)

    assert asked == [JobAction.CANCEL]
    assert "statistics" not in kept
    assert not (await farm.job(job_id)).is_archiving


async def test_a_disk_that_refuses_puts_a_job_off_and_loses_no_statistics(
    api: httpx.AsyncClient, farm: "Farm", ended_job: EndedJob, archiver: Archiver, epoch: int
) -> None:
    job_id = await ended_job()
    await archive(api, job_id)

    async def refuse(_job_id: str) -> None:
        raise OSError("the disk is read-only")

    await archiver(erase_logs=refuse).work_off(epoch)
    is_put_off = (await farm.job(job_id)).is_archiving
    await archiver().work_off(epoch)

    assert is_put_off
    assert not (await farm.job(job_id)).is_archiving
    [job] = (await api.get(f"{OURS}/archived-jobs")).json()["jobs"]
    assert job["statistics"]["tasks"] == {"completed": 3}


async def test_mass_deletion_spares_archived_jobs(
    api: httpx.AsyncClient, farm: "Farm", ended_job: EndedJob
) -> None:
    archived, other = await ended_job(), await ended_job()
    await archive(api, archived)

    selection = {"last_updated_max": "2999-01-01T00:00:00Z"}
    await api.request("DELETE", "/api/v3/jobs/mass-delete", json=selection)

    assert (await farm.job(archived)).delete_requested_at is None
    assert (await farm.job(other)).delete_requested_at is not None


async def test_a_job_is_exported_with_its_tasks_and_once_archived_without(
    api: httpx.AsyncClient, ended_job: EndedJob, archiver: Archiver, epoch: int
) -> None:
    job_id = await ended_job()

    before = await api.get(f"{OURS}/jobs/{job_id}/export")
    await archive(api, job_id)
    await archiver().work_off(epoch)
    after = await api.get(f"{OURS}/jobs/{job_id}/export")

    assert before.headers["content-disposition"] == f'attachment; filename="job-{job_id}.json"'
    assert len(before.json()["tasks"]) == 3
    assert before.json()["tasks"][0]["commands"]
    assert "archived_at" not in before.json()
    assert after.json()["tasks"] == []
    assert after.json()["archived_at"]
    assert after.json()["statistics"] == before.json()["statistics"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "jobs/{}/archive"), ("GET", "jobs/{}/export"), ("GET", "archived-jobs/{}")],
)
async def test_unknown_and_impossible_jobs_are_refused(
    api: httpx.AsyncClient, unknown_id: str, method: str, path: str
) -> None:
    unknown = await api.request(method, f"{OURS}/{path.format(unknown_id)}")
    impossible = await api.request(method, f"{OURS}/{path.format('palmas')}")

    assert (unknown.status_code, impossible.status_code) == (404, 400)
