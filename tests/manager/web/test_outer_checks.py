"""What pages of other sites cannot do, and what every answer says to browsers."""

from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.datastructures import Headers
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from activities.connections.tunnel_client import TUNNEL_PATH
from manager_api.web.outer_checks import LONGEST_ADDRESS, comes_from_foreign_page
from tests.manager.api_calls import Fits, Register, Submit
from workflows.domain import control

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

OWN = [
    {},
    {"origin": "http://localhost:8080"},
    {"origin": "HTTP://LOCALHOST:8080"},
    {"sec-fetch-site": "same-origin", "origin": "http://localhost:8080"},
    {"sec-fetch-site": "none"},
    # A proxy for TLS, or the dashboard's development server, may change the Host header.
    {"sec-fetch-site": "same-origin", "origin": "https://farm.studio"},
]
FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "http://localhost:3000"},
    {"origin": "http://localhost"},
    {"origin": "null"},
    {"origin": "http://["},
    {"origin": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": "http://localhost:8080"},
]


@pytest.mark.parametrize("headers", OWN)
async def test_our_own_pages_and_programs_command_the_farm(
    api: httpx.AsyncClient, register: Register, headers: dict[str, str]
) -> None:
    worker = await register()

    answer = await api.post(f"/api/tablao/v1/workers/{worker.id}/pause", headers=headers)

    assert answer.status_code == 204


@pytest.mark.parametrize("headers", FOREIGN)
async def test_pages_of_other_sites_command_nothing(
    api: httpx.AsyncClient, register: Register, headers: dict[str, str], fits: Fits
) -> None:
    worker = await register()

    for method, path in (
        ("POST", f"/api/tablao/v1/workers/{worker.id}/pause"),
        ("POST", f"/api/tablao/v1/workers/{worker.id}/resume"),
        ("DELETE", f"/api/v3/worker-mgt/workers/{worker.id}"),
        ("POST", "/api/v3/worker/sign-off"),
        ("POST", "/api/v3/jobs"),
        ("PUT", "/nowhere"),
        ("GET", "/api/v3/configuration/check/blender"),
    ):
        answer = await api.request(method, path, headers=headers, auth=worker)

        fits("Error", answer.json())
        assert answer.status_code == answer.json()["code"] == 403, path
        assert answer.json()["message"] == "requests from pages of other sites are refused"
    assert (await api.get(f"/api/v3/worker-mgt/workers/{worker.id}")).status_code == 200


@pytest.mark.parametrize(
    ("origin", "host", "is_foreign"),
    [
        ("http://farm.studio", "farm.studio", False),
        ("http://farm.studio", "farm.studio:80", False),
        ("http://farm.studio:80", "farm.studio", False),
        ("https://farm.studio", "farm.studio:443", False),
        ("https://Farm.Studio", "FARM.studio:443", False),
        ("https://farm.studio.", "farm.studio.:443", False),
        ("https://[fd00::1]", "[fd00::1]:443", False),
        ("http://[::1]:8080", "[::1]:8080", False),
        ("http://farm.studio", "farm.studio:443", True),
        ("https://farm.studio", "farm.studio:80", True),
        ("https://farm.studio", "farm.studio:8443", True),
        ("http://farm.studio:8080", "farm.studio", True),
        ("http://evil.example", "farm.studio:80", True),
        ("http://farm.studio.evil.example", "farm.studio:80", True),
        ("http://[fd00::80]", "[fd00:", True),
        ("ftp://farm.studio", "farm.studio", True),
        ("http://", ":80", True),
        ("http://", "", True),
    ],
)
def test_the_default_port_is_the_same_host(origin: str, host: str, is_foreign: bool) -> None:
    headers = Headers({"origin": origin, "host": host, "x-forwarded-host": "evil.example"})

    assert comes_from_foreign_page(headers) is is_foreign


@pytest.mark.parametrize("headers", FOREIGN)
async def test_pages_of_other_sites_may_lead_to_ours(
    api: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await api.get("/api/v3/version", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/api/tablao/v1/events", "/socket.io/", control.PATH, TUNNEL_PATH, "/nowhere"]
)
async def test_pages_of_other_sites_open_no_websocket(served: str, path: str) -> None:
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        with pytest.raises(InvalidStatus) as refusal:
            await connect(f"ws://{served}{path}", additional_headers=headers)

        assert refusal.value.response.status_code == 403


async def test_our_own_page_opens_its_websocket(served: str) -> None:
    own = {"origin": f"http://{served}"}

    async with connect(f"ws://{served}/api/tablao/v1/events", additional_headers=own) as socket:
        await socket.ping()


@pytest.mark.parametrize(
    "path",
    [
        "/app/",
        "/app/jobs",
        "/app",
        "/api/v3/version",
        "/api/v3/swagger-ui/",
        "/api/v3/swagger-ui/assets/swagger-ui.css",
        "/nowhere",
        "/app/%00",
        "/api/v3/jobs/nonsense",
    ],
)
async def test_every_answer_says_what_browsers_may_do(api: httpx.AsyncClient, path: str) -> None:
    headers = (await api.get(path)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    [policy] = headers.get_list("content-security-policy")
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'unsafe" not in policy
    assert "default-src 'none'" in policy or "default-src 'self'" in policy


async def test_an_answer_to_a_bug_says_so_too(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    job = await submit()
    farm.control.refusal = RuntimeError("a bug")

    answer = await api.post(
        f"/api/v3/jobs/{job['id']}/setstatus", json={"status": "cancel-requested", "reason": "x"}
    )

    assert answer.status_code == 500
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/app/%00", 404),
        ("/app/a%00b/c", 404),
        ("/api/v3/swagger-ui/assets/%00", 404),
        ("/api/v3/jobs/%00", 400),
        ("/addon/%00", 404),
        ("/app/" + "a" * 300, 404),
        ("/app/" + "a/" * 3000, 404),
        ("/app/" + "a" * LONGEST_ADDRESS, 414),
        ("/api/v3/jobs?x=" + "a" * LONGEST_ADDRESS, 414),
        ("/api/tablao/v1/views?owner=a%00b", 400),
    ],
)
async def test_an_address_that_cannot_be_is_no_bug(
    api: httpx.AsyncClient, path: str, status: int
) -> None:
    answer = await api.get(path)

    assert answer.status_code == status
    assert answer.json()["message"]
