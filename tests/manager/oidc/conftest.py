"""A manager with the studio's own login, whose provider is on this machine."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn

from manager_api.settings.sections import Oidc
from manager_api.web.app import build_app
from tests.manager.oidc.provider import CLIENT, SECRET, FakeProvider, Person

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    found = FakeProvider()
    config = uvicorn.Config(found.app, port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    found.is_at(f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
    yield found
    await server.shutdown()


@pytest.fixture
def oidc(farm: "Farm", provider: FakeProvider) -> Oidc:
    """The settings; they are in force."""
    settings = Oidc(
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret=SECRET,
        admin_groups="tds",
        artist_groups="cn=artists,dc=studio; artists",
    )
    configuration = farm.parts.configuration
    configuration.settings = farm.parts.settings.model_copy(update={"oidc": settings})
    return settings


@pytest.fixture
async def person(
    farm: "Farm", api: httpx.AsyncClient, oidc: Oidc, provider: FakeProvider
) -> AsyncIterator[Person]:
    async with a_browser(farm) as client:
        yield Person(client, provider)


def a_browser(farm: "Farm") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(
        build_app(farm.parts), raise_app_exceptions=False, client=("10.0.0.7", 4711)
    )
    return httpx.AsyncClient(
        transport=transport,
        base_url="http://localhost:8080",
        headers={"sec-fetch-site": "same-origin", "user-agent": "Firefox"},
    )
