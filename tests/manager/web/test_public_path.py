"""Below a path of a larger site: each address that the manager gives begins with that path."""

import io
import zipfile
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.asyncio.client import connect

from manager_api.settings.model import ManagerSettings
from manager_api.settings.sections import Tls
from manager_api.web.addon_package import FILES as ADDON
from manager_api.web.app import build_app
from manager_api.web.dashboard import FILES as DASHBOARD
from tests.manager.api_calls import Submit, TasksOf
from tests.manager.certificates import authority_in

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

PUBLIC = "https://farm.studio/tablao"
BY_PROXY = {"x-forwarded-for": "192.168.1.7", "x-forwarded-proto": "https"}
WITH_AND_WITHOUT = pytest.mark.parametrize("prefix", ["", "/tablao"])


@pytest.fixture
def settings(settings: ManagerSettings) -> ManagerSettings:
    return settings.model_copy(update={"public_url": PUBLIC, "insecure": True})


@WITH_AND_WITHOUT
async def test_a_proxy_may_leave_the_path_or_take_it_away(
    api: httpx.AsyncClient, prefix: str
) -> None:
    statuses = {
        path: (await api.get(f"{prefix}{path}")).status_code
        for path in (
            "/api/v3/version",
            "/api/v3/openapi3.json",
            "/api/v3/swagger-ui/assets/swagger-ui.css",
            "/upnp/description.xml",
            "/tablao/tablao/api/v3/version",
            "/tablaoapi/v3/version",
        )
    }

    assert list(statuses.values()) == [200, 200, 200, 200, 404, 404]


@WITH_AND_WITHOUT
@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/", "/app/"),
        ("/app", "/app/"),
        ("/api/v3/swagger-ui", "/api/v3/swagger-ui/"),
        ("/flamenco3-addon.zip", "/tablao-addon.zip"),
    ],
)
async def test_redirects_stay_below_the_path(
    api: httpx.AsyncClient, prefix: str, path: str, place: str
) -> None:
    answer = await api.get(f"{prefix}{path}")

    assert answer.headers["location"] == f"/tablao{place}"


async def test_the_path_alone_is_the_root(api: httpx.AsyncClient) -> None:
    assert (await api.get("/tablao")).headers["location"] == "/tablao/app/"


@WITH_AND_WITHOUT
@pytest.mark.parametrize("view", ["", "jobs/x/tasks/y", "index.html"])
async def test_the_page_knows_where_its_files_are(
    api: httpx.AsyncClient, prefix: str, view: str
) -> None:
    assert (DASHBOARD / "index.html").is_file(), "make dashboard"

    page = await api.get(f"{prefix}/app/{view}")

    assert '<base href="/tablao/app/"' in page.text
    assert 'src="./assets/' in page.text
    assert "base-uri 'self'" in page.headers["content-security-policy"]


async def test_the_interface_says_where_it_is_served(api: httpx.AsyncClient) -> None:
    document = (await api.get("/api/v3/openapi3.json")).json()

    assert document["servers"] == [{"url": "/tablao"}]


@WITH_AND_WITHOUT
async def test_files_of_jobs_are_fetched_at_the_address_of_the_answer(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf, prefix: str
) -> None:
    job = await submit()
    [task, *_] = await tasks_of(job["id"])
    await farm.parts.logs.write_chunk(job["id"], task["id"], 0, 0, b"ole\n")

    info = (await api.get(f"{prefix}/api/v3/tasks/{task['id']}/log")).json()
    log = await api.get(info["url"])

    assert info["url"].startswith("/tablao/job-files/")
    assert log.text == "ole\n"


async def test_the_addon_knows_the_manager_by_the_address_that_the_client_used(
    farm: "Farm",
) -> None:
    assert list(ADDON.glob("*.zip")), "make addon"
    transport = httpx.ASGITransport(build_app(farm.parts))
    async with httpx.AsyncClient(transport=transport) as client:

        async def address(url: str, headers: dict[str, str]) -> str:
            answer = await client.get(f"{url}/tablao-addon.zip", headers=headers)
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                return archive.read("tablao/manager_address.txt").decode().strip()

        assert await address("http://localhost:8080", {}) == "http://localhost:8080"
        assert await address("http://localhost:8080", BY_PROXY) == PUBLIC
        assert await address("http://farm.studio", {}) == PUBLIC
        listing = await client.get("http://farm.studio/tablao/addon/index.json")

    assert listing.json()["data"][0]["archive_url"] == f"{PUBLIC}/tablao-addon.zip"


@WITH_AND_WITHOUT
async def test_websockets_are_served_below_the_path(served: str, farm: "Farm", prefix: str) -> None:
    token = {"authorization": f"Bearer {farm.parts.identities.local.token}"}
    own = {"origin": "https://farm.studio", **token}
    url = f"ws://{served}{prefix}/api/tablao/v1/events"
    async with connect(url, additional_headers=own) as socket:
        await socket.ping()
    url = f"ws://{served}{prefix}/socket.io/?EIO=3&transport=websocket"
    async with connect(url, additional_headers=token) as socket:
        assert str(await socket.recv()).startswith("0{")


async def test_the_addon_brings_the_farms_own_authority_along(farm: "Farm") -> None:
    assert list(ADDON.glob("*.zip")), "make addon"
    parts = farm.parts
    files = authority_in(parts.settings.data_dir / "tls", "localhost")
    elsewhere = parts.settings.data_dir / "studio.pem"
    elsewhere.write_bytes(files.certificate.read_bytes())
    found = []
    for cert in (files.certificate, elsewhere):
        tls = Tls(cert=str(cert), key=str(files.key))
        parts.configuration.settings = parts.settings.model_copy(update={"tls": tls})
        transport = httpx.ASGITransport(build_app(parts))
        async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
            answer = await client.get("/tablao-addon.zip")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            is_there = "tablao/manager_authority.pem" in archive.namelist()
            found.append(is_there and archive.read("tablao/manager_authority.pem"))

    assert found == [files.authority.read_bytes(), False]
