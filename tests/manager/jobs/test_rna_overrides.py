"""A job's RNA overrides: kept, told of, and in the commands that workers are given."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest

from manager_api.database.engine import utc_now
from manager_api.database.tables import LeaseRow, LeaseState
from tests.manager.api_calls import Register, Submit
from tests.manager.http_workers.http_farm import HttpFarm, StandInActivities
from workflows.domain.statuses import JobStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

V1 = "/api/tablao/v1"
SAMPLES = "bpy.context.scene.cycles.samples = 64"
FRAMES = {
    "frames": "1-3",
    "chunk_size": 1,
    "render_output_root": "/render",
    "add_path_components": 0,
    "render_output_path": "{jobs}/render/######",
    "blendfile": "/scenes/jaleo.blend",
    "format": "PNG",
    "image_file_extension": ".png",
    "scene": "Scene",
    "fps": 24,
    "has_previews": False,
}


@pytest.fixture
async def job(submit: Submit) -> dict[str, Any]:
    return dict(await submit(type="simple-blender-render", settings=FRAMES))


def place(job: dict[str, Any]) -> str:
    return f"{V1}/jobs/{job['id']}/rna-overrides"


async def put(api: httpx.AsyncClient, job: dict[str, Any], *lines: str) -> httpx.Response:
    return await api.put(place(job), json={"overrides": lines})


async def test_a_job_begins_without_any(api: httpx.AsyncClient, job: dict[str, Any]) -> None:
    answer = await api.get(place(job))

    assert answer.json() == {"overrides": []}


async def test_lines_are_kept_as_they_were_written(
    api: httpx.AsyncClient, job: dict[str, Any]
) -> None:
    lines = ["# for the preview", "", f"  {SAMPLES}"]

    answer = await put(api, job, *lines)

    assert (answer.status_code, answer.json()) == (200, {"overrides": lines})
    assert (await api.get(place(job))).json() == {"overrides": lines}
    export = (await api.get(f"{V1}/jobs/{job['id']}/export")).json()
    assert export["rna_overrides"] == lines


async def test_what_is_no_assignment_is_refused_by_its_line_and_nothing_is_stored(
    api: httpx.AsyncClient, job: dict[str, Any]
) -> None:
    await put(api, job, SAMPLES)

    answer = await put(api, job, "", "bpy.ops.wm.quit_blender()", "x = 1")

    assert answer.status_code == 400
    first, second = answer.json()["message"].splitlines()
    assert first.startswith("Line 2: not an assignment")
    assert second.startswith("Line 3: the left side must be")
    assert (await api.get(place(job))).json() == {"overrides": [SAMPLES]}


async def test_a_change_is_told_and_kept_in_the_history_once(
    api: httpx.AsyncClient, farm: "Farm", job: dict[str, Any]
) -> None:
    for _ in range(2):
        await put(api, job, "# fewer", SAMPLES)
    await put(api, job)

    told = [event for event in await farm.told("/jobs") if event.get("are_overrides_changed")]
    assert [event["id"] for event in told] == [job["id"]] * 2
    history = (await api.get(f"{V1}/jobs/{job['id']}/history")).json()["happenings"]
    assert [happening["text"] for happening in history] == [
        "RNA overrides removed",
        f"RNA overrides changed: {SAMPLES}",
        "Submitted",
    ]


@pytest.mark.parametrize(
    "state", [{"archived_at": utc_now()}, {"delete_requested_at": utc_now()}], ids=lambda s: min(s)
)
async def test_a_job_that_goes_takes_none(
    api: httpx.AsyncClient, farm: "Farm", job: dict[str, Any], state: dict[str, Any]
) -> None:
    await farm.set_job(job["id"], status=JobStatus.COMPLETED, **state)

    answer = await put(api, job, SAMPLES)

    assert answer.status_code == 422


async def test_a_job_that_is_unknown_has_none(api: httpx.AsyncClient, unknown_id: str) -> None:
    unknown = {"id": unknown_id}

    assert (await api.get(place(unknown))).status_code == 404
    assert (await put(api, unknown, SAMPLES)).status_code == 404


def check_arguments(commands: list[dict[str, Any]]) -> None:
    (command,) = commands
    *_, option, expression, render, frame = command["parameters"]["args"]
    assert (option, render, frame) == ("--python-expr", "--render-frame", "1")
    assert SAMPLES in expression


async def test_hosts_get_them_before_the_first_frame(
    api: httpx.AsyncClient, farm: "Farm", job: dict[str, Any], register: Register
) -> None:
    carmen = await register()
    lease = LeaseRow(
        id=str(uuid4()),
        worker_id=carmen.id,
        session=1,
        slot=0,
        generation=1,
        job_id=job["id"],
        run=1,
        state=LeaseState.HELD,
        epoch=1,
        changed=utc_now(),
    )
    async with farm.parts.database.writing() as session:
        session.add(lease)
    await put(api, job, SAMPLES)

    answer = await api.get(f"{V1}/runs/{job['id']}/1/1/1?lease={lease.id}", auth=carmen)

    check_arguments(answer.json()["commands"])


async def test_workers_that_speak_http_get_them_too(
    api: httpx.AsyncClient, farm: "Farm", job: dict[str, Any], register: Register, sign_on: Any
) -> None:
    http_farm = HttpFarm(farm, api, StandInActivities())
    carmen = await register()
    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)
    await api.put("/api/v3/worker/state-changed", json={"status": "awake"}, auth=carmen)
    await http_farm.offer(await http_farm.lend(carmen.id, job["id"]))
    await put(api, job, SAMPLES)

    answer = await api.post("/api/v3/worker/task", auth=carmen)

    check_arguments(answer.json()["commands"])
