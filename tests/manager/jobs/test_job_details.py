"""A job's times and history, a task's tries, and requeueing with changes."""

import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.contract.machine import RunProgress
from manager_api.database.engine import utc_now
from manager_api.jobs import details
from manager_api.jobs.details import JobDetailService
from manager_api.jobs.history import note_task
from manager_api.jobs.task_store import existing_task
from manager_api.workers.farm_workers import NoHosts
from tests.manager.api_calls import Register, Submit, TasksOf
from workflows.domain.reasons import Group, grouped
from workflows.domain.statuses import JobStatus, TaskStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

V1 = "/api/tablao/v1"
NAPS = {"message": "olé", "sleep_duration_seconds": 1, "sleep_repeats": 3}


async def settled(farm: "Farm", job: dict[str, Any], status: JobStatus) -> None:
    await farm.set_job(job["id"], status=status, is_ended=True)


async def complete(farm: "Farm", task: dict[str, Any], seconds: float, **fields: Any) -> None:
    now = utc_now()
    await farm.set_task(
        task["id"],
        status=TaskStatus.COMPLETED,
        started_at=now - timedelta(seconds=seconds),
        ended_at=now,
        **fields,
    )


async def test_times_are_those_of_completed_tasks(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf, register: Register
) -> None:
    job, carmen = await submit(), await register()
    first, second, _ = await tasks_of(job["id"])
    await complete(farm, first, 3, worker_id=carmen.id)
    await complete(farm, second, 5, worker_id=carmen.id)

    answer = await api.get(f"{V1}/jobs/{job['id']}/statistics")

    times = answer.json()
    assert [(t["index_in_job"], t["seconds"]) for t in times["tasks"]] == [(1, 3.0), (2, 5.0)]
    (share,) = times["workers"]
    assert (share["name"], share["tasks"], share["seconds"]) == ("carmen", 2, 8.0)


