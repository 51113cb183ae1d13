"""What a worker does, did and may no longer do, and how its machine was."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import websockets

from manager_api.contract.machine import MachineStatistics
from manager_api.database.tables import JobBlockRow
from tests.manager.api_calls import Register, Submit, TasksOf
from tests.manager.events.test_events import address, live, received
from workflows.domain.statuses import TaskStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

OURS = "/api/tablao/v1/workers"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


async def test_a_worker_is_shown_with_what_it_runs(
    api: httpx.AsyncClient, farm: "Farm", register: Register, submit: Submit, tasks_of: TasksOf
) -> None:
    carmen, paco = await register("carmen"), await register("paco")
    job = await submit()
    first, second, _ = await tasks_of(job["id"])
    await farm.set_task(first["id"], worker_id=carmen.id, status=TaskStatus.ACTIVE, updated=NOW)
    await farm.set_task(second["id"], worker_id=paco.id, status=TaskStatus.COMPLETED)

    listed = (await api.get(OURS)).json()["workers"]
    alone = (await api.get(f"{OURS}/{carmen.id}")).json()

    assert [worker["tasks"] for worker in listed] == [alone["tasks"], []]
    assert alone["tasks"] == [
        {
            "id": first["id"],
            "name": first["name"],
            "status": "active",
            "task_type": first["task_type"],
            "job_id": job["id"],
            "job_name": "bulería",
            "updated": "2026-05-01T12:00:00Z",
            "started_at": None,
        }
    ]


async def test_recent_tasks_come_newest_first(
    api: httpx.AsyncClient, farm: "Farm", register: Register, submit: Submit, tasks_of: TasksOf
) -> None:
    carmen = await register()
    tasks = await tasks_of((await submit())["id"])
    for minutes, task in enumerate(tasks):
        moment = NOW + timedelta(minutes=minutes)
        await farm.set_task(task["id"], worker_id=carmen.id, updated=moment)

    answer = await api.get(f"{OURS}/{carmen.id}/tasks", params={"limit": 2})

    assert [task["id"] for task in answer.json()["tasks"]] == [tasks[2]["id"], tasks[1]["id"]]


async def test_a_worker_knows_where_it_is_blocklisted(
    api: httpx.AsyncClient, farm: "Farm", register: Register, submit: Submit
) -> None:
    carmen, paco = await register("carmen"), await register("paco")
    job = await submit()
    async with farm.parts.database.writing() as session:
        for worker in (carmen, paco):
            session.add(JobBlockRow(job_id=job["id"], worker_id=worker.id, task_type="blender"))

    answer = await api.get(f"{OURS}/{carmen.id}/blocklist")

    block = {"job_id": job["id"], "job_name": "bulería", "owner": None, "task_type": "blender"}
    assert answer.json() == {"blocklist": [block]}


async def test_the_machines_last_hour_can_be_asked_for(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    carmen = await register()
    farm.parts.hosts.history.heard(carmen.id, MachineStatistics(cpu_percent=42.4))

    answer = await api.get(f"{OURS}/{carmen.id}/statistics", params={"minutes": 5})

    [sample] = answer.json()["samples"]
    assert answer.json()["sample_every_s"] == 10
    assert datetime.now(UTC) - datetime.fromisoformat(sample.pop("at")) < timedelta(minutes=1)
    assert sample == {
        "cpu_percent": 42,
        "memory_percent": None,
        "disk_percent": None,
        "gpu_percents": [],
        "gpu_memory_percents": [],
    }


@pytest.mark.parametrize("what", ["statistics", "tasks", "blocklist"])
async def test_nothing_is_known_of_a_worker_that_is_none(
    api: httpx.AsyncClient, unknown_id: str, what: str
) -> None:
    answer = await api.get(f"{OURS}/{unknown_id}/{what}")

    assert answer.status_code == 404


@pytest.mark.parametrize("minutes", [0, 61])
async def test_no_more_than_an_hour_can_be_asked_for(
    api: httpx.AsyncClient, register: Register, minutes: int
) -> None:
    carmen = await register()

    answer = await api.get(f"{OURS}/{carmen.id}/statistics", params={"minutes": minutes})

    assert answer.status_code == 400


async def test_statistics_are_told_only_to_who_names_the_worker(served: str, farm: "Farm") -> None:
    tell = farm.parts.events.machine_told
    async with (
        websockets.connect(address(served, "?topics=/workers/7/statistics,/here")) as named,
        websockets.connect(address(served)) as everything,
    ):
        await live(named, farm)
        await live(everything, farm)
        tell("7", MachineStatistics(cpu_percent=3))
        tell("8", MachineStatistics(cpu_percent=4))
        farm.parts.events.tell("/workers", {"id": "7"})
        farm.parts.events.tell("/here", {"end": True})

        told = [event for event in await received(named, 2) if event["payload"]]
        others = [event["topic"] for event in await until_the_end(everything)]

    assert told[0] == {
        "id": None,
        "topic": "/workers/7/statistics",
        "payload": {
            "worker_id": "7",
            "statistics": MachineStatistics(cpu_percent=3).model_dump(),
        },
    }
    assert [topic for topic in others if topic != "/here"] == ["/workers"]


class Secret(MachineStatistics):
    """Statistics that must not be shown."""

    def model_dump(self, **_: Any) -> dict[str, Any]:
        raise AssertionError("nothing is made ready that no page shows")


def test_statistics_are_not_made_ready_for_no_page(farm: "Farm") -> None:
    with farm.parts.events.subscribed(["/workers/8/statistics"]) as page:
        farm.parts.events.add(page)

        farm.parts.events.machine_told("7", Secret())


async def until_the_end(connection: Any) -> list[dict[str, Any]]:
    events = []
    while True:
        [event] = await received(connection, 1)
        events.append(event)
        if event["payload"].get("end"):
            return events


async def test_a_client_may_ask_for_further_topics_while_connected(
    served: str, farm: "Farm"
) -> None:
    async with websockets.connect(address(served, "?topics=/here")) as connection:
        await live(connection, farm)
        await connection.send('{"also": ["/workers/7/statistics", "/tasklog/9"]}')
        async with asyncio.timeout(10):
            topic = "/here"
            while topic == "/here":
                farm.parts.events.machine_told("7", MachineStatistics())
                farm.parts.events.tell("/here", {})
                [event] = await received(connection, 1)
                topic = event["topic"]
        await connection.send('{"also": []}')
        farm.parts.events.tell("/here", {"end": True})

        assert topic == "/workers/7/statistics"
        assert (await until_the_end(connection))[-1]["topic"] == "/here"


@pytest.mark.parametrize(
    "said", ["", "no json", "[]", '{"also": 7}', '{"also": ["%s"]}' % ("x" * 256)]
)
async def test_a_client_that_says_something_else_is_disconnected(served: str, said: str) -> None:
    async with websockets.connect(address(served, "?topics=/nothing")) as connection:
        await connection.send(said)
        async with asyncio.timeout(10):
            await connection.wait_closed()

    assert connection.close_code == 4400
