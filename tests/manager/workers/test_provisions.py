"""Workers' settings on the manager: what may be set, for whom, and what commands become of it."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import select

from manager_api.database.engine import utc_now
from manager_api.database.tables import HandBackRow, LeaseRow, LeaseState, ProvisionRow
from manager_api.keeper.snapshot import farm_snapshot
from manager_api.keeper.store import SqlKeeperStore
from manager_api.workers import store as workers
from manager_api.workers import tag_store as tags
from tests.manager.api_calls import Register, Submit
from workflows.domain.matchmaking import Offer

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

URL = "/api/tablao/v1/provisions"
FARM = f"{URL}/farm/all"
TAG = "77777777-7777-4777-8777-777777777777"


@pytest.fixture
def commands_of(api: httpx.AsyncClient, farm: "Farm", submit: Submit) -> Any:
    """What a worker is given for a job that says what it was set."""

    async def fetch(worker: Any, message: str, **job_fields: Any) -> dict[str, Any]:
        job = await submit(settings={"message": message}, **job_fields)
        lease = LeaseRow(
            id=job["id"], worker_id=worker.id, session=1, slot=0, generation=1, job_id=job["id"],
            run=1, state=LeaseState.HELD, epoch=1, changed=utc_now(),
        )  # fmt: skip
        async with farm.parts.database.writing() as session:
            session.add(lease)
        url = f"/api/tablao/v1/runs/{job['id']}/1/1/1?lease={job['id']}"
        answer = await api.get(url, auth=worker)
        async with farm.parts.database.writing() as session:
            await session.delete(await session.get_one(LeaseRow, job["id"]))
        assert answer.status_code == 200, answer.text
        run: dict[str, Any] = answer.json()
        return run

    return fetch


def said(run: dict[str, Any]) -> str:
    return str(run["commands"][0]["parameters"]["message"])


async def put(api: httpx.AsyncClient, place: str, **settings: Any) -> httpx.Response:
    return await api.put(f"{URL}/{place}", json=settings)


# --- what may be set ------------------------------------------------------------------------------


async def test_what_is_set_is_answered_listed_and_taken_away_again(
    api: httpx.AsyncClient, farm: "Farm"
) -> None:
    settings = {"blender": {"4.5": "/b/4.5"}, "environment": {"OCIO": None}, "slots": 2}

    stored = await put(api, "farm/all", **settings)
    listed = (await api.get(URL)).json()["provisions"]
    again = (await api.get(FARM)).json()
    gone = await api.delete(FARM)

    assert stored.status_code == 200, stored.text
    assert (stored.json()["scope"], stored.json()["target"]) == ("farm", "all")
    assert stored.json()["settings"] == settings
    assert listed == [stored.json()] == [again]
    assert gone.status_code == 204
    assert (await api.get(URL)).json() == {"provisions": []}
    assert (await api.get(FARM)).status_code == 404
    assert (await api.delete(FARM)).status_code == 404
    assert await farm.told("/provisions") == [{"scope": "farm", "target": ""}] * 2


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"color": "red"}, 'there is no setting "color"'),
        ({"slots": 0}, "greater than or equal to 1"),
        ({"slots": 65}, "less than or equal to 64"),
        ({"slots": "2"}, "valid integer"),
        ({"task_types": []}, "at least 1 item"),
        ({"task_types": [" "]}, "one line of text"),
        ({"blender": {"4.5": ""}}, "one line of text"),
        ({"blender": {"4 5": "/b"}}, '"4 5" is no version'),
        ({"blender_version": "{x}"}, '"{x}" is no version'),
        ({"blender": "/b"}, "dictionary"),
        ({"environment": {f"V{n}": "x" * 30_000 for n in range(9)}}, "262,144 characters"),
        ({"ffmpeg": "/a\n/b"}, "one line of text"),
        ({"environment": {"A=B": "1"}}, "cannot be the name of an environment variable"),
        ({"environment": {"": "1"}}, "cannot be the name of an environment variable"),
        ({"environment": {"TABLAO_RUN": "1"}}, "the farm's own"),
        ({"environment": {"A": "\0"}}, "NUL"),
        ({"environment": {"A": 1}}, "valid string"),
        ([], "valid dictionary"),
    ],
)
async def test_bad_settings_are_refused_with_a_sentence_and_nothing_is_stored(
    api: httpx.AsyncClient, wanted: Any, sentence: str
) -> None:
    answer = await api.put(FARM, json=wanted)

    assert answer.status_code == 400
    assert sentence in answer.json()["message"]
    assert (await api.get(URL)).json() == {"provisions": []}


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("farm/everywhere", 400),
        ("platform/Linux", 400),
        ("platform/lin%00ux", 400),
        (f"tag/{TAG}", 404),
        (f"worker/{TAG}", 404),
        ("worker/carmen", 404),
        ("planet/earth", 400),
    ],
)
async def test_a_place_that_is_none_is_refused(
    api: httpx.AsyncClient, place: str, status: int
) -> None:
    put_there = await api.put(f"{URL}/{place}", json={"slots": 2})
    read, removed = await api.get(f"{URL}/{place}"), await api.delete(f"{URL}/{place}")

    assert (put_there.status_code, read.status_code, removed.status_code) == (status,) * 3
    assert put_there.json()["message"]


async def test_what_was_set_for_a_deleted_tag_or_worker_goes_with_it(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    carmen = await register()
    async with farm.parts.database.writing() as session:
        await tags.insert_tag(session, TAG, "gpu", "")
    await put(api, f"tag/{TAG}", slots=2)
    await put(api, f"worker/{carmen.id}", slots=3)

    async with farm.parts.database.writing() as session:
        await tags.delete_tag(session, await tags.existing_tag_to_delete(session, TAG))
        row = await workers.existing_worker_to_change(session, carmen.id)
        await workers.delete_worker(session, row)

    async with farm.parts.database.reading() as session:
        assert (await session.scalars(select(ProvisionRow))).all() == []


# --- what becomes of commands ---------------------------------------------------------------------


async def test_a_change_counts_from_the_next_task_on(
    api: httpx.AsyncClient, register: Register, commands_of: Any
) -> None:
    carmen, paco = await register("carmen"), await register("paco")
    before = said(await commands_of(carmen, "{blender} {blenderArgs}"))

    await put(api, f"worker/{carmen.id}", blender={"4.5": "/opt/4.5"}, blender_args="-b -t 8")
    first = said(await commands_of(carmen, "{blender} {blenderArgs}"))
    others = said(await commands_of(paco, "{blender} {blenderArgs}"))
    await put(api, f"worker/{carmen.id}", blender={"5.0": "/opt/5.0"})
    second = said(await commands_of(carmen, "{blender} {blenderArgs}"))
    await api.delete(f"{URL}/worker/{carmen.id}")
    after = said(await commands_of(carmen, "{blender} {blenderArgs}"))

    assert [before, first, others] == ["blender -b -y", "/opt/4.5 -b -t 8", "blender -b -y"]
    assert [second, after] == ["/opt/5.0 -b -y", "blender -b -y"]


async def test_a_job_type_and_a_job_can_ask_for_a_build(
    api: httpx.AsyncClient, register: Register, commands_of: Any
) -> None:
    carmen = await register()
    await put(api, "farm/all", blender={"4.5": "/opt/4.5", "5.0": "/opt/5.0"})

    by_job_type = await commands_of(carmen, "{blender} {blender-4.5} {blender-3.6}")
    by_job = await commands_of(carmen, "{blender}", metadata={"blender_version": "4.5"})
    missing = await commands_of(carmen, "{blender}", metadata={"blender_version": "3.6"})

    assert said(by_job_type) == "/opt/5.0 /opt/4.5 {blender-3.6}"
    assert [said(by_job), said(missing)] == ["/opt/4.5", "{blender-3.6}"]


async def test_the_environment_comes_with_the_commands(
    api: httpx.AsyncClient, register: Register, commands_of: Any
) -> None:
    carmen = await register()
    await put(api, "platform/linux", environment={"OCIO": "/farm/ocio", "THREADS": "{jobs}"})
    await put(api, f"worker/{carmen.id}", environment={"OCIO": None, "LICENSE": "7"})

    run = await commands_of(carmen, "olé")

    assert run["environment"].keys() == {"THREADS", "LICENSE"}
    assert run["environment"]["LICENSE"] == "7"
    assert run["environment"]["THREADS"].startswith("/")  # variables are replaced there, too


async def test_a_host_that_wants_none_gets_none(
    api: httpx.AsyncClient, farm: "Farm", register: Register, commands_of: Any
) -> None:
    carmen = await register()
    await put(api, "farm/all", blender={"4.5": "/opt/4.5"}, environment={"OCIO": "/farm/ocio"})
    await farm.set_worker(carmen.id, is_provisioned=False)

    run = await commands_of(carmen, "{blender}")
    effective = (await api.get(f"{URL}/effective/{carmen.id}")).json()

    assert (said(run), run["environment"]) == ("blender", {})
    assert effective["settings"] == {}
    assert "takes no settings" in effective["notes"][0]


async def test_what_is_in_force_says_where_it_comes_from(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    carmen = await register()
    async with farm.parts.database.writing() as session:
        for number, name in enumerate(("zambra", "alegrías")):
            await tags.insert_tag(session, TAG[:-1] + str(number), name, "")
        row = await workers.existing_worker_to_change(session, carmen.id)
        await workers.set_tags(session, row, [TAG[:-1] + "0", TAG[:-1] + "1"])
    await put(api, f"tag/{TAG[:-1]}0", slots=4, ffmpeg="/zambra/ffmpeg")
    await put(api, f"tag/{TAG[:-1]}1", slots=2)
    await put(api, "platform/windows", slots=9)
    await put(api, "farm/all", blender_version="4.5")

    effective = (await api.get(f"{URL}/effective/{carmen.id}")).json()

    assert effective["settings"] == {
        "blender_version": "4.5", "ffmpeg": "/zambra/ffmpeg", "slots": 2,
    }  # fmt: skip
    places = [(layer["scope"], layer["target"]) for layer in effective["layers"]]
    assert places == [("farm", "all"), ("tag", f"{TAG[:-1]}0"), ("tag", f"{TAG[:-1]}1")]
    assert effective["notes"] == ["no executable is set for Blender 4.5, so its renders will fail"]


async def test_effective_wants_a_worker(api: httpx.AsyncClient, unknown_id: str) -> None:
    assert (await api.get(f"{URL}/effective/{unknown_id}")).status_code == 404
    assert (await api.get(f"{URL}/effective/carmen")).status_code == 400


# --- what workers are lent for --------------------------------------------------------------------


async def test_workers_are_lent_by_the_slots_and_task_types_in_force(
    api: httpx.AsyncClient, farm: "Farm", register: Register, submit: Submit
) -> None:
    carmen, job = await register(), await submit()
    store = SqlKeeperStore(farm.parts.database)
    epoch = await store.next_epoch()
    await put(api, f"worker/{carmen.id}", slots=3, task_types=[" Misc", "misc", "comp"])

    async with farm.parts.database.reading() as session:
        [facts] = (await farm_snapshot(session, lambda _: True)).workers
    [lease] = await store.write_offers(epoch, [Offer(carmen.id, 0, 2, job["id"], 1)])
    async with farm.parts.database.reading() as session:
        [held] = (await farm_snapshot(session, lambda _: True)).leases

    assert (facts.slots, facts.task_types) == (3, frozenset({"misc", "comp"}))
    assert lease.task_types == ("misc", "comp")
    assert held.task_types == frozenset({"misc", "comp"})
    shown = (await api.get(f"/api/tablao/v1/workers/{carmen.id}")).json()
    assert (shown["slots"], shown["supported_task_types"]) == (3, ["misc", "comp"])


async def test_a_change_wakes_jobs_that_had_no_use_for_a_worker(
    api: httpx.AsyncClient, farm: "Farm", register: Register, submit: Submit
) -> None:
    carmen, job = await register(), await submit()
    async with farm.parts.database.writing() as session:
        session.add(HandBackRow(job_id=job["id"], worker_id=carmen.id, demand_version=1))

    await put(api, "platform/linux", task_types=["comp"])

    async with farm.parts.database.reading() as session:
        assert (await session.scalars(select(HandBackRow))).all() == []
