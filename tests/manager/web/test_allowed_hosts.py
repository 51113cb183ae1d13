"""By which names the manager may be called: never by one that another site has made up."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from manager_api.settings.model import ManagerSettings
from manager_api.tls.machine_names import names_of_machine
from manager_api.web.allowed_hosts import AllowedHosts
from manager_api.web.app import build_app
from workflows.domain import control

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

LOOPBACK = ["localhost", "LOCALHOST.:80", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080"]
LOOPBACK += ["[::ffff:127.0.0.1]"]
FOREIGN = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "rebound.localhost"]
FOREIGN += ["", "[", "::1", "127.1", "0x7f000001", "xn--nxasmq6b", "farm.studio@evil.example"]
NETWORK = {"listen": "192.168.1.7:8080", "insecure": True}
PUBLIC = {"public_url": "https://Farm.studio:8443/tablao/"}


def hosts(tmp_path: Path, **settings: Any) -> AllowedHosts:
    return AllowedHosts(ManagerSettings(data_dir=tmp_path, **settings))


@pytest.mark.parametrize("settings", [{}, NETWORK, PUBLIC, {"listen": ":1", "insecure": True}])
def test_loopback_is_always_allowed_and_foreign_names_never(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    allowed = hosts(tmp_path, **settings)

    assert all(map(allowed.allow, LOOPBACK))
    assert not any(map(allowed.allow, FOREIGN))


def test_a_manager_for_this_machine_has_no_other_names(tmp_path: Path) -> None:
    allowed = hosts(tmp_path)

    assert not any(map(allowed.allow, {*names_of_machine(), "192.168.1.7"} - {"localhost"}))


def test_a_manager_for_the_network_has_its_machines_names_and_any_address(tmp_path: Path) -> None:
    allowed = hosts(tmp_path, **NETWORK)

    assert all(map(allowed.allow, [*names_of_machine(), "192.168.1.7:8080", "[fd00::7]:1"]))


@pytest.mark.parametrize("host", ["farm.studio", "FARM.studio.:8443"])
def test_the_public_address_is_one_of_its_names(tmp_path: Path, host: str) -> None:
    assert hosts(tmp_path, **PUBLIC).allow(host)


def test_names_are_added_by_the_setting(tmp_path: Path) -> None:
    allowed = hosts(tmp_path, allowed_hosts=("Farm", "10.1.1.1"))

    assert all(map(allowed.allow, ["farm:8080", "10.1.1.1"]))
    assert not any(map(allowed.allow, ["farm.studio", "10.1.1.2"]))


async def test_an_unknown_name_gets_a_sentence_that_names_the_setting(
    api: httpx.AsyncClient,
) -> None:
    for path in ("/api/v3/version", "/app/icon.svg", "/nowhere", "/api/v3/worker/state"):
        answer = await api.get(path, headers={"host": "evil.example"})

        assert (answer.status_code, answer.json()["code"]) == (403, 403)
        assert "allowed_hosts" in answer.json()["message"]


async def test_a_host_is_not_told_that_it_was_deleted(served: str) -> None:
    """A host that is refused with 403 ends: it takes that for its dismissal."""
    host, _, port = served.partition(":")
    for path in (control.PATH, "/api/tablao/v1/events"):
        with pytest.raises(InvalidStatus) as refusal:
            await connect(f"ws://evil.example{path}", host=host, port=int(port))

        assert refusal.value.response.status_code == 421


async def test_the_public_page_may_command_the_farm_whatever_host_the_proxy_names(
    farm: "Farm",
) -> None:
    parts = farm.parts
    parts.configuration.settings = parts.settings.model_copy(
        update={"public_url": "https://farm.studio/tablao"}
    )
    transport = httpx.ASGITransport(build_app(parts))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        statuses = {
            origin: (await client.put("/nowhere", headers={"origin": origin})).status_code
            for origin in (
                "https://farm.studio",
                "https://farm.studio:443",
                "http://farm.studio",
                "https://farm.studio.evil.example",
                "https://farm.studio:8443",
            )
        }

    assert list(statuses.values()) == [404, 404, 403, 403, 403]
