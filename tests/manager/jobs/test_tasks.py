"""fetchTask, setTaskStatus, fetchTaskLogTail, fetchTaskLogInfo, and the log itself."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.database import events
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.logs.task_logs import Note
from tests.manager.api_calls import Fits, Register, Submit, TasksOf, eventually
from workflows.domain.job.transitions import TASK_ACTIONS
from workflows.domain.messages import ProjectionWrite, TaskAction, TasksMoved
from workflows.domain.statuses import JobStatus, TaskStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
async def task(submit: Submit, tasks_of: TasksOf) -> dict[str, Any]:
    """The second task of a job, with its job's id."""
    job = await submit()
    task: dict[str, Any] = (await tasks_of(job["id"]))[1]
    return task | {"job_id": job["id"]}


async def test_a_task_that_nobody_had_names_no_worker(
    api: httpx.AsyncClient, task: dict[str, Any], fits: Fits
) -> None:
    answer = await api.get(f"/api/v3/tasks/{task['id']}")

    fits("Task", answer.json())
    assert answer.json()["worker"] == {"id": "", "name": "", "address": ""}
    assert answer.json()["failed_by_workers"] == []
    assert "last_touched" not in answer.json()


async def test_a_task_names_its_worker_and_those_that_failed_it(
    api: httpx.AsyncClient, farm: "Farm", task: dict[str, Any], register: Register, fits: Fits
) -> None:
    carmen, paco = await register("carmen"), await register("paco")
    await farm.set_task(task["id"], worker_id=carmen.id, failed_by=[paco.id, carmen.id])
    await farm.set_worker(paco.id, deleted_at=NOW)

    answer = await api.get(f"/api/v3/tasks/{task['id']}")

    fits("Task", answer.json())
    assert answer.json()["worker"]["name"] == "carmen"
    assert [worker["name"] for worker in answer.json()["failed_by_workers"]] == ["paco", "carmen"]


async def test_commands_are_shown_with_their_variables(
    api: httpx.AsyncClient, task: dict[str, Any], submit: Submit, tasks_of: TasksOf
) -> None:
    job = await submit(settings={"message": "{blender} is a variable"})
    [echo] = await tasks_of(job["id"])

    answer = await api.get(f"/api/v3/tasks/{echo['id']}")

    [command] = answer.json()["commands"]
    assert command["parameters"] == {"message": "{blender} is a variable"}


@pytest.mark.parametrize("status", TaskStatus)
@pytest.mark.parametrize("action", TaskAction)
async def test_a_task_of_an_ended_job_follows_the_action_table(
    api: httpx.AsyncClient,
    farm: "Farm",
    task: dict[str, Any],
    status: TaskStatus,
    action: TaskAction,
) -> None:
    await farm.set_task(task["id"], status=status)
    await farm.set_job(task["job_id"], status=JobStatus.FAILED)

    answer = await api.post(f"/api/tablao/v1/tasks/{task['id']}/actions", json={"action": action})

    pending = (await farm.job(task["job_id"])).pending_change
    if action in TASK_ACTIONS[status]:
        assert answer.status_code == 204
        assert pending is not None
        assert (pending["task"], pending["task_action"]) == (2, action)
        assert (task["job_id"], 2) in await farm.ordered_runs()
    else:
        assert (answer.status_code, pending) == (422, None)


@pytest.mark.parametrize(
    ("status", "wanted", "action"),
    [
        (TaskStatus.ACTIVE, "canceled", TaskAction.CANCEL),
        (TaskStatus.FAILED, "queued", TaskAction.REQUEUE),
        (TaskStatus.FAILED, "failed", None),
        (TaskStatus.QUEUED, "queued", None),
    ],
)
async def test_setting_a_status_asks_the_jobs_workflow(
    api: httpx.AsyncClient,
    farm: "Farm",
    task: dict[str, Any],
    status: TaskStatus,
    wanted: str,
    action: TaskAction | None,
) -> None:
    await farm.set_task(task["id"], status=status)

    answer = await api.post(
        f"/api/v3/tasks/{task['id']}/setstatus", json={"status": wanted, "reason": "a test"}
    )

    asked = [(change.task, change.task_action) for _, change in farm.control.changes]
    assert answer.status_code == 204
    assert asked == ([(2, action)] if action else [])


@pytest.mark.parametrize("wanted", ["active", "completed", "soft-failed", "paused", "failed"])
async def test_a_status_that_nobody_can_ask_for_is_refused(
    api: httpx.AsyncClient, farm: "Farm", task: dict[str, Any], wanted: str
) -> None:
    answer = await api.post(
        f"/api/v3/tasks/{task['id']}/setstatus", json={"status": wanted, "reason": "a test"}
    )

    assert (answer.status_code, farm.control.changes) == (422, [])


