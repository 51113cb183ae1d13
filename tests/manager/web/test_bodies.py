"""An answer without a body has no content type: generated clients would try to read one."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from manager_api.settings.model import ManagerSettings
from manager_api.web.app import build_app
from tests.manager.api_calls import Register, Submit
from tests.manager.stand_in_farm import Credentials

if TYPE_CHECKING:
    from pathlib import Path

    from tests.manager.stand_in_farm import Farm

#: Operations that answer 204 where there is nothing to tell: method and path.
NOTHING_TO_TELL = {
    "fetchTaskLogTail": ("GET", "/api/v3/tasks/{task}/logtail"),
    "fetchTaskLogInfo": ("GET", "/api/v3/tasks/{task}/log"),
    "fetchLogOfTry": ("GET", "/api/tablao/v1/tasks/{task}/log/1"),
    "fetchGlobalLastRenderedInfo": ("GET", "/api/v3/jobs/last-rendered"),
    "fetchJobLastRenderedInfo": ("GET", "/api/v3/jobs/{job}/last-rendered"),
    "fetchWorkerSleepSchedule": ("GET", "/api/v3/worker-mgt/workers/{worker}/sleep-schedule"),
    "workerState": ("GET", "/api/v3/worker/state"),
    "scheduleTask": ("POST", "/api/v3/worker/task"),
}
ON_EVERY_ANSWER = {"content-security-policy", "referrer-policy", "x-content-type-options"}
#: Operations that may answer 204, whose answers have no content type unless they name one.
WITHOUT_TYPE = {"shamanFileStore", "fetchFrame"}


@pytest.fixture
def settings(tmp_path: "Path") -> ManagerSettings:
    return ManagerSettings(data_dir=tmp_path / "data", http_poll_s=0.1)


@pytest.fixture
async def worker(
    api: httpx.AsyncClient,
    register: Register,
    sign_on: dict[str, Any],
) -> Credentials:
    """One that is awake."""
    worker = await register()
    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=worker)
    await api.post("/api/v3/worker/state-changed", json={"status": "awake"}, auth=worker)
    return worker


@pytest.fixture
def routes(farm: "Farm") -> dict[str, Any]:
    """By operation, as the application serves them."""
    return {
        route.operation_id: route
        for route in iter_route_contexts(build_app(farm.parts).routes)
        if isinstance(route.original_route, APIRoute) and route.include_in_schema
    }


def has_type(route: Any) -> bool:
    """Whether the answer that FastAPI makes for this route has a content type."""
    response_class = getattr(route.response_class, "value", route.response_class)
    return "content-type" in response_class(None, route.status_code or 200).headers


async def test_no_operation_gives_a_204_a_content_type(
    api: httpx.AsyncClient, routes: dict[str, Any]
) -> None:
    document = (await api.get("/api/v3/openapi3.json")).json()
    may_answer_204 = {
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
        if "204" in operation["responses"]
    }
    always = {name for name, route in routes.items() if route.status_code == 204}

    assert len(may_answer_204) > 30
    assert may_answer_204 == always | set(NOTHING_TO_TELL) | WITHOUT_TYPE
    assert [name for name in sorted(always | WITHOUT_TYPE) if has_type(routes[name])] == []


@pytest.mark.parametrize("name", sorted(NOTHING_TO_TELL))
async def test_nothing_to_tell_is_told_without_a_content_type(
    api: httpx.AsyncClient,
    worker: Credentials,
    submit: Submit,
    name: str,
) -> None:
    job = await submit()
    tasks = (await api.get(f"/api/v3/jobs/{job['id']}/tasks")).json()["tasks"]
    method, path = NOTHING_TO_TELL[name]

    url = path.format(worker=worker.id, job=job["id"], task=tasks[0]["id"])
    answer = await api.request(method, url, auth=worker)

    assert answer.status_code == 204
    assert answer.headers.keys() == ON_EVERY_ANSWER


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/v3/nowhere", 404),
        ("PUT", "/api/v3/version", 405),
        ("GET", "/api/v3/swagger-ui/assets/nothing.js", 404),
        ("GET", "/job-files/job-0000/00000000-0000-4000-8000-000000000000/last.jpg", 404),
        ("GET", "/socket.io/", 503),
        ("POST", "/api/v3/jobs", 400),
        ("POST", "/api/v3/worker/sign-off", 403),
    ],
)
async def test_a_refusal_says_why_in_json(
    api: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await api.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["message"]


async def test_what_has_not_changed_is_told_without_a_content_type(api: httpx.AsyncClient) -> None:
    path = "/api/v3/swagger-ui/assets/swagger-ui.css"
    known = (await api.get(path)).headers["etag"]

    answer = await api.get(path, headers={"if-none-match": known})

    assert answer.status_code == 304
    assert "content-type" not in answer.headers
