"""Worker tags: made, renamed, deleted, given to workers and to jobs."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest

from tests.manager.api_calls import Fits, Json, Register, Submit
from workflows.domain.statuses import JobStatus, WorkerStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

#: Makes a tag by its name, with other fields as given.
Make = Callable[..., Awaitable[Json]]
TAGS, TAG = "/api/v3/worker-mgt/tags", "/api/v3/worker-mgt/tag"


@pytest.fixture
def make(api: httpx.AsyncClient) -> Make:
    async def make(name: str = "gpu", **fields: Any) -> Json:
        answer = await api.post(TAGS, json={"name": name, **fields})
        assert answer.status_code == 200, answer.text
        tag: Json = answer.json()
        return tag

    return make


async def test_a_tag_is_made_shown_and_told_of(
    api: httpx.AsyncClient, farm: "Farm", make: Make, fits: Fits
) -> None:
    made = await make("gpu", description="Those with a card")

    shown = await api.get(f"{TAG}/{made['id']}")
    listed = await api.get(TAGS)

    fits("WorkerTag", made)
    fits("WorkerTagList", listed.json())
    assert shown.json() == made
    assert (made["name"], made["description"]) == ("gpu", "Those with a card")
    assert listed.json() == {"tags": [made]}
    assert await farm.told("/workertags") == [{"tag": made}]


async def test_without_tags_the_list_is_empty(api: httpx.AsyncClient) -> None:
    assert (await api.get(TAGS)).json() == {"tags": []}


async def test_a_client_may_bring_the_id(make: Make) -> None:
    wanted = str(uuid4())

    assert (await make(id=wanted.upper()))["id"] == wanted


@pytest.mark.parametrize("same", ["name", "id"])
async def test_a_name_or_id_that_is_taken_is_refused(
    api: httpx.AsyncClient, make: Make, fits: Fits, same: str
) -> None:
    made = await make()
    again = {"name": "other", same: made[same]}

    answer = await api.post(TAGS, json=again)

    fits("Error", answer.json())
    assert (answer.status_code, "already" in answer.json()["message"]) == (409, True)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "name"),
        ({"name": "  "}, "a worker tag needs a name"),
        ({"name": "two\nlines"}, "a worker tag's name must be one line"),
        ({"name": "ends\n"}, "a worker tag's name must be one line"),
        ({"name": "x" * 256}, "255 characters"),
        ({"name": 3}, "name"),
        ({"name": "nul\0"}, "NUL"),
        ({"name": "gpu", "id": "gpu"}, "tag ID not valid"),
    ],
)
async def test_a_tag_that_does_not_fit_is_refused_with_a_sentence(
    api: httpx.AsyncClient, body: dict[str, Any], why: str
) -> None:
    answer = await api.post(TAGS, json=body)

    assert (answer.status_code, why in answer.json()["message"]) == (400, True), answer.text
    assert (await api.get(TAGS)).json() == {"tags": []}


async def test_a_tag_is_renamed_and_keeps_what_is_not_said(
    api: httpx.AsyncClient, farm: "Farm", make: Make
) -> None:
    made = await make("gpu", description="Those with a card")

    renamed = await api.put(f"{TAG}/{made['id']}", json={"id": str(uuid4()), "name": "graphics"})

    expected = made | {"name": "graphics"}
    assert renamed.status_code == 204
    assert (await api.get(f"{TAG}/{made['id']}")).json() == expected
    assert (await farm.told("/workertags"))[-1] == {"tag": expected}


async def test_a_tag_cannot_take_the_name_of_another(api: httpx.AsyncClient, make: Make) -> None:
    made, _ = await make("gpu"), await make("cpu")

    answer = await api.put(f"{TAG}/{made['id']}", json={"name": "cpu"})

    assert answer.status_code == 409
    assert (await api.get(f"{TAG}/{made['id']}")).json()["name"] == "gpu"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_tag_that_is_none_is_not_found(
    api: httpx.AsyncClient, unknown_id: str, fits: Fits, method: str
) -> None:
    body = {"json": {"name": "gpu"}} if method == "PUT" else {}

    unknown = await api.request(method, f"{TAG}/{unknown_id}", **body)  # type: ignore[arg-type]
    no_id = await api.request(method, f"{TAG}/gpu", **body)  # type: ignore[arg-type]

    fits("Error", unknown.json())
    fits("Error", no_id.json())
    assert (unknown.status_code, no_id.status_code) == (404, 400)


async def test_a_deleted_tag_is_gone_from_workers_and_ended_jobs(
    api: httpx.AsyncClient, farm: "Farm", make: Make, register: Register, submit: Submit
) -> None:
    tag, carmen = await make(), await register()
    await _set_tags(api, carmen.id, tag["id"])
    job = await submit(worker_tag=tag["id"])
    await farm.set_job(job["id"], status=JobStatus.COMPLETED)

    answer = await api.delete(f"{TAG}/{tag['id']}")

    assert answer.status_code == 204
    assert "tags" not in (await api.get(f"/api/v3/worker-mgt/workers/{carmen.id}")).json()
    assert "worker_tag" not in (await api.get(f"/api/v3/jobs/{job['id']}")).json()
    gone = {"tag": {"id": tag["id"], "name": ""}, "was_deleted": True}
    assert (await farm.told("/workertags"))[-1] == gone


async def test_a_tag_of_unfinished_jobs_is_deleted_only_by_force(
    api: httpx.AsyncClient, make: Make, submit: Submit, fits: Fits
) -> None:
    tag = await make()
    job = await submit(worker_tag=tag["id"])

    refused = await api.delete(f"{TAG}/{tag['id']}")
    kept = (await api.get(f"/api/v3/jobs/{job['id']}")).json()
    forced = await api.delete(f"{TAG}/{tag['id']}?force=true")

    fits("Error", refused.json())
    assert (refused.status_code, forced.status_code) == (409, 204)
    assert "1 unfinished jobs" in refused.json()["message"]
    assert kept["worker_tag"] == tag["id"]
    assert "worker_tag" not in (await api.get(f"/api/v3/jobs/{job['id']}")).json()


# --- of workers ----------------------------------------------------------------------------------


async def _set_tags(api: httpx.AsyncClient, worker_id: str, *tag_ids: str) -> httpx.Response:
    url = f"/api/v3/worker-mgt/workers/{worker_id}/settags"
    return await api.post(url, json={"tag_ids": list(tag_ids)})


async def test_a_workers_tags_are_replaced_and_unknown_ones_ignored(
    api: httpx.AsyncClient,
    farm: "Farm",
    make: Make,
    register: Register,
    unknown_id: str,
    fits: Fits,
) -> None:
    gpu, cpu, carmen = await make("gpu"), await make("cpu"), await register()
    await _set_tags(api, carmen.id, cpu["id"])

    # Thousands: no more than a request may hold must break a query.
    unknown = [str(uuid4()) for _ in range(3000)]
    answer = await _set_tags(api, carmen.id, gpu["id"].upper(), unknown_id, "no id", *unknown)

    worker = (await api.get(f"/api/v3/worker-mgt/workers/{carmen.id}")).json()
    fits("Worker", worker)
    assert answer.status_code == 204
    assert worker["tags"] == [gpu]
    told = (await farm.told("/workers"))[-1]
    fits("EventWorkerUpdate", told)
    assert "tags" not in told


async def test_tags_of_a_worker_that_is_none(api: httpx.AsyncClient, unknown_id: str) -> None:
    unknown = await _set_tags(api, unknown_id)
    no_id = await _set_tags(api, "carmen")
    no_list = await api.post(
        f"/api/v3/worker-mgt/workers/{unknown_id}/settags", json={"tag_ids": "gpu"}
    )

    assert (unknown.status_code, no_id.status_code, no_list.status_code) == (404, 400, 400)


# --- of jobs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["id", "name"])
async def test_a_job_gets_another_tag_while_it_runs(
    api: httpx.AsyncClient, farm: "Farm", make: Make, submit: Submit, fits: Fits, by: str
) -> None:
    tag, job = await make(), await submit()
    await farm.set_job(job["id"], status=JobStatus.ACTIVE)
    url = f"/api/v3/jobs/{job['id']}"

    given = await api.post(f"{url}/settag", json={by: tag[by]})
    tagged = (await api.get(url)).json()
    taken = await api.post(f"{url}/settag", json={})

    assert (given.status_code, taken.status_code) == (204, 204)
    assert tagged["worker_tag"] == tag["id"]
    assert "worker_tag" not in (await api.get(url)).json()
    told = (await farm.told("/jobs"))[1:]
    assert len(told) == 2
    fits("EventJobUpdate", told[0])
    assert "previous_status" not in told[0]


@pytest.mark.parametrize("asked", [{"name": "none"}, {"id": "none"}, {"id": ""}])
async def test_a_tag_that_is_none_is_not_acceptable_for_a_job(
    api: httpx.AsyncClient, make: Make, submit: Submit, fits: Fits, asked: dict[str, str]
) -> None:
    tag = await make()
    job = await submit(worker_tag=tag["id"])

    answer = await api.post(f"/api/v3/jobs/{job['id']}/settag", json=asked)

    fits("Error", answer.json())
    assert answer.status_code == 406
    assert (await api.get(f"/api/v3/jobs/{job['id']}")).json()["worker_tag"] == tag["id"]


async def test_a_tag_for_a_job_that_is_none(api: httpx.AsyncClient, unknown_id: str) -> None:
    unknown = await api.post(f"/api/v3/jobs/{unknown_id}/settag", json={})
    no_id = await api.post("/api/v3/jobs/bulería/settag", json={})
    no_word = await api.post(f"/api/v3/jobs/{unknown_id}/settag", json={"name": 3})

    assert (unknown.status_code, no_id.status_code, no_word.status_code) == (404, 400, 400)


async def test_a_worker_with_other_tags_is_offered_again_what_it_had_no_use_for(
    api: httpx.AsyncClient, farm: "Farm", make: Make, register: Register, submit: Submit
) -> None:
    tag, carmen, job = await make(), await register(), await submit()
    await farm.set_worker(carmen.id, status=WorkerStatus.AWAKE)
    await farm.hand_back(job["id"], carmen.id)

    await _set_tags(api, carmen.id, tag["id"])

    assert await farm.hand_backs() == []


async def test_a_worker_that_signs_on_with_other_task_types_is_offered_again(
    api: httpx.AsyncClient,
    farm: "Farm",
    register: Register,
    submit: Submit,
    sign_on: dict[str, Any],
) -> None:
    carmen, job = await register(), await submit()
    await farm.hand_back(job["id"], carmen.id)
    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)
    kept = await farm.hand_backs()

    other = sign_on | {"supported_task_types": ["ffmpeg"]}
    await api.post("/api/v3/worker/sign-on", json=other, auth=carmen)

    assert kept == [(job["id"], carmen.id)]
    assert await farm.hand_backs() == []