async def test_a_task_without_a_log_says_so(api: httpx.AsyncClient, task: dict[str, Any]) -> None:
    tail = await api.get(f"/api/v3/tasks/{task['id']}/logtail")
    info = await api.get(f"/api/v3/tasks/{task['id']}/log")

    assert (tail.status_code, tail.content) == (204, b"")
    assert (info.status_code, info.content) == (204, b"")


async def test_a_log_is_found_by_its_info(
    api: httpx.AsyncClient, farm: "Farm", task: dict[str, Any], fits: Fits
) -> None:
    logs, ids = farm.parts.logs, (task["job_id"], task["id"], 1)
    await logs.assigned(*ids, "carmen", "some-id", NOW)
    await logs.write_chunk(*ids, 0, b"Fra:1 ol\xc3\xa9")
    await logs.note(Note(*ids, "task changed status active -> completed", NOW, after=True))

    info = await api.get(f"/api/v3/tasks/{task['id']}/log")
    log = await api.get(info.json()["url"])

    fits("TaskLogInfo", info.json())
    assert info.json()["url"].startswith(f"/job-files/job-{task['job_id'][:4]}/{task['job_id']}/")
    assert info.json()["size"] == len(log.content) == int(log.headers["content-length"])
    assert log.headers["content-type"] == "text/plain; charset=utf-8"
    first, second, third = log.text.splitlines()
    assert first.endswith("Task assigned to worker carmen (some-id)")
    assert second == "Fra:1 olé"
    assert third.endswith("task changed status active -> completed")


async def test_each_try_has_a_log_of_its_own(
    api: httpx.AsyncClient, farm: "Farm", task: dict[str, Any], register: Register
) -> None:
    carmen, paco = await register("carmen"), await register("paco")
    logs, ids = farm.parts.logs, (task["job_id"], task["id"])
    for attempt, worker_id in [(1, carmen.id), (2, paco.id)]:
        await logs.assigned(*ids, attempt, "a worker", worker_id, NOW)
        await logs.write_chunk(*ids, attempt, 0, f"Fra:1 of try {attempt}".encode())
    address = f"/api/tablao/v1/tasks/{task['id']}/log"

    tries = (await api.get(address)).json()["tries"]
    texts = [(await api.get(f"{address}/{each['attempt']}")).text for each in tries]

    assert [(each["attempt"], each["worker"]["name"]) for each in tries] == [
        (2, "paco"),
        (1, "carmen"),
    ]
    assert [text.splitlines()[-1] for text in texts] == ["Fra:1 of try 2", "Fra:1 of try 1"]
    assert [len(text.encode()) for text in texts] == [each["size"] for each in tries]
    whole = (await api.get(f"/api/v3/tasks/{task['id']}/log")).json()["size"]
    # The whole log has a line break between the tries.
    assert whole == sum(each["size"] for each in tries) + 1


async def test_tries_without_a_log_are_not_listed(
    api: httpx.AsyncClient, farm: "Farm", task: dict[str, Any]
) -> None:
    await farm.set_task(task["id"], attempt=7)
    await farm.parts.logs.write_chunk(task["job_id"], task["id"], 6, 0, b"no worker is named here")
    address = f"/api/tablao/v1/tasks/{task['id']}/log"

    tries = (await api.get(address)).json()["tries"]

    assert [(each["attempt"], each.get("worker")) for each in tries] == [(6, None)]
    missing = await api.get(f"{address}/7")
    assert (missing.status_code, missing.content) == (204, b"")
    for wrong in ("-1", "one", "9999999999999999999999"):
        assert (await api.get(f"{address}/{wrong}")).status_code == 400


async def test_the_log_tells_what_became_of_the_task(
    api: httpx.AsyncClient, farm: "Farm", task: dict[str, Any]
) -> None:
    await farm.set_task(task["id"], attempt=1)
    event = {
        "id": task["id"],
        "job_id": task["job_id"],
        "updated": "2026-05-01T12:00:00Z",
        "activity": "the heel broke",
    }
    async with farm.parts.database.writing() as session:
        for previous, status in (("queued", "active"), ("active", "soft-failed")):
            change = {"previous_status": previous, "status": status}
            events.append(session, f"/jobs/{task['job_id']}", event | change, aside={"attempt": 1})
    await farm.parts.logs.write_chunk(task["job_id"], task["id"], 1, 0, b"Fra:1\n")

    async def is_told() -> bool:
        tail = await api.get(f"/api/v3/tasks/{task['id']}/logtail")
        return tail.text.endswith("the heel broke\n")

    await eventually(is_told)
    tail = (await api.get(f"/api/v3/tasks/{task['id']}/logtail")).text
    assert [line.split(" ", 1)[1] if line[0].isdigit() else line for line in tail.splitlines()] == [
        "task changed status queued -> active",
        "Fra:1",
        "task changed status active -> soft-failed",
        "the heel broke",
    ]


