"""What the farm sets for its workers reaches a Flamenco Worker in its commands."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from manager_api.keeper.store import SqlKeeperStore
from tests.manager.api_calls import Submit
from tests.manager.http_workers.http_farm import HttpFarm
from tests.manager.stand_in_farm import Farm

Make = Callable[..., Awaitable[Any]]
URL = "/api/tablao/v1/provisions"


async def test_a_flamenco_worker_gets_provisioned_programs_in_its_commands(
    api: httpx.AsyncClient, http_farm: HttpFarm, awake: Make, submit: Submit
) -> None:
    carmen = await awake()
    message = {"message": "{blender} {blenderArgs}"}
    job = await submit(settings=message, metadata={"blender_version": "4.5"})
    settings = {"blender": {"4.5": "/opt/4.5", "5.0": "/opt/5.0"}, "blender_args": "-b"}
    stored = await api.put(f"{URL}/worker/{carmen.id}", json=settings)
    assert stored.status_code == 200, stored.text

    await http_farm.offer(await http_farm.lend(carmen.id, job["id"]))
    task = (await api.post("/api/v3/worker/task", auth=carmen)).json()

    assert task["commands"][0]["parameters"] == {"message": "/opt/4.5 -b"}


async def test_it_is_lent_for_provisioned_task_types_and_one_task_at_a_time(
    api: httpx.AsyncClient, farm: Farm, awake: Make
) -> None:
    carmen = await awake()
    await farm.set_worker(carmen.id, is_http=True)
    stored = await api.put(f"{URL}/farm/all", json={"task_types": ["comp"], "slots": 4})
    assert stored.status_code == 200, stored.text

    [facts] = (await SqlKeeperStore(farm.parts.database).snapshot(lambda _: True)).workers
    effective = (await api.get(f"{URL}/effective/{carmen.id}")).json()

    assert (facts.task_types, facts.slots) == (frozenset({"comp"}), 1)
    assert effective["notes"] == ["environment and slots do not reach it: it is a Flamenco Worker"]