async def test_memory_is_that_of_tasks_whose_worker_told_it(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    job = await submit()
    first, second, _ = await tasks_of(job["id"])
    await complete(farm, first, 3, memory_peak=5_000_000_000)
    await complete(farm, second, 5)

    times = (await api.get(f"{V1}/jobs/{job['id']}/statistics")).json()
    tries = (await api.get(f"{V1}/tasks/{first['id']}/tries")).json()
    export = (await api.get(f"{V1}/jobs/{job['id']}/export")).json()

    assert [task.get("memory_peak") for task in times["tasks"]] == [5_000_000_000, None]
    assert tries["memory_peak"] == 5_000_000_000
    assert export["statistics"]["memory_peak"] == 5_000_000_000


async def test_the_fastest_worker_comes_first(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf, register: Register
) -> None:
    job, slow, fast = await submit(), await register("slow"), await register("fast")
    first, second, _ = await tasks_of(job["id"])
    await complete(farm, first, 30, worker_id=slow.id)
    await complete(farm, second, 2, worker_id=fast.id)

    answer = await api.get(f"{V1}/jobs/{job['id']}/statistics")

    assert [share["name"] for share in answer.json()["workers"]] == ["fast", "slow"]


async def test_history_begins_with_the_submission(api: httpx.AsyncClient, submit: Submit) -> None:
    job = await submit()

    answer = await api.get(f"{V1}/jobs/{job['id']}/history")

    (happening,) = answer.json()["happenings"]
    assert (happening["status"], happening["text"]) == ("queued", "Submitted")
    assert answer.json()["is_complete"]


async def test_tries_name_what_a_task_waits_for(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    job = await submit()
    task = (await tasks_of(job["id"]))[1]
    await farm.set_task(task["id"], attempt=4, failures=2, depends_on="1")

    answer = await api.get(f"{V1}/tasks/{task['id']}/tries")

    assert answer.json() == {
        "attempt": 4,
        "failures": 2,
        "started_at": None,
        "ended_at": None,
        "memory_peak": None,
        "warnings": [],
        "silent_since": None,
        "depends_on": [1],
        "waiting": 'It waits for the task "echo".',
    }


class TalkativeHosts(NoHosts):
    def progress_of_job(self, job_id: str) -> Mapping[int, RunProgress]:
        rendering = RunProgress(frame=-3, frames_done=1, sample=7, samples=64, memory_peak=5)
        return {3: rendering, 2: RunProgress(), 1: rendering}


async def test_progress_is_that_of_tasks_at_work(
    farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    job = await submit()
    _, second, third = await tasks_of(job["id"])
    for task in (second, third):
        await farm.set_task(task["id"], status=TaskStatus.ACTIVE)

    details = JobDetailService(farm.parts.database)
    told = (await details.progress(job["id"], TalkativeHosts())).model_dump(exclude_none=True)

    known = {"frame": -3, "frames_done": 1, "sample": 7, "samples": 64}
    assert told == {"tasks": [{"index_in_job": 2}, {"index_in_job": 3, **known}], "stuck": []}


async def test_stuck_are_the_tasks_at_work_that_are_silent(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    job, since = await submit(), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    first, second, third = await tasks_of(job["id"])
    await farm.set_task(first["id"], status=TaskStatus.ACTIVE)
    await farm.set_task(second["id"], status=TaskStatus.ACTIVE, silent_since=since)
    await farm.set_task(third["id"], status=TaskStatus.FAILED, silent_since=since)

    progress = (await api.get(f"{V1}/jobs/{job['id']}/progress")).json()
    tries = (await api.get(f"{V1}/tasks/{second['id']}/tries")).json()
    alone = (await api.get(f"/api/v3/jobs/{job['id']}")).json()
    listed = (await api.get("/api/v3/jobs")).json()["jobs"]

    assert alone["tasks_stuck"] == listed[0]["tasks_stuck"] == 1
    assert progress["stuck"] == [{"index_in_job": 2, "silent_since": "2026-01-02T03:04:05Z"}]
    assert tries["silent_since"] == "2026-01-02T03:04:05Z"


async def test_a_job_without_stuck_tasks_looks_as_in_flamenco(
    api: httpx.AsyncClient, submit: Submit
) -> None:
    job = await submit()

    assert "tasks_stuck" not in (await api.get(f"/api/v3/jobs/{job['id']}")).json()
    assert "tasks_stuck" not in (await api.get("/api/v3/jobs")).json()["jobs"][0]


async def test_without_hosts_there_is_no_progress(api: httpx.AsyncClient, submit: Submit) -> None:
    answer = await api.get(f"{V1}/jobs/{(await submit())['id']}/progress")

    assert answer.json() == {"tasks": [], "stuck": []}


@pytest.mark.parametrize(
    "address", ["jobs/{}/statistics", "jobs/{}/history", "jobs/{}/progress", "tasks/{}/tries"]
)
async def test_of_what_is_unknown_nothing_is_told(
    api: httpx.AsyncClient, unknown_id: str, address: str
) -> None:
    answer = await api.get(f"{V1}/{address.format(unknown_id)}")

    assert answer.status_code == 404


async def test_changed_settings_replace_what_is_unfinished(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    job = await submit()
    echo, nap, _ = await tasks_of(job["id"])
    await complete(farm, echo, 3, attempt=1)
    await farm.set_task(nap["id"], status=TaskStatus.FAILED, attempt=3, failures=3)
    await settled(farm, job, JobStatus.FAILED)

    answer = await api.post(f"{V1}/jobs/{job['id']}/recompile", json={"settings": NAPS})

    assert answer.json() == {"tasks": 4, "kept": 1}
    tasks = await tasks_of(job["id"])
    assert [task["status"] for task in tasks] == ["completed", "queued", "queued", "queued"]
    assert tasks[1]["id"] == nap["id"]
    tries = (await api.get(f"{V1}/tasks/{nap['id']}/tries")).json()
    assert (tries["attempt"], tries["failures"]) == (3, 0)
    row = await farm.job(job["id"])
    assert (row.status, row.settings, row.is_ended) == (JobStatus.QUEUED, NAPS, False)
    assert (row.steps_completed, row.steps_total) == (1, 4)
    assert await farm.ordered_runs() == [(job["id"], 2)]


async def test_a_task_that_becomes_another_is_not_kept(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    job = await submit()
    for task in await tasks_of(job["id"]):
        await complete(farm, task, 1)
    await settled(farm, job, JobStatus.COMPLETED)
    changed = job["settings"] | {"message": "another"}

    answer = await api.post(f"{V1}/jobs/{job['id']}/recompile", json={"settings": changed})

    assert answer.json() == {"tasks": 3, "kept": 2}
    assert [t["status"] for t in await tasks_of(job["id"])] == ["queued", "completed", "completed"]


async def test_a_paused_job_stays_paused(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    job = await submit()
    await settled(farm, job, JobStatus.PAUSED)
    ordered = await farm.ordered_runs()

    answer = await api.post(f"{V1}/jobs/{job['id']}/recompile", json={"settings": NAPS})

    assert answer.json() == {"tasks": 4, "kept": 0}
    assert {task["status"] for task in await tasks_of(job["id"])} == {"paused"}
    assert (await farm.job(job["id"])).status is JobStatus.PAUSED
    assert await farm.ordered_runs() == ordered


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.ACTIVE, JobStatus.PAUSE_REQUESTED])
async def test_a_job_at_work_is_not_compiled_anew(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, status: JobStatus
) -> None:
    job = await submit()
    await farm.set_job(job["id"], status=status)

    answer = await api.post(f"{V1}/jobs/{job['id']}/recompile", json={"settings": NAPS})

    assert answer.status_code == 422


async def test_settings_that_do_not_fit_change_nothing(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    job = await submit()
    await settled(farm, job, JobStatus.FAILED)
    before = await tasks_of(job["id"])

    bad = {"settings": NAPS | {"sleep_repeats": "often"}}
    answer = await api.post(f"{V1}/jobs/{job['id']}/recompile", json=bad)

    assert answer.status_code == 400
    assert "sleep_repeats" in answer.json()["message"]
    assert await tasks_of(job["id"]) == before


async def note_failure(farm: "Farm", task_id: str) -> None:
    async with farm.parts.database.writing() as session:
        note_task(session, await existing_task(session, task_id), utc_now())


async def test_like_reasons_of_tasks_are_one(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    job = await submit()
    first, second, third = await tasks_of(job["id"])
    for number, task in enumerate((second, third)):
        for text in ("Failed: at first", f"Failed: cannot save '/out/f000{number}.png'"):
            await farm.set_task(task["id"], status=TaskStatus.FAILED, activity=text, failures=2)
            await note_failure(farm, task["id"])
    await farm.set_task(third["id"], status=TaskStatus.CANCELED, activity="Task was canceled")
    fault = 'Task was queued by Manager because of a fault of worker "carmen": A disk is full.'
    await farm.set_task(first["id"], activity=fault)

    answer = await api.get(f"{V1}/jobs/{job['id']}/reasons")

    assert answer.json()["reasons"] == [
        {
            "text": "cannot save '/out/f0000.png'",
            "tasks": 2,
            "task_ids": [second["id"], third["id"]],
        },
        {"text": "A disk is full.", "tasks": 1, "task_ids": [first["id"]]},
    ]


async def test_a_job_without_failures_has_no_reasons(
    api: httpx.AsyncClient, submit: Submit
) -> None:
    job = await submit()

    assert (await api.get(f"{V1}/jobs/{job['id']}/reasons")).json() == {
        "waiting": [],
        "reasons": [],
        "warnings": [],
    }
    assert (await api.get(f"{V1}/jobs/{'0' * 8}-0000-4000-8000-{'0' * 12}/reasons")).is_error


async def test_warnings_are_counted_on_the_task_and_grouped_on_the_job(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    job = await submit()
    first, second, _ = await tasks_of(job["id"])
    await farm.set_task(first["id"], warnings=[['a library is missing: "/a/b.blend"', 2]])
    await farm.set_task(second["id"], warnings=[['a library is missing: "/c.blend"', 1]])

    of_job = (await api.get(f"{V1}/jobs/{job['id']}/reasons")).json()["warnings"]
    of_task = (await api.get(f"{V1}/tasks/{second['id']}/tries")).json()["warnings"]

    assert [(each["text"], each["tasks"], each["count"]) for each in of_job] == [
        ('a library is missing: "/a/b.blend"', 2, 3)
    ]
    assert of_task == [{"text": 'a library is missing: "/c.blend"', "count": 1}]


async def test_reasons_of_many_tasks_are_grouped_beside_other_requests(
    api: httpx.AsyncClient, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def noted(texts: Iterable[tuple[int, str, int]]) -> list[Group]:
        threads.append(threading.current_thread())
        return grouped(texts)

    monkeypatch.setattr(details, "grouped", noted)
    job = await submit()

    answer = await api.get(f"{V1}/jobs/{job['id']}/reasons")

    assert answer.status_code == 200
    assert len(threads) == 2
    assert threading.main_thread() not in threads


async def test_possible_actions_come_with_the_number_of_tasks_that_run_again(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    job = await submit()
    statuses = (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELED)
    for task, status in zip(await tasks_of(job["id"]), statuses, strict=True):
        await farm.set_task(task["id"], status=status)
    await settled(farm, job, JobStatus.FAILED)

    answer = await api.get(f"{V1}/jobs/{job['id']}/actions")

    assert answer.json()["may_change"] is True
    possible = {each["action"]: each["tasks"] for each in answer.json()["actions"]}
    assert possible["requeue"] == {"failed": 1, "canceled": 1}
    assert list(possible) == ["cancel", "requeue", "requeue-failed", "archive", "delete"]


async def test_a_job_that_is_being_deleted_takes_no_action(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    job = await submit()
    await farm.set_job(job["id"], delete_requested_at=utc_now())

    answer = await api.get(f"{V1}/jobs/{job['id']}/actions")

    assert answer.json()["actions"] == []