async def test_the_end_of_a_try_stands_before_the_next_try(
    api: httpx.AsyncClient, farm: "Farm", task: dict[str, Any]
) -> None:
    """The try broke off, and the database knows of the next one before the note is written."""
    moved = [
        TasksMoved("2", TaskStatus.ACTIVE, "Started", attempt=1),
        TasksMoved("2", TaskStatus.QUEUED, "its worker has restarted", attempt=1),
        TasksMoved("2", TaskStatus.ACTIVE, "Started", attempt=2),
    ]
    for attempt in (1, 2):
        await farm.parts.logs.append(task["job_id"], task["id"], attempt, f"try {attempt}")

    write = ProjectionWrite(task["job_id"], 1, 1, tasks=tuple(moved))
    await SqlProjectionStore(farm.parts.database).store(write)

    async def tail() -> list[str]:
        lines = (await api.get(f"/api/v3/tasks/{task['id']}/logtail")).text.splitlines()
        return [line.rpartition("status ")[2] for line in lines]

    async def has_all_lines() -> bool:
        return len(await tail()) == 5

    await eventually(has_all_lines)
    assert await tail() == [
        "queued -> active",
        "try 1",
        "active -> queued",
        "queued -> active",
        "try 2",
    ]


async def test_a_log_that_cannot_be_written_ends_nobody_elses(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    jobs = [(await submit())["id"] for _ in range(2)]
    tasks = [(await tasks_of(job_id))[0]["id"] for job_id in jobs]
    blocked = farm.parts.logs.job_directory(jobs[0])
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.touch()  # where a folder must be: a disk that takes nothing
    event = {"updated": "2026-05-01T12:00:00Z", "activity": "", "status": "completed"}

    async with farm.parts.database.writing() as session:
        for job_id, task_id in zip(jobs, tasks, strict=True):
            which = {"id": task_id, "job_id": job_id, "previous_status": "active"}
            events.append(session, f"/jobs/{job_id}", event | which, aside={"attempt": 0})

    async def is_told() -> bool:
        tail = await api.get(f"/api/v3/tasks/{tasks[1]}/logtail")
        return "active -> completed" in tail.text

    await eventually(is_told)


async def test_a_tail_begins_with_a_full_line(
    api: httpx.AsyncClient, farm: "Farm", task: dict[str, Any]
) -> None:
    lines = b"".join(b"line %04d of the log\n" % number for number in range(1000))
    await farm.parts.logs.write_chunk(task["job_id"], task["id"], 1, 0, lines)

    tail = await api.get(f"/api/v3/tasks/{task['id']}/logtail")

    assert tail.headers["content-type"].startswith("text/plain")
    assert len(tail.content) <= 2048
    assert tail.text.startswith("line 09")
    assert tail.text.endswith("line 0999 of the log\n")


@pytest.mark.parametrize(
    "path",
    [
        "/job-files/job-{bucket}/{job}/../../../tablao.sqlite",
        "/job-files/job-{bucket}/{job}/..%2f..%2f..%2ftablao.sqlite",
        "/job-files/job-{bucket}/..%2f/tablao.sqlite",
        "/job-files/job-{bucket}/{job}/task-{task}.000001-1.txt",
        "/job-files/job-0000/{job}/task-{task}.txt",
        "/job-files/job-{bucket}/{job}/",
        "/job-files/job-{bucket}/{job}/last-rendered.tmp",
        "/job-files/job-{bucket}/{job}/task-..%2f..%2f..%2f..%2fetc%2fpasswd.txt",
        "/job-files/job-{bucket}/{job}/%00",
    ],
)
async def test_no_other_file_is_served(
    api: httpx.AsyncClient, farm: "Farm", task: dict[str, Any], path: str
) -> None:
    await farm.parts.logs.write_chunk(task["job_id"], task["id"], 1, 0, "olé".encode())

    answer = await api.get(
        path.format(bucket=task["job_id"][:4], job=task["job_id"], task=task["id"])
    )

    assert answer.status_code == 404


async def test_a_log_is_not_served_under_another_job(
    api: httpx.AsyncClient, farm: "Farm", task: dict[str, Any], unknown_id: str
) -> None:
    await farm.parts.logs.write_chunk(task["job_id"], task["id"], 1, 0, "olé".encode())

    answer = await api.get(f"/job-files/job-{unknown_id[:4]}/{unknown_id}/task-{task['id']}.txt")

    assert answer.status_code == 404
