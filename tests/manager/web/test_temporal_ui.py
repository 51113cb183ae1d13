"""Temporal's Web UI behind the login: who gets there, and what passes in either direction."""

import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from manager_api.settings.in_force import Configuration
from manager_api.web.app import build_app
from tests.manager.stand_in_farm import Farm
from tests.manager.web.people import Account

API = "/api/tablao/v1"
PAGE = b"<!doctype html><script>first()</script><p>UI<script>\nsecond()\n</script>"


class Ui:
    """A stand-in for the UI: it remembers what it was asked, and says much."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.location = ""
        ui = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                ui.asked.append((self.command, self.path, headers, body))
                is_page = self.path.endswith("/namespaces")
                answer = PAGE if is_page else b'{"ok": true}'
                self.send_response(308 if ui.location else 200)
                self.send_header("content-type", "text/html" if is_page else "application/json")
                self.send_header("content-length", str(len(answer)))
                self.send_header("set-cookie", "_csrf=abc123; Path=/; SameSite=Strict")
                self.send_header("set-cookie", "tablao-session=stolen; Path=/")
                self.send_header("content-security-policy", "default-src *")
                self.send_header("access-control-allow-origin", "*")
                self.send_header("connection", "close")
                if ui.location:
                    self.send_header("location", ui.location)
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_DELETE = do_GET  # noqa: N815 - the names are the library's

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def ui() -> Iterator[Ui]:
    ui = Ui()
    yield ui
    ui.end()


@pytest.fixture
async def client(farm: Farm, api: httpx.AsyncClient, ui: Ui) -> AsyncIterator[httpx.AsyncClient]:
    """On another machine, of a manager with the UI."""
    parts = replace(farm.parts, temporal_ui_server=ui.address)
    transport = httpx.ASGITransport(
        build_app(parts), raise_app_exceptions=False, client=("10.0.0.7", 4711)
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        yield client


async def test_roles(client: httpx.AsyncClient, api: httpx.AsyncClient, ui: Ui) -> None:
    statuses = {}
    for role in ("viewer", "artist", "wrangler", "admin"):
        account = await Account.made(api, role)
        headers = await account.token_headers(api)
        answer = await client.get("/temporal/api/v1/settings", headers=headers)
        statuses[role] = answer.status_code
    nobody = await client.get("/temporal/api/v1/settings")

    assert statuses == {"viewer": 403, "artist": 403, "wrangler": 200, "admin": 200}
    assert nobody.status_code == 401
    assert len(ui.asked) == 2


async def test_nothing_of_ours_passes_on_but_what_the_ui_needs(
    client: httpx.AsyncClient, api: httpx.AsyncClient, ui: Ui
) -> None:
    wanda = await Account.made(api, "wrangler")
    headers = await wanda.token_headers(api)
    more = {
        "cookie": "_csrf=fits; tablao-session=secret; other=1",
        "x-csrf-token": "fits",
        "x-forwarded-for": "1.2.3.4",
        "origin": "http://localhost:8080",
        "te": "trailers",
    }

    await client.post(
        "/temporal/api/v1/namespaces/default/workflows/job%2F1/terminate?reason=a%20b",
        content=b"{}",
        headers={**headers, **more},
    )

    ((method, path, passed, body),) = ui.asked
    assert (method, body) == ("POST", b"{}")
    assert path == "/temporal/api/v1/namespaces/default/workflows/job%2F1/terminate?reason=a%20b"
    assert passed["cookie"] == "_csrf=fits"
    assert passed["x-csrf-token"] == "fits"
    assert not {"authorization", "x-forwarded-for", "origin", "te"} & set(passed)
    assert "secret" not in str(passed)
    assert "tablao_" not in str(passed)


async def test_nothing_of_the_ui_passes_back_but_its_own_cookie_and_our_policy(
    client: httpx.AsyncClient, api: httpx.AsyncClient, ui: Ui
) -> None:
    wanda = await Account.made(api, "wrangler")
    headers = await wanda.token_headers(api)

    file = await client.get("/temporal/_app/start.js", headers=headers)
    page = await client.get("/temporal/namespaces", headers=headers)

    for answer in (file, page):
        assert answer.headers.get_list("set-cookie") == [
            "_csrf=abc123; Path=/temporal/; SameSite=strict"
        ]
        assert "access-control-allow-origin" not in answer.headers
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'self'" in policy
    assert page.content == PAGE
    digests = page.headers["content-security-policy"].partition("script-src ")[2].split()
    assert len(digests) == 3
    assert "'unsafe-inline'" not in digests
    assert file.headers["content-security-policy"].endswith("script-src 'self'")


@pytest.mark.parametrize(
    ("location", "passed"),
    [
        ("/temporal/namespaces", "/temporal/namespaces"),
        ("http://evil.example/", None),
        ("//evil.example/", None),
        ("/api/v3/jobs", None),
    ],
)
async def test_the_ui_leads_nowhere_else(
    client: httpx.AsyncClient,
    api: httpx.AsyncClient,
    ui: Ui,
    location: str,
    passed: str | None,
) -> None:
    wanda = await Account.made(api, "wrangler")
    ui.location = location

    answer = await client.get("/temporal/x", headers=await wanda.token_headers(api))

    assert answer.headers.get("location") == passed


async def test_the_audit_has_changes_and_counts_pages(
    client: httpx.AsyncClient, api: httpx.AsyncClient, farm: Farm, ui: Ui
) -> None:
    wanda = await Account.made(api, "wrangler")
    headers = await wanda.token_headers(api)
    for _ in range(3):
        await client.get("/temporal/namespaces", headers=headers)
    query = "/temporal/api/v1/namespaces/default/workflows/job-1/query/__stack_trace"
    await client.post(query, headers=headers)
    await client.delete("/temporal/api/v1/namespaces/default/schedules/x", headers=headers)
    await farm.parts.refusals.store()

    entries = (await api.get(f"{API}/audit")).json()["entries"]
    found = {each["action"]: each for each in entries if "TemporalUi" in each["action"]}

    assert {each: found[each]["times"] for each in found} == {
        "openTemporalUi": 4,
        "useTemporalUi": 1,
    }
    assert found["useTemporalUi"]["target"] == "api/v1/namespaces/default/schedules/x"
    assert {each["name"] for each in found.values()} == {wanda.name}


async def test_a_page_of_another_site_changes_nothing(
    client: httpx.AsyncClient, api: httpx.AsyncClient, ui: Ui
) -> None:
    wanda = await Account.made(api, "wrangler")
    cookie = await wanda.session_cookie(client)
    foreign: list[dict[str, str]] = [
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example"},
        {},
    ]

    refused = [
        await client.post("/temporal/api/v1/x", headers={"cookie": cookie, **each})
        for each in foreign
    ]
    own = await client.post(
        "/temporal/api/v1/x", headers={"cookie": cookie, "sec-fetch-site": "same-origin"}
    )

    assert [each.status_code for each in refused] == [403, 403, 401]
    assert own.status_code == 200
    assert len(ui.asked) == 1


async def test_a_ui_that_is_away_and_one_that_was_not_asked_for(
    client: httpx.AsyncClient, api: httpx.AsyncClient, ui: Ui
) -> None:
    wanda = await Account.made(api, "wrangler")
    headers = await wanda.token_headers(api)
    ui.end()

    away = await client.get("/temporal/namespaces", headers=headers)
    none = await api.get("/temporal/namespaces")

    assert away.status_code == 503
    assert none.status_code == 404
    assert "temporal_ui" in none.json()["message"]


async def test_below_the_path_of_a_larger_site(farm: Farm, api: httpx.AsyncClient, ui: Ui) -> None:
    settings = farm.parts.settings.model_copy(update={"public_url": "https://farm.studio/tablao"})
    parts = replace(
        farm.parts, configuration=Configuration(settings), temporal_ui_server=ui.address
    )
    transport = httpx.ASGITransport(build_app(parts), raise_app_exceptions=False)
    token: dict[str, Any] = {"headers": api.headers}
    async with httpx.AsyncClient(transport=transport, base_url="https://farm.studio") as client:
        answer = await client.get("/tablao/temporal/namespaces", **token)
        lead = await client.get("/tablao/temporal", **token)

    assert answer.status_code == 200
    assert ui.asked[0][1] == "/tablao/temporal/namespaces"
    assert lead.headers["location"] == "/tablao/temporal/"
    assert answer.headers.get_list("set-cookie") == [
        "_csrf=abc123; Path=/tablao/temporal/; SameSite=strict; Secure"
    ]
