"""Which task renders which frames: one answer for the contact sheet and the chart of times."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.database.engine import utc_now
from manager_api.jobs import frame_tasks
from tests.manager.api_calls import Register, Submit, TasksOf
from workflows.domain.statuses import TaskStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


def renders(*arguments: object, name: str = "blender-render") -> list[dict[str, Any]]:
    return [{"name": name, "parameters": {"args": list(arguments)}, "total_step_count": 1}]


async def answered(api: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    answer = await api.get(f"/api/tablao/v1/jobs/{job_id}/frame-tasks")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_each_task_names_its_frames_its_time_and_its_worker(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf, register: Register
) -> None:
    job, carmen = await submit(), await register("carmen")
    first, second, third = await tasks_of(job["id"])
    now = utc_now()
    await farm.set_task(
        first["id"],
        commands=renders("--render-frame", "1..3,7"),
        status=TaskStatus.COMPLETED,
        started_at=now - timedelta(seconds=8),
        ended_at=now,
        worker_id=carmen.id,
    )
    await farm.set_task(second["id"], commands=renders("-f", "8"), status=TaskStatus.ACTIVE)
    await farm.set_task(third["id"], commands=renders("-f", "9", name="create-video"))

    found = await answered(api, job["id"])

    told = [
        (each["index_in_job"], each["frames"], each["seconds"], each["status"])
        for each in found["tasks"]
    ]
    assert told == [(1, [1, 2, 3, 7], 8.0, "completed"), (2, [8], None, "active")]
    assert [(each["worker"] or {}).get("name") for each in found["tasks"]] == ["carmen", None]
    assert found["is_complete"]


@pytest.mark.parametrize(
    "commands",
    [
        [],
        renders("-f", "+1"),
        renders("-a"),
        renders("--", "-f", "1"),
        renders("-f", "1..99999999999"),
        renders(None, {"f": 1}),
        [{"name": "blender-render", "parameters": {"args": "-f 1"}, "total_step_count": 1}],
        [{"name": "blender-render", "parameters": {}, "total_step_count": 1}],
    ],
)
async def test_a_task_that_names_no_frames_is_left_out(
    api: httpx.AsyncClient,
    farm: "Farm",
    submit: Submit,
    tasks_of: TasksOf,
    commands: list[dict[str, Any]],
) -> None:
    job = await submit()
    for task in await tasks_of(job["id"]):
        await farm.set_task(task["id"], commands=commands)

    assert await answered(api, job["id"]) == {"tasks": [], "is_complete": True}


@pytest.mark.parametrize(("frames", "is_complete"), [("1..4", True), ("1..5", False)])
async def test_too_many_frames_are_left_out_and_that_is_said(
    api: httpx.AsyncClient,
    farm: "Farm",
    submit: Submit,
    tasks_of: TasksOf,
    monkeypatch: pytest.MonkeyPatch,
    frames: str,
    is_complete: bool,
) -> None:
    monkeypatch.setattr(frame_tasks, "MAX_FRAMES", 6)
    job = await submit()
    first, second, third = await tasks_of(job["id"])
    await farm.set_task(first["id"], commands=renders("-f", "9,10"))
    await farm.set_task(second["id"], commands=renders("-f", frames))
    await farm.set_task(third["id"], commands=renders("-f", "") if is_complete else [])

    found = await answered(api, job["id"])

    assert [each["frames"] for each in found["tasks"]] == [[9, 10], [1, 2, 3, 4]]
    assert found["is_complete"] is is_complete


async def test_there_is_no_answer_for_no_job(api: httpx.AsyncClient) -> None:
    missing = "11111111-2222-4333-8444-555555555555"

    assert (await api.get(f"/api/tablao/v1/jobs/{missing}/frame-tasks")).status_code == 404
