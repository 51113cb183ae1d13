"""How many tasks of a job have each status: kept with each change, and told by lists and events."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import select

from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import JobRow, TaskRow
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.projection import SqlProjectionStore
from tests.manager.api_calls import Submit
from workflows.domain.messages import ProjectionWrite, TasksMoved, WriteAnswer
from workflows.domain.statuses import JobStatus, TaskStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

Make = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]
ACTIVE, COMPLETED, FAILED = TaskStatus.ACTIVE, TaskStatus.COMPLETED, TaskStatus.FAILED


async def job_of(db: Database, job_id: str) -> JobRow:
    async with db.reading() as session:
        return await jobs.existing_job(session, job_id)


async def write(db: Database, job_id: str, *moves: TasksMoved, **fields: Any) -> JobRow:
    """Store a write; check that what is counted is what the tasks say."""
    sequence = (await job_of(db, job_id)).sequence + 1
    asked = ProjectionWrite(job_id, 1, sequence, tasks=moves, **fields)
    assert await SqlProjectionStore(db).store(asked) is WriteAnswer.STORED
    async with db.reading() as session:
        found = Counter(str(row.status) for row in await tasks.tasks_of_job(session, job_id))
    row = await job_of(db, job_id)
    assert row.task_counts == found
    return row


async def test_a_new_job_has_its_tasks_queued(db: Database, insert: Make) -> None:
    job_id = await insert(3)

    assert (await job_of(db, job_id)).task_counts == {"queued": 3}


async def test_each_move_is_counted(db: Database, insert: Make) -> None:
    job_id = await insert(4)

    await write(db, job_id, TasksMoved("1-2", ACTIVE, ""))
    await write(db, job_id, TasksMoved("1", COMPLETED, ""), TasksMoved("3", ACTIVE, ""))
    row = await write(db, job_id, TasksMoved("2", FAILED, ""), TasksMoved("2", FAILED, "again"))

    assert row.task_counts == {"queued": 1, "active": 1, "completed": 1, "failed": 1}


async def test_moves_in_bulk_are_counted(db: Database, insert: Make) -> None:
    job_id = await insert(6)
    await write(db, job_id, TasksMoved("1-3", ACTIVE, ""))

    row = await write(
        db,
        job_id,
        TasksMoved("1", COMPLETED, ""),
        TasksMoved("2-6", TaskStatus.CANCELED, "", in_bulk=True),
    )

    assert row.task_counts == {"completed": 1, "canceled": 5}


async def test_an_event_tells_that_a_task_has_begun(db: Database, insert: Make, told: Told) -> None:
    job_id = await insert(2)

    await write(db, job_id, TasksMoved("1", ACTIVE, ""))

    assert [payload["task_counts"] for topic, payload in await told() if topic == "/jobs"] == [
        {"queued": 2},
        {"queued": 1, "active": 1},
    ]


async def test_a_write_that_moves_no_task_tells_nothing(
    db: Database, insert: Make, told: Told
) -> None:
    job_id = await insert(2)
    await told()

    await write(db, job_id)

    assert await told() == []


async def let_pass(db: Database, job_id: str, seconds: float) -> None:
    """Let all active tasks have begun so many seconds ago."""
    async with db.writing() as session:
        query = select(TaskRow).where(TaskRow.job_id == job_id, TaskRow.status == ACTIVE)
        for row in await session.scalars(query):
            row.started_at = utc_now() - timedelta(seconds=seconds)


async def test_the_time_of_a_frame_is_of_completed_tasks(db: Database, insert: Make) -> None:
    job_id = await insert(3)
    row = await write(db, job_id, TasksMoved("1-3", ACTIVE, ""))
    assert row.render_steps == 0
    await let_pass(db, job_id, 60)

    row = await write(db, job_id, TasksMoved("1", FAILED, ""), TasksMoved("2", COMPLETED, ""))

    assert row.render_steps > 0
    assert row.render_ms == pytest.approx(60_000, abs=30_000)


async def test_a_job_that_begins_from_the_start_has_no_times(db: Database, insert: Make) -> None:
    job_id = await insert(2)
    await write(db, job_id, TasksMoved("1-2", ACTIVE, ""))
    await let_pass(db, job_id, 60)
    await write(db, job_id, TasksMoved("1-2", COMPLETED, ""))

    row = await write(db, job_id, TasksMoved("1-2", TaskStatus.QUEUED, "", in_bulk=True))

    assert (row.render_ms, row.render_steps) == (0, 0)


# --- over HTTP ------------------------------------------------------------------------------------


async def test_our_list_has_the_counts_and_flamencos_has_not(
    api: httpx.AsyncClient, submit: Submit
) -> None:
    job = await submit()

    ours = (await api.get("/api/tablao/v1/jobs")).json()["jobs"]
    one = (await api.get(f"/api/tablao/v1/jobs/{job['id']}")).json()
    flamencos = (await api.get("/api/v3/jobs")).json()["jobs"]

    assert ours == [one]
    assert one.pop("task_counts").keys() == {"queued"}
    assert flamencos == [one]


async def test_a_job_that_is_none_is_not_found(api: httpx.AsyncClient, unknown_id: str) -> None:
    answer = await api.get(f"/api/tablao/v1/jobs/{unknown_id}")

    assert answer.status_code == 404


async def project_of(api: httpx.AsyncClient, job_id: str) -> str | None:
    found = (await api.get(f"/api/tablao/v1/jobs/{job_id}")).json()["metadata"].get("project")
    return None if found is None else str(found)


async def history_of(api: httpx.AsyncClient, job_id: str) -> list[str]:
    found = (await api.get(f"/api/tablao/v1/jobs/{job_id}/history")).json()
    return [entry["text"] for entry in found["happenings"]]


async def test_a_job_gets_another_project(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    job = await submit(metadata={"project": "Pilot", "user.name": "ana"})
    address = f"/api/tablao/v1/jobs/{job['id']}/project"
    await farm.set_job(job["id"], status=JobStatus.ACTIVE)

    given = await api.put(address, json={"project": "  Feature \n film "})
    named = await project_of(api, job["id"])
    again = await api.put(address, json={"project": "Feature film"})
    taken = await api.put(address, json={"project": ""})

    assert {given.status_code, again.status_code, taken.status_code} == {204}
    assert (named, await project_of(api, job["id"])) == ("Feature film", None)
    texts = await history_of(api, job["id"])
    assert texts[:2] == ["Project removed", 'Project changed to "Feature film"']
    told = await farm.told("/jobs")
    assert [event["project"] for event in told if "project" in event] == ["Feature film", ""]


async def test_a_project_has_a_limit(api: httpx.AsyncClient, submit: Submit) -> None:
    job = await submit()

    answer = await api.put(f"/api/tablao/v1/jobs/{job['id']}/project", json={"project": "x" * 256})

    assert answer.status_code == 400


async def test_a_job_that_is_being_deleted_keeps_its_project(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    job = await submit()
    await farm.set_job(job["id"], delete_requested_at=utc_now())

    answer = await api.put(f"/api/tablao/v1/jobs/{job['id']}/project", json={"project": "late"})

    assert answer.status_code == 422


async def test_the_history_says_which_tag_a_job_got(api: httpx.AsyncClient, submit: Submit) -> None:
    job = await submit()
    tag = (await api.post("/api/v3/worker-mgt/tags", json={"name": "gpu"})).json()

    await api.post(f"/api/v3/jobs/{job['id']}/settag", json={"id": tag["id"]})
    await api.post(f"/api/v3/jobs/{job['id']}/settag", json={})

    texts = await history_of(api, job["id"])
    assert texts[:2] == ["Worker tag removed", 'Worker tag changed to "gpu"']
