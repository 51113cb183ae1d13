"""The doctor over HTTP: who may ask it, its shape, and what a render machine is told."""

from typing import TYPE_CHECKING

import httpx

from manager_api.settings.storage_folders import make_storage_folders
from manager_api.version import VERSION
from tests.manager.api_calls import Register
from tests.manager.web.people import Account

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

DOCTOR, NEEDS = "/api/tablao/v1/doctor", "/api/tablao/v1/host-needs"


async def test_the_doctor_answers_those_who_run_the_farm_in_a_stable_shape(
    api: httpx.AsyncClient,
) -> None:
    artist, wrangler = await Account.made(api, "artist"), await Account.made(api, "wrangler")

    refused = await api.get(DOCTOR, headers=await artist.token_headers(api))
    answer = await api.get(DOCTOR, headers=await wrangler.token_headers(api))

    assert refused.status_code == 403
    assert answer.status_code == 200
    report = answer.json()
    assert set(report) == {"state", "version", "checks"}
    assert report["version"] == VERSION
    # Here is no Temporal, and no worker.
    assert report["state"] == "broken"
    for check in report["checks"]:
        assert set(check) == {"id", "state", "sentence", "advice"}
        assert bool(check["advice"]) is (check["state"] != "fine")
    by_id = {each["id"]: each for each in report["checks"]}
    assert by_id["database"]["state"] == by_id["database.writes"]["state"] == "fine"
    assert by_id["temporal"]["state"] == by_id["workers"]["state"] == "broken"


async def test_a_host_is_told_what_it_needs_on_its_platform(
    farm: "Farm", api: httpx.AsyncClient, register: Register
) -> None:
    make_storage_folders(farm.parts.settings)
    storage = farm.parts.settings.shared_storage_path
    drive = {
        "is_twoway": True,
        "values": [
            {"platform": "linux", "value": str(storage)},
            {"platform": "windows", "value": "S:"},
        ],
    }
    answer = await api.patch("/api/tablao/v1/configuration", json={"variables.drive": drive})
    assert answer.status_code == 200, answer.text
    here = await register()
    elsewhere = await register("lola", platform="windows")

    on_linux = (await api.get(NEEDS, auth=here)).json()
    on_windows = (await api.get(NEEDS, auth=elsewhere)).json()

    assert (on_linux["name"], on_linux["is_waiting"]) == ("carmen", False)
    assert on_linux["programs"] == {"blender": ["blender"], "ffmpeg": ["ffmpeg"]}
    assert on_linux["blender_arguments"] == "-b -y"
    assert on_linux["storage"]["path"] == str(storage)
    assert on_windows["storage"] == {"path": "S:\\", "id": on_linux["storage"]["id"]}


async def test_only_a_worker_is_told_and_one_that_waits_too(
    farm: "Farm", api: httpx.AsyncClient, register: Register
) -> None:
    worker = await register()
    await farm.set_worker(worker.id, is_waiting=True)

    assert (await api.get(NEEDS)).status_code == 403
    assert (await api.get(NEEDS, auth=worker)).json()["is_waiting"] is True
