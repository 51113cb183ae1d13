"""A large body is read in a thread, and none has more in it than the farm can hold."""

import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from manager_api.contract import base
from manager_api.settings.model import ManagerSettings
from manager_api.web.app import build_app
from manager_api.web.json_bodies import JsonRoute
from tests.manager.api_calls import Fits
from workflows.domain.shaman import MOST_FILES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.manager.stand_in_farm import Farm

MB = 2**20
FILE = {"sha": "0" * 64, "size": 1, "path": "a"}


@pytest.fixture
def settings(tmp_path: "Path") -> ManagerSettings:
    return ManagerSettings(data_dir=tmp_path / "data")


async def post(api: httpx.AsyncClient, path: str, body: str) -> httpx.Response:
    return await api.post(path, content=body, headers={"content-type": "application/json"})


def test_every_route_with_a_json_body_reads_it_so(farm: "Farm") -> None:
    routes = [
        route.original_route
        for route in iter_route_contexts(build_app(farm.parts).routes)
        if isinstance(route.original_route, APIRoute) and route.body_field is not None
    ]

    assert len(routes) > 30
    assert [route.path for route in routes if not isinstance(route, JsonRoute)] == []


@pytest.mark.parametrize(("characters", "in_thread"), [(100, False), (200_000, True)])
async def test_only_a_large_body_is_read_in_a_thread(
    api: httpx.AsyncClient,
    echo_job: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    characters: int,
    in_thread: bool,
) -> None:
    threads = []

    def check(value: Any) -> None:
        threads.append(threading.current_thread())

    monkeypatch.setattr(base, "check_storable", check)
    job = echo_job | {"settings": echo_job["settings"] | {"message": "a" * characters}}

    answer = await api.post("/api/v3/jobs", json=job)

    assert answer.status_code == 200
    assert answer.json()["settings"]["message"] == "a" * characters
    assert [thread is not threading.main_thread() for thread in threads] == [in_thread]


@pytest.mark.parametrize("filler", ["", "a" * 200_000])
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"priority": 101}, 'body "priority": Input should be less than or equal to 100'),
        ({"name": ""}, 'body "name": a job needs a name'),
        ({"name": "a\0b"}, "body: text must not contain NUL characters"),
    ],
)
async def test_a_large_body_that_does_not_fit_is_refused_as_a_small_one_is(
    api: httpx.AsyncClient,
    echo_job: dict[str, Any],
    fields: dict[str, Any],
    sentence: str,
    filler: str,
) -> None:
    answer = await api.post("/api/v3/jobs", json=echo_job | fields | {"unread": filler})

    assert (answer.status_code, answer.json()) == (400, {"message": sentence})


async def test_a_large_body_that_is_no_json_is_refused(api: httpx.AsyncClient) -> None:
    answer = await post(api, "/api/v3/jobs", '{"name": "' + "a" * 200_000)

    assert answer.status_code == 400
    assert answer.json().keys() == {"message"}


async def test_a_body_of_many_values_is_refused(
    api: httpx.AsyncClient, echo_job: dict[str, Any]
) -> None:
    unread = ",".join("1" for _ in range(base.MAX_VALUES))
    body = json.dumps(echo_job)[:-1] + f', "unread": [{unread}]}}'

    answer = await post(api, "/api/v3/jobs", body)

    assert (answer.status_code, answer.json()) == (
        400,
        {"message": "body: more than 1,000,000 values"},
    )
    assert (await api.get("/api/v3/jobs")).json() == {"jobs": []}


async def test_a_list_of_too_many_blocked_workers_is_refused(
    api: httpx.AsyncClient, unknown_id: str
) -> None:
    entries = json.dumps([{}] * 10_001)

    answer = await api.request(
        "DELETE",
        f"/api/v3/jobs/{unknown_id}/blocklist",
        content=entries,
        headers={"content-type": "application/json"},
    )

    assert (answer.status_code, answer.json()) == (
        400,
        {"message": "body: 10,001 entries are too many, 10,000 at most are read"},
    )


@pytest.mark.parametrize("path", ["requirements", "create"])
@pytest.mark.parametrize("file", [FILE, {"sha": 1}])
async def test_a_list_of_too_many_files_is_refused(
    api: httpx.AsyncClient, path: str, file: dict[str, Any]
) -> None:
    files = ",".join(json.dumps(file) for _ in range(MOST_FILES + 1))
    body = f'{{"checkoutPath": "a", "files": [{files}]}}'

    answer = await post(api, f"/api/v3/shaman/checkout/{path}", body)

    assert (answer.status_code, answer.json()) == (
        400,
        {"message": 'body "files": 100,001 files are too many, 100,000 at most are read'},
    )


async def test_a_hundred_thousand_files_may_be_asked_about(api: httpx.AsyncClient) -> None:
    files = [FILE | {"size": size} for size in range(MOST_FILES)]

    answer = await api.post("/api/v3/shaman/checkout/requirements", json={"files": files})

    assert answer.status_code == 200
    assert [file["size"] for file in answer.json()["files"]] == list(range(MOST_FILES))


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/v3/jobs/{id}/setstatus", MB),
        ("/api/v3/worker/register-worker", MB),
        ("/api/v3/jobs", 4 * MB),
        ("/api/v3/jobs/check", 4 * MB),
        ("/api/tablao/v1/job-types/preview-job", 4 * MB),
        ("/api/tablao/v1/jobs/{id}/recompile", 4 * MB),
        ("/api/v3/shaman/checkout/requirements", 32 * MB),
    ],
)
async def test_the_largest_body_depends_on_the_request(
    api: httpx.AsyncClient, unknown_id: str, path: str, limit: int, fits: Fits
) -> None:
    address = path.format(id=unknown_id)

    largest = await post(api, address, " " * limit)
    larger = await post(api, address, " " * (limit + 1))

    assert largest.status_code == 400
    fits("Error", larger.json())
    assert (larger.status_code, larger.json()["message"]) == (
        413,
        f"the request is larger than {limit} bytes",
    )
