"""A host fetches what it may run."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update

from manager_api.database.engine import utc_now
from manager_api.database.tables import LeaseRow, LeaseState, TaskRow
from manager_api.hosts.runs import RunService
from manager_api.workers import store as workers
from tests.manager.api_calls import Register, Submit, TasksOf
from workflows.domain.messages import RunKey
from workflows.domain.run_times import FarmTimes
from workflows.domain.written_frames import WrittenFrame

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

Lend = Callable[..., Awaitable[str]]


@pytest.fixture
def lend(farm: "Farm") -> Lend:
    """Writes a lease; returns its id."""

    async def lend(worker_id: str, job_id: str, **values: Any) -> str:
        lease = {
            "id": str(uuid4()),
            "worker_id": worker_id,
            "session": 1,
            "slot": 0,
            "generation": 1,
            "job_id": job_id,
            "run": 1,
            "state": LeaseState.OFFERED,
            "epoch": 1,
            "changed": utc_now(),
        }
        async with farm.parts.database.writing() as session:
            session.add(LeaseRow(**lease | values))
        return str((lease | values)["id"])

    return lend


def url(job: dict[str, Any], lease: str, index: int = 1, run: int = 1, attempt: int = 1) -> str:
    return f"/api/tablao/v1/runs/{job['id']}/{index}/{run}/{attempt}?lease={lease}"


@pytest.mark.parametrize("state", [LeaseState.OFFERED, LeaseState.HELD])
async def test_the_holder_of_a_lease_gets_the_commands_for_its_platform(
    api: httpx.AsyncClient,
    farm: "Farm",
    register: Register,
    submit: Submit,
    tasks_of: TasksOf,
    lend: Lend,
    state: LeaseState,
) -> None:
    job = await submit(settings={"message": "{blender} {jobs} {unknown}"})
    carmen, paco = await register(platform="linux"), await register(platform="windows")

    answer = await api.get(url(job, await lend(carmen.id, job["id"], state=state)), auth=carmen)
    other = await api.get(url(job, await lend(paco.id, job["id"], state=state)), auth=paco)

    [task] = await tasks_of(job["id"])
    storage = farm.parts.settings.jobs_path
    assert answer.json() == {
        "run_key": f"{job['id']}.1.1.1",
        "task_id": task["id"],
        "job_name": "bulería",
        "task_name": "echo",
        "task_type": "misc",
        "commands": [
            {
                "name": "echo",
                "parameters": {"message": f"blender {storage} {{unknown}}"},
                "total_step_count": 0,
            }
        ],
        "total_steps": 1,
        "environment": {},
        "fail_on_warnings": False,
        "existing_frames": {"are_all_kept": False, "written": []},
        "fault_rules": [],
        "storage": None,
        "times": {
            "end_grace_s": 60,
            "silent_after_s": 1800,
            "stops_silent": False,
            "longest_s": 0,
        },
    }
    assert other.json()["commands"][0]["parameters"]["message"].startswith("blender.exe ")


async def test_the_log_says_once_who_was_given_the_task(
    api: httpx.AsyncClient, register: Register, submit: Submit, tasks_of: TasksOf, lend: Lend
) -> None:
    job, carmen = await submit(), await register()
    lease = await lend(carmen.id, job["id"])

    for _ in range(2):
        await api.get(url(job, lease), auth=carmen)

    task = (await tasks_of(job["id"]))[0]
    tail = (await api.get(f"/api/v3/tasks/{task['id']}/logtail")).text
    assert tail.count(f"Task assigned to worker carmen ({carmen.id})\n") == 1


@pytest.mark.parametrize(
    ("frames_from", "attempt", "expected"), [(1, 3, ["/a", "/b"]), (2, 3, ["/b"]), (3, 3, [])]
)
async def test_a_later_try_is_told_of_the_frames_that_are_written(
    api: httpx.AsyncClient,
    farm: "Farm",
    register: Register,
    submit: Submit,
    tasks_of: TasksOf,
    lend: Lend,
    frames_from: int,
    attempt: int,
    expected: list[str],
) -> None:
    job, carmen = await submit(), await register()
    task = (await tasks_of(job["id"]))[0]
    for number, file in ((1, "/a"), (2, "/b")):
        line = WrittenFrame(file, 10, 20).log_line()
        await farm.parts.logs.append(job["id"], task["id"], number, f"pid=1 > {line}x\n{line}")
    async with farm.parts.database.writing() as session:
        new = {"frames_from": frames_from, "attempt": attempt}
        await session.execute(update(TaskRow).where(TaskRow.id == task["id"]).values(new))

    answer = await api.get(url(job, await lend(carmen.id, job["id"]), attempt=attempt), auth=carmen)

    existing = answer.json()["existing_frames"]
    assert existing["written"] == [
        {"file": file, "size": 10, "modified_ns": 20} for file in expected
    ]


async def test_a_job_can_keep_the_frames_of_others(
    api: httpx.AsyncClient, register: Register, submit: Submit, lend: Lend
) -> None:
    carmen = await register()
    job = await submit(settings={"message": "olé", "keep_existing_frames": True})

    answer = await api.get(url(job, await lend(carmen.id, job["id"])), auth=carmen)

    assert answer.json()["existing_frames"]["are_all_kept"] is True


async def test_fetching_counts_as_authority_for_half_a_minute(
    farm: "Farm", register: Register, submit: Submit, tasks_of: TasksOf, lend: Lend
) -> None:
    job, carmen = await submit(), await register()
    lease, key, now = await lend(carmen.id, job["id"]), RunKey(job["id"], 1, 1, 1), [1000.0]
    runs = RunService(
        farm.parts.database,
        lambda: farm.parts.configuration.variables,
        farm.parts.logs,
        FarmTimes,
        clock=lambda: now[0],
    )
    async with farm.parts.database.reading() as session:
        worker = await workers.existing_worker(session, carmen.id)

    await runs.fetch(worker, key, lease)

    assert runs.task_fetched(carmen.id, key) == (await tasks_of(job["id"]))[0]["id"]
    assert runs.task_fetched(carmen.id, replace(key, index=2)) is None
    now[0] += 30
    assert runs.task_fetched(carmen.id, key) is None


async def test_nobody_else_gets_them(
    api: httpx.AsyncClient,
    farm: "Farm",
    register: Register,
    submit: Submit,
    lend: Lend,
    unknown_id: str,
) -> None:
    job, other_job = await submit(), await submit()
    carmen, paco = await register("carmen"), await register("paco")
    lease = await lend(carmen.id, job["id"])

    async def status(path: str, auth: Any) -> int:
        return (await api.get(path, auth=auth)).status_code

    assert await status(url(job, lease), paco) == 403
    assert await status(url(job, lease), None) == 403
    assert await status(url(job, lease, run=2), carmen) == 403
    assert await status(url(other_job, lease), carmen) == 404
    assert await status(url(job, unknown_id), carmen) == 404
    assert await status(url(job, lease, index=99), carmen) == 404
    assert await status(url(job, lease, index=2**70), carmen) == 400
    assert await status(f"/api/tablao/v1/runs/{job['id']}/1/1/x?lease={lease}", carmen) == 400
    assert await status(f"/api/tablao/v1/runs/{job['id']}/1/1/1", carmen) == 400


async def test_what_is_past_is_not_run_again(
    api: httpx.AsyncClient,
    farm: "Farm",
    register: Register,
    submit: Submit,
    tasks_of: TasksOf,
    lend: Lend,
) -> None:
    job, carmen = await submit(), await register()
    _, second, _ = await tasks_of(job["id"])
    lease = await lend(carmen.id, job["id"])
    await farm.set_task(second["id"], attempt=2)

    current = await api.get(url(job, lease), auth=carmen)
    earlier_attempt = await api.get(url(job, lease, index=2), auth=carmen)
    await farm.set_job(job["id"], run=2)
    earlier_run = await api.get(url(job, lease), auth=carmen)
    await farm.set_job(job["id"], run=1)
    async with farm.parts.database.writing() as session:
        await session.execute(update(LeaseRow).values(state=LeaseState.RETURNED))
    returned = await api.get(url(job, lease), auth=carmen)

    assert current.status_code == 200
    assert [earlier_attempt.status_code, earlier_run.status_code, returned.status_code] == [409] * 3


async def test_the_projection_may_lag_behind_the_lease(
    api: httpx.AsyncClient, register: Register, submit: Submit, lend: Lend
) -> None:
    job, carmen = await submit(initial_status="paused"), await register()
    lease = await lend(carmen.id, job["id"])

    answer = await api.get(url(job, lease, attempt=3), auth=carmen)

    assert answer.status_code == 200


async def test_a_hundred_hosts_at_once_wait_a_moment(
    api: httpx.AsyncClient, register: Register, submit: Submit, lend: Lend
) -> None:
    job = await submit()
    hosts = [await register(f"host {number}") for number in range(100)]
    leases = [await lend(host.id, job["id"], slot=slot) for slot, host in enumerate(hosts)]

    async def fetch(host: httpx.BasicAuth, lease: str) -> None:
        answer = await api.get(url(job, lease), auth=host)
        assert answer.status_code == 200

    await asyncio.gather(*map(fetch, hosts, leases))  # secrets are verified once
    began = time.process_time()
    await asyncio.gather(*map(fetch, hosts, leases))

    # Not by the clock: other tests may be at work on this machine.
    assert time.process_time() - began < 5
