"""Who may call."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute

from manager_api.web.app import ROUTERS, build_app
from manager_api.web.auth import anybody, the_worker

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


def _decided(dependant: Dependant) -> bool:
    return dependant.call in (anybody, the_worker) or any(map(_decided, dependant.dependencies))


@pytest.mark.parametrize(
    "route",
    [pytest.param(route, id=f"{route.path}") for router in ROUTERS for route in router.routes],  # type: ignore[attr-defined] # all of them have a path
)
def test_every_route_says_who_may_call(route: Any) -> None:
    assert isinstance(route, APIRoute | APIWebSocketRoute)
    assert _decided(route.dependant)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "192.168.1.7", "", "::1"])
async def test_only_this_machine_is_served_by_default(api: httpx.AsyncClient, host: str) -> None:
    answer = await api.get("/api/v3/jobs", headers={"host": host})

    assert (answer.status_code, answer.json()["code"]) == (403, 403)
    assert "allowed_hosts" in answer.json()["message"]


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080"])
async def test_this_machine_has_several_names(api: httpx.AsyncClient, host: str) -> None:
    answer = await api.get("/api/v3/jobs", headers={"host": host})

    assert answer.status_code == 200


async def test_everybody_is_served_when_that_was_asked_for(farm: "Farm") -> None:
    parts = farm.parts
    network = {"insecure": True, "allowed_hosts": ("farm.studio",)}
    parts.configuration.settings = parts.settings.model_copy(update=network)
    transport = httpx.ASGITransport(build_app(parts))

    async with httpx.AsyncClient(transport=transport, base_url="http://farm.studio") as client:
        answer = await client.get("/api/v3/jobs")

    assert answer.status_code == 200
