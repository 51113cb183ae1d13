"""WebSockets: who may open them, and that they end with a login."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from workflows.domain.access import PERMISSIONS, Permission, Role

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

API = "/api/tablao/v1"
EVENTS = (f"{API}/events", "/socket.io/?EIO=3&transport=websocket")
PASSWORD = "vino amargo"


@pytest.fixture
async def admin(served: str, farm: "Farm") -> httpx.AsyncClient:
    token = farm.parts.identities.local.token
    return httpx.AsyncClient(
        base_url=f"http://{served}", headers={"authorization": f"Bearer {token}"}
    )


async def token_of(admin: httpx.AsyncClient, role: Role, *scopes: Permission) -> Mapping[str, str]:
    account = {"name": f"the-{role}", "role": role, "password": PASSWORD}
    made = (await admin.post(f"{API}/accounts", json=account)).json()
    address = f"{API}/accounts/{made['id']}/tokens"
    wanted = {"name": "x", "scopes": list(scopes or Permission)}
    token = (await admin.post(address, json=wanted)).json()
    return {"secret": token["secret"], "address": f"{address}/{token['token']['id']}"}


async def is_open(served: str, path: str, headers: Mapping[str, str]) -> bool:
    try:
        async with connect(f"ws://{served}{path}", additional_headers=headers) as socket:
            await socket.ping()
            return True
    except InvalidStatus as refused:
        return refused.response.status_code != 403


async def code_of_end(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(60):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code


@pytest.mark.parametrize("path", EVENTS)
@pytest.mark.parametrize("role", Role)
async def test_events_are_for_who_may_look(
    served: str, farm: "Farm", admin: httpx.AsyncClient, role: Role, path: str
) -> None:
    configuration = farm.parts.configuration
    configuration.settings = farm.parts.settings.model_copy(update={"loopback": "token"})
    token = await token_of(admin, role)

    assert not await is_open(served, path, {})
    assert await is_open(served, path, {"authorization": f"Bearer {token['secret']}"}) == (
        Permission.READ in PERMISSIONS[role]
    )


@pytest.mark.parametrize("path", EVENTS)
async def test_events_are_not_for_who_may_only_submit(
    served: str, admin: httpx.AsyncClient, path: str
) -> None:
    token = await token_of(admin, Role.ADMIN, Permission.SUBMIT)

    assert not await is_open(served, path, {"authorization": f"Bearer {token['secret']}"})
    assert not await is_open(served, path, {"authorization": "Bearer tablao_user_wrong"})
    assert not await is_open(served, path, {"origin": "http://evil.example"})


@pytest.mark.parametrize("path", EVENTS)
async def test_an_open_socket_ends_with_its_token(
    served: str, admin: httpx.AsyncClient, path: str
) -> None:
    token = await token_of(admin, Role.VIEWER)
    shown = {"authorization": f"Bearer {token['secret']}"}
    async with connect(f"ws://{served}{path}", additional_headers=shown) as socket:
        await admin.delete(token["address"])

        assert await code_of_end(socket) == 4401


async def test_an_open_socket_ends_when_its_user_becomes_this_machine(
    served: str, admin: httpx.AsyncClient
) -> None:
    code = (await admin.post(f"{API}/login-links")).json()["code"]
    own_page = {"sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(base_url=f"http://{served}", headers=own_page) as browser:
        await browser.post(f"{API}/login/link", json={"code": code})
        headers = {"cookie": f"tablao-session={browser.cookies['tablao-session']}", **own_page}
        async with connect(f"ws://{served}{EVENTS[0]}", additional_headers=headers) as socket:
            await browser.post(f"{API}/logout")

            assert await code_of_end(socket) == 4401
        assert await is_open(served, EVENTS[0], headers), "this machine may look"


async def test_an_open_socket_ends_with_its_session(
    served: str, farm: "Farm", admin: httpx.AsyncClient
) -> None:
    configuration = farm.parts.configuration
    configuration.settings = farm.parts.settings.model_copy(update={"loopback": "token"})
    account = {"name": "lola", "role": "viewer", "password": PASSWORD}
    made = (await admin.post(f"{API}/accounts", json=account)).json()
    async with httpx.AsyncClient(
        base_url=f"http://{served}", headers={"sec-fetch-site": "same-origin"}
    ) as browser:
        await browser.post(f"{API}/login", json={"name": "lola", "password": PASSWORD})
        cookie = f"tablao-session={browser.cookies['tablao-session']}"
    headers = {"cookie": cookie, "sec-fetch-site": "same-origin"}

    assert not await is_open(served, EVENTS[0], {"cookie": cookie}), "a program with a cookie"
    async with connect(f"ws://{served}{EVENTS[0]}", additional_headers=headers) as socket:
        await admin.delete(f"{API}/accounts/{made['id']}/sessions")

        assert await code_of_end(socket) == 4401
