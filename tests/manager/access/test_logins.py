"""Logging in and out: passwords, one-time links, sessions and what ends them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.access.local_admin import LINK_S, LocalAdmin
from manager_api.access.passwords import TooManyTries, TryLimit
from manager_api.web.app import build_app

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

API = "/api/tablao/v1"
PASSWORD = "a las cinco de la tarde"


async def person(api: httpx.AsyncClient, name: str = "lola", role: str = "wrangler") -> Any:
    asked = {"name": name, "role": role, "password": PASSWORD}
    answer = await api.post(f"{API}/accounts", json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
async def browser(farm: "Farm", api: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on another machine, on a page of the manager."""
    transport = httpx.ASGITransport(
        build_app(farm.parts), raise_app_exceptions=False, client=("10.0.0.7", 4711)
    )
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://localhost:8080",
        headers={"sec-fetch-site": "same-origin", "user-agent": "Firefox"},
    ) as client:
        yield client


async def log_in(client: httpx.AsyncClient, name: str = "lola", password: str = PASSWORD) -> int:
    answer = await client.post(f"{API}/login", json={"name": name, "password": password})
    return answer.status_code


async def test_a_password_begins_a_session_that_a_page_cannot_read(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(api)

    answer = await browser.post(f"{API}/login", json={"name": " Lola ", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    me = (await browser.get(f"{API}/me")).json()

    assert (answer.status_code, me["name"], me["role"]) == (200, "lola", "wrangler")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(
    ("name", "password"), [("lola", "wrong"), ("nobody", PASSWORD), ("", ""), ("x" * 80, "\0" * 9)]
)
async def test_a_wrong_login_does_not_say_what_is_wrong(
    api: httpx.AsyncClient, browser: httpx.AsyncClient, name: str, password: str
) -> None:
    await person(api)

    answer = await browser.post(f"{API}/login", json={"name": name, "password": password})

    assert answer.status_code in (400, 401)
    assert "set-cookie" not in answer.headers
    if answer.status_code == 401:
        assert answer.json()["message"] == "the name or the password is wrong"


async def test_wrong_passwords_are_limited_and_a_right_one_then_too(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(api)

    wrong = [await log_in(browser, password="wrong") for _ in range(6)]
    right = await log_in(browser)

    assert wrong == [401] * 5 + [429]
    assert right == 429


def test_tries_are_limited_for_an_address_too_and_come_back() -> None:
    now = 0.0
    limit = TryLimit(lambda: now)
    for number in range(50):
        limit.begin(f"account {number}", "10.0.0.7")

    with pytest.raises(TooManyTries):
        limit.begin("another", "10.0.0.7")
    limit.begin("another", "10.0.0.8")
    now += 31.0
    limit.begin("another", "10.0.0.7")


def test_right_passwords_leave_an_address_as_many_tries_as_before() -> None:
    limit = TryLimit(lambda: 0.0)
    for number in range(200):
        limit.begin(f"account {number}", "10.0.0.7")
        limit.right(f"account {number}", "10.0.0.7")

    limit.begin("another", "10.0.0.7")


async def test_passwords_tried_at_the_same_time_are_limited_too(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(api)

    tried = await asyncio.gather(*(log_in(browser, password=f"wrong {n}") for n in range(20)))

    assert sorted(tried) == [401] * 5 + [429] * 15


def test_an_account_is_locked_no_longer_for_many_tries_at_the_same_time() -> None:
    now = 0.0
    limit = TryLimit(lambda: now)
    for number in range(100):
        with contextlib.suppress(TooManyTries):
            limit.begin("lola", f"10.0.0.{number}")
    now += 31.0

    limit.begin("lola", "10.0.0.200")


@pytest.mark.parametrize(
    "change", [{"password": "otra contraseña"}, {"is_disabled": True}, None], ids=str
)
async def test_a_login_that_began_before_the_account_was_changed_is_refused(
    farm: "Farm",
    api: httpx.AsyncClient,
    browser: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any] | None,
) -> None:
    account = f"{API}/accounts/{(await person(api))['id']}"
    fits = farm.parts.passwords.fits

    async def fits_and_is_changed(password: str, stored: str | None) -> bool:
        found = await fits(password, stored)
        await (api.patch(account, json=change) if change else api.delete(account))
        return found

    monkeypatch.setattr(farm.parts.passwords, "fits", fits_and_is_changed)

    assert await log_in(browser) == 401
    assert (await browser.get(f"{API}/me")).json()["name"] == ""


async def test_a_cookie_counts_only_for_pages_of_the_manager(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(api)
    await log_in(browser)
    changes = f"{API}/shaman/collect-garbage"

    statuses = []
    for site in ("cross-site", "same-site", ""):
        del browser.headers["sec-fetch-site"]
        browser.headers.update({"sec-fetch-site": site} if site else {})
        statuses.append((await browser.post(changes)).status_code)
        browser.headers["sec-fetch-site"] = "same-origin"
    of_origin = await browser.post(changes, headers={"origin": "http://evil.example"})

    assert statuses == [403, 403, 401]
    assert of_origin.status_code != 401, "Sec-Fetch-Site comes first"


async def test_logging_out_ends_the_session(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(api)
    await log_in(browser)
    kept = dict(browser.cookies)

    await browser.post(f"{API}/logout")
    browser.cookies.update(kept)

    assert (await browser.get("/api/v3/jobs")).status_code == 401


@pytest.mark.parametrize(
    ("change", "is_out"),
    [
        ({"is_disabled": True}, True),
        ({"password": "otra contraseña"}, True),
        ({"role": "viewer"}, False),
    ],
)
async def test_what_changes_at_an_account_counts_at_once(
    api: httpx.AsyncClient,
    browser: httpx.AsyncClient,
    change: dict[str, Any],
    is_out: bool,
) -> None:
    account = await person(api)
    await log_in(browser)
    await browser.get("/api/v3/jobs")

    await api.patch(f"{API}/accounts/{account['id']}", json=change)
    me = (await browser.get(f"{API}/me")).json()

    assert (me["kind"] == "nobody") == is_out
    assert is_out or me["role"] == "viewer"


async def test_a_new_password_ends_the_other_sessions_only(
    farm: "Farm", api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(api)
    await log_in(browser)
    others = browser.cookies["tablao-session"]
    browser.cookies.clear()
    await log_in(browser)

    change = {"old": PASSWORD, "new": "verde que te quiero"}
    wrong = await browser.put(f"{API}/me/password", json={**change, "old": "wrong"})
    changed = await browser.put(f"{API}/me/password", json=change)
    sessions = (await browser.get(f"{API}/me/sessions")).json()["sessions"]
    browser.cookies.set("tablao-session", others)

    assert (wrong.status_code, changed.status_code) == (400, 204)
    assert [each["is_this"] for each in sessions] == [True]
    assert sessions[0]["agent"] == "Firefox"


async def test_one_ends_only_ones_own_sessions(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(api)
    await person(api, "pepe")
    await log_in(browser, "pepe")
    (of_pepe,) = (await browser.get(f"{API}/me/sessions")).json()["sessions"]
    browser.cookies.clear()
    await log_in(browser)

    answer = await browser.delete(f"{API}/me/sessions/{of_pepe['id']}")

    assert answer.status_code == 404


async def test_the_last_administrator_stays(
    api: httpx.AsyncClient,
) -> None:
    only = await person(api, "only", "admin")
    address = f"{API}/accounts/{only['id']}"

    refused = [
        await api.patch(address, json={"role": "wrangler"}),
        await api.patch(address, json={"is_disabled": True}),
        await api.delete(address),
    ]
    await person(api, "second", "admin")
    allowed = await api.delete(address)

    assert [each.status_code for each in refused] == [409, 409, 409]
    assert allowed.status_code == 204


# --- the manager's own user -----------------------------------------------------------------------


async def test_a_link_logs_in_as_administrator_once(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    link = (await api.post(f"{API}/login-links")).json()

    first = await browser.post(f"{API}/login/link", json={"code": link["code"]})
    me = (await browser.get(f"{API}/me")).json()
    browser.cookies.clear()
    second = await browser.post(f"{API}/login/link", json={"code": link["code"]})

    assert (first.status_code, me["role"]) == (200, "admin")
    assert second.status_code == 401
    asked = {"action": "logInWithLink"}
    entries = (await api.get(f"{API}/audit", params=asked)).json()["entries"]
    assert [each["name"] for each in entries if each["outcome"] == "done"] == [me["name"]]
    assert link["path"] == f"/app/login#link={link['code']}"


def test_a_link_is_good_for_ten_minutes() -> None:
    now = 0.0
    local = LocalAdmin(lambda: now)
    code, late = local.new_link(), local.new_link()

    assert local.take_link(code)
    now += LINK_S + 1
    assert not local.take_link(late)
    assert not local.take_link("")


async def test_an_administrator_elsewhere_makes_no_links(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(api, "boss", "admin")
    await log_in(browser, "boss")

    assert (await browser.post(f"{API}/login-links")).status_code == 403


async def test_the_token_s_file_is_for_its_user_only(farm: "Farm", api: httpx.AsyncClient) -> None:
    file = farm.parts.settings.data_dir / "local-admin-token"

    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().split()[0] == farm.parts.identities.local.token


# --- tokens ---------------------------------------------------------------------------------------


async def test_a_token_may_do_what_scopes_and_role_both_allow(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(api, role="artist")
    await log_in(browser)

    made = await browser.post(
        f"{API}/me/tokens", json={"name": "ci", "scopes": ["read", "admin", "workers"], "days": 1}
    )
    listed = (await browser.get(f"{API}/me/tokens")).json()
    browser.cookies.clear()
    shown = {"authorization": f"Bearer {made.json()['secret']}"}
    me = (await browser.get(f"{API}/me", headers=shown)).json()

    assert made.status_code == 201
    assert me["permissions"] == ["read"]
    assert made.json()["secret"].startswith("tablao_user_")
    assert made.json()["secret"] not in str(listed)


@pytest.mark.parametrize("scopes", [["submit"], ["read"], ["read", "admin"]])
async def test_a_token_makes_no_tokens(
    api: httpx.AsyncClient, browser: httpx.AsyncClient, scopes: list[str]
) -> None:
    await person(api, role="artist")
    await log_in(browser)
    small = await browser.post(
        f"{API}/me/tokens", json={"name": "small", "scopes": ["read"], "days": 1}
    )
    browser.cookies.clear()

    answer = await browser.post(
        f"{API}/me/tokens",
        json={"name": "for ever", "scopes": scopes},
        headers={"authorization": f"Bearer {small.json()['secret']}"},
    )

    assert answer.status_code == 403


async def test_an_administrators_token_hands_out_no_more_than_it_has(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    service = {"name": "ci", "role": "wrangler", "is_service": True}
    address = f"{API}/accounts/{(await api.post(f'{API}/accounts', json=service)).json()['id']}"
    await person(api, role="admin")
    await log_in(browser)
    small = await browser.post(f"{API}/me/tokens", json={"name": "small", "scopes": ["admin"]})
    browser.cookies.clear()

    answer = await browser.post(
        f"{address}/tokens",
        json={"name": "large", "scopes": ["jobs:all"]},
        headers={"authorization": f"Bearer {small.json()['secret']}"},
    )

    assert answer.status_code == 403


async def test_a_token_ends_no_sessions_and_removes_no_token_but_itself(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(api, role="artist")
    await log_in(browser)
    asked = {"name": "on a screen", "scopes": ["read"]}
    shown, other = [(await browser.post(f"{API}/me/tokens", json=asked)).json() for _ in range(2)]
    (session,) = (await browser.get(f"{API}/me/sessions")).json()["sessions"]
    browser.cookies.clear()
    browser.headers["authorization"] = f"Bearer {shown['secret']}"

    refused = [
        await browser.delete(f"{API}/me/sessions/{session['id']}"),
        await browser.delete(f"{API}/me/tokens/{other['token']['id']}"),
    ]
    removed = await browser.delete(f"{API}/me/tokens/{shown['token']['id']}")

    assert [each.status_code for each in refused] == [403, 403]
    assert removed.status_code == 204


async def test_a_removed_token_is_out_at_once(
    api: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    service = await api.post(
        f"{API}/accounts", json={"name": "pipeline", "role": "artist", "is_service": True}
    )
    address = f"{API}/accounts/{service.json()['id']}/tokens"
    made = (await api.post(address, json={"name": "x", "scopes": ["read"]})).json()
    shown = {"authorization": f"Bearer {made['secret']}"}
    before = await browser.get("/api/v3/jobs", headers=shown)

    await api.delete(f"{address}/{made['token']['id']}")
    after = await browser.get("/api/v3/jobs", headers=shown)

    assert made["secret"].startswith("tablao_service_")
    assert (before.status_code, after.status_code) == (200, 401)


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "Ñ", "role": "viewer", "password": PASSWORD},
        {"name": "", "role": "viewer", "password": PASSWORD},
        {"name": "a" * 65, "role": "viewer", "password": PASSWORD},
        {"name": "../x", "role": "viewer", "password": PASSWORD},
        {"name": "lola", "role": "viewer", "password": "short"},
        {"name": "lola", "role": "viewer"},
        {"name": "lola", "role": "king", "password": PASSWORD},
        {"name": "bot", "role": "viewer", "is_service": True, "password": PASSWORD},
    ],
)
async def test_a_wrong_account_is_refused(api: httpx.AsyncClient, asked: dict[str, Any]) -> None:
    assert (await api.post(f"{API}/accounts", json=asked)).status_code == 400


async def test_a_name_is_taken_once(api: httpx.AsyncClient) -> None:
    await person(api)
    asked = {"name": "LOLA", "role": "viewer", "password": PASSWORD}

    assert (await api.post(f"{API}/accounts", json=asked)).status_code == 409


@pytest.mark.parametrize(("client", "code"), [("10.0.0.7", 200), ("10.0.0.8", 401)])
async def test_the_local_token_counts_at_an_address_of_its_machine(
    farm: "Farm", client: str, code: int
) -> None:
    reach = {"listen": "10.0.0.7:8080", "insecure": True}
    farm.parts.configuration.settings = farm.parts.settings.model_copy(update=reach)
    transport = httpx.ASGITransport(build_app(farm.parts), client=(client, 4711))
    shown = {"authorization": f"Bearer {farm.parts.identities.local.token}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://10.0.0.7:8080", headers=shown
    ) as caller:
        answer = await caller.get(f"{API}/accounts")

    assert answer.status_code == code
