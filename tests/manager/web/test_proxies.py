"""Who a request is from, if a proxy passed it on: the word of a trusted proxy, of no other."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from manager_api.settings.model import ManagerSettings
from manager_api.web.proxies import Caller, TrustedProxies, client_of

PROXY, OTHER_PROXY, CLIENT = "10.0.0.1", "10.0.0.2", "192.168.1.7"


@dataclass
class Inner:
    """The application behind the middleware. It answers when `may_answer` is set."""

    callers: list[Caller] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    holds: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.callers.append(client_of(scope))
        if self.holds:
            await self.may_answer.wait()
        await PlainTextResponse("served")(scope, receive, send)


def client(
    inner: Inner, tmp_path: Path, peer: str, headers: Any = None, **settings: Any
) -> httpx.AsyncClient:
    given: Any = {"trusted_proxies": (PROXY, "10.9.0.0/16"), "data_dir": tmp_path}
    app = TrustedProxies(inner, ManagerSettings(**given | settings))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, client=(peer, 1234)),
        base_url="http://farm",
        headers=headers,
    )


async def called(tmp_path: Path, peer: str, headers: Any) -> Caller:
    inner = Inner()
    async with client(inner, tmp_path, peer, headers) as http:
        assert (await http.get("/")).text == "served"
    [caller] = inner.callers
    return caller


FROM_CLIENT = {"x-forwarded-for": CLIENT, "x-forwarded-proto": "https"}


@pytest.mark.parametrize("peer", [PROXY, "10.9.8.7", "::ffff:10.0.0.1", "127.0.0.1", "::1"])
async def test_a_trusted_proxy_says_who_the_client_is(tmp_path: Path, peer: str) -> None:
    assert await called(tmp_path, peer, FROM_CLIENT) == Caller(CLIENT, True, True)


@pytest.mark.parametrize("peer", [CLIENT, OTHER_PROXY, "10.8.0.1", "fd00::1", "nonsense"])
async def test_any_other_client_speaks_for_itself(tmp_path: Path, peer: str) -> None:
    headers = {"x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https"}

    assert await called(tmp_path, peer, headers) == Caller(peer, False, False)


@pytest.mark.parametrize(
    ("hops", "address"),
    [
        (f"127.0.0.1, {CLIENT}", CLIENT),
        (f"127.0.0.1, {CLIENT}, 10.9.0.1", CLIENT),
        (f"127.0.0.1,{CLIENT},10.9.0.1,::ffff:10.0.0.1", CLIENT),
        (f"1.2.3.4, {OTHER_PROXY}", OTHER_PROXY),
        # What is no address was said by the client, and may be of any length.
        (f"{CLIENT}, nonsense", ""),
        ("x" * 3000, ""),
        ("[fd00::7]:443", "fd00::7"),
        (f"{CLIENT}:5555", CLIENT),
        # Each of them is trusted, so the first one is the client itself.
        ("10.9.0.1, 10.9.0.2", "10.9.0.1"),
        ("", PROXY),
    ],
)
async def test_the_last_untrusted_hop_is_the_client(
    tmp_path: Path, hops: str, address: str
) -> None:
    assert (await called(tmp_path, PROXY, {"x-forwarded-for": hops})).address == address


async def test_hops_in_several_headers_are_one_list(tmp_path: Path) -> None:
    headers = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", CLIENT)]

    assert (await called(tmp_path, PROXY, headers)).address == CLIENT


@pytest.mark.parametrize("scheme", ["HTTPS, http", "javascript", "", "https,http"])
async def test_a_scheme_that_makes_no_sense_is_not_secure(tmp_path: Path, scheme: str) -> None:
    headers = {"x-forwarded-for": CLIENT, "x-forwarded-proto": scheme}

    assert not (await called(tmp_path, PROXY, headers)).is_secure


async def test_forwarded_is_not_read(tmp_path: Path) -> None:
    caller = await called(tmp_path, PROXY, {"forwarded": f"for={CLIENT};proto=https"})

    assert caller == Caller(PROXY, False, True)


async def test_a_program_on_this_machine_is_no_proxy_until_it_says_so(tmp_path: Path) -> None:
    assert await called(tmp_path, "127.0.0.1", {}) == Caller("127.0.0.1", False, False)
    said = ("x-forwarded-for", "forwarded", "via", "x-forwarded-host", "X-Forwarded-Server")
    for header in (*said, "X-Real-IP", "cf-connecting-ip", "true-client-ip", "x-client-ip"):
        caller = await called(tmp_path, "127.0.0.1", {header: "127.0.0.1"})
        assert caller == Caller("127.0.0.1", False, True)


@pytest.mark.parametrize(
    ("settings", "peer", "status"),
    [
        ({}, CLIENT, 403),
        ({}, PROXY, 200),
        ({}, "127.0.0.1", 200),
        ({"insecure": True}, CLIENT, 200),
        ({"tls": {"cert": "c", "key": "k"}}, CLIENT, 200),
        ({"listen": "127.0.0.1:8080"}, CLIENT, 200),
    ],
)
async def test_plain_http_from_the_network_is_for_proxies_only(
    tmp_path: Path, settings: dict[str, Any], peer: str, status: int
) -> None:
    inner = Inner()
    async with client(inner, tmp_path, peer, **({"listen": ":8080"} | settings)) as http:
        answer = await http.get("/", headers=FROM_CLIENT)

    assert answer.status_code == status
    if status == 403:
        assert "trusted_proxies" in answer.json()["message"]


async def test_each_client_behind_a_proxy_has_its_own_limit(tmp_path: Path) -> None:
    inner = Inner(holds=True)
    async with client(inner, tmp_path, PROXY, max_connections=2) as http:

        def ask(address: str) -> "asyncio.Task[httpx.Response]":
            return asyncio.create_task(http.get("/", headers={"x-forwarded-for": address}))

        first = [ask(CLIENT), ask(CLIENT), ask("192.168.1.8")]
        async with asyncio.timeout(60):
            while len(inner.callers) < 3:  # noqa: ASYNC110 -- nothing tells but the list
                await asyncio.sleep(0)
        refused = await ask(CLIENT)
        inner.may_answer.set()
        answers = [await each for each in first]
        later = await ask(CLIENT)

    assert (refused.status_code, refused.json()["code"]) == (429, 429)
    assert [each.status_code for each in (*answers, later)] == [200] * 4
