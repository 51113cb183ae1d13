"""Logging out: here and at the provider, and because the provider says so."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select
from websockets.asyncio.client import connect

from manager_api.database.tables import SessionRow
from manager_api.oidc import seal
from manager_api.settings.sections import Oidc
from tests.manager.access.test_sockets import code_of_end
from tests.manager.oidc.conftest import a_browser
from tests.manager.oidc.provider import (
    LOGIN,
    LOGOUT_EVENT,
    OTHER_KEY,
    FakeProvider,
    Person,
    signed,
    unsigned,
)
from tests.manager.oidc.test_logins import entries

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

API = "/api/tablao/v1"
BACK_CHANNEL = f"{LOGIN}/back-channel-logout"
NOW = int(time.time())


async def log_out(person: Person) -> str:
    answer = await person.client.post(f"{API}/logout")
    return str(answer.json()["continue_at"])


async def sent(client: httpx.AsyncClient, token: str) -> int:
    return (await client.post(BACK_CHANNEL, data={"logout_token": token})).status_code


async def test_a_logout_leads_to_the_provider_and_back(
    person: Person, provider: FakeProvider
) -> None:
    await person.log_in()
    cookies = dict(person.client.cookies)

    there = urlsplit(await log_out(person))
    asked = {name: values[0] for name, values in parse_qs(there.query).items()}
    person.client.cookies.update(cookies)

    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{provider.issuer}/end"
    assert asked["client_id"] == "farm"
    assert asked["post_logout_redirect_uri"] == "http://localhost:8080/app/login"
    assert asked["id_token_hint"].count(".") == 2
    assert (await person.me())["kind"] == "nobody"


async def test_a_provider_without_a_logout_page_is_left_alone(
    person: Person, provider: FakeProvider
) -> None:
    del provider.document["end_session_endpoint"]
    await person.log_in()

    assert await log_out(person) == ""
    assert (await person.me())["kind"] == "nobody"


async def test_a_session_ends_here_though_the_provider_is_away(
    farm: "Farm", person: Person, provider: FakeProvider
) -> None:
    await person.log_in()
    farm.parts.oidc._provider = None  # what another manager knows of it: nothing
    provider.document["token_endpoint"] = "http://10.0.0.7/"

    assert await log_out(person) == ""
    assert (await person.me())["kind"] == "nobody"


@pytest.mark.parametrize("issuer", ["", "http://127.0.0.1:9"])
async def test_people_of_a_provider_that_is_not_set_any_more_are_out(
    farm: "Farm", person: Person, oidc: Oidc, issuer: str
) -> None:
    await person.log_in()
    changed = oidc.model_copy(update={"issuer": issuer})
    configuration = farm.parts.configuration
    configuration.settings = farm.parts.settings.model_copy(update={"oidc": changed})
    farm.parts.identities.forget()

    assert (await person.me())["kind"] == "nobody"
    assert await log_out(person) == ""


async def test_the_database_alone_shows_no_id_token(farm: "Farm", person: Person) -> None:
    await person.log_in()
    cookie = person.client.cookies["tablao-session"]
    async with farm.parts.database.reading() as session:
        kept = await session.scalar(select(SessionRow.sealed_id_token))

    assert kept is not None
    assert "eyJ" not in kept
    assert (seal.opened(kept, cookie) or "").startswith("eyJ")
    assert seal.opened(kept, "another cookie") is None
    assert seal.sealed("x" * 7_000, cookie) is None


# --- the provider says so -------------------------------------------------------------------------


@pytest.mark.parametrize("named", [{"sub": None}, {"sid": None}, {}])
async def test_the_provider_ends_a_session(
    farm: "Farm",
    api: httpx.AsyncClient,
    person: Person,
    provider: FakeProvider,
    named: dict[str, Any],
) -> None:
    await person.log_in()

    status = await sent(api, signed(provider.logout_claims(**named)))
    [entry] = await entries(api, farm, "logOutByProvider")

    assert status == 200
    assert (await person.me())["kind"] == "nobody"
    assert (entry["name"], entry["via"], entry["outcome"]) == ("lola", "oidc", "done")


@pytest.mark.parametrize("named", [{"sid": "another"}, {"sub": "another", "sid": None}])
async def test_other_sessions_and_other_people_stay(
    api: httpx.AsyncClient, person: Person, provider: FakeProvider, named: dict[str, Any]
) -> None:
    await person.log_in()

    assert await sent(api, signed(provider.logout_claims(**named))) == 200
    assert (await person.me())["name"] == "lola"


async def test_one_of_two_sessions_at_the_provider_ends(
    farm: "Farm", api: httpx.AsyncClient, person: Person, provider: FakeProvider
) -> None:
    await person.log_in()
    provider.claims = {"sid": "another"}
    async with a_browser(farm) as client:
        elsewhere = Person(client, provider)
        await elsewhere.log_in()

        await sent(api, signed(provider.logout_claims(sid="another")))

        assert (await elsewhere.me())["kind"] == "nobody"
        assert (await person.me())["name"] == "lola"


HOSTILE: dict[str, Callable[[FakeProvider], str]] = {
    "alg none": lambda p: unsigned(p.logout_claims(), b'{"alg":"none"}'),
    "another's key": lambda p: signed(p.logout_claims(), OTHER_KEY),
    "an unknown kid": lambda p: signed(p.logout_claims(), OTHER_KEY, {"kid": "other"}),
    "another issuer": lambda p: signed(p.logout_claims(iss="https://evil.example")),
    "another audience": lambda p: signed(p.logout_claims(aud=["another"])),
    "no time": lambda p: signed(p.logout_claims(iat=None)),
    "old": lambda p: signed(p.logout_claims(iat=NOW - 3_600, exp=None)),
    "over": lambda p: signed(p.logout_claims(exp=NOW - 3_600)),
    "of the future": lambda p: signed(p.logout_claims(iat=NOW + 3_600)),
    "no jti": lambda p: signed(p.logout_claims(jti=None)),
    "a nonce": lambda p: signed(p.logout_claims(nonce="n")),
    "no events": lambda p: signed(p.logout_claims(events=None)),
    "another event": lambda p: signed(p.logout_claims(events={"http://evil.example": {}})),
    "a list of events": lambda p: signed(p.logout_claims(events=[LOGOUT_EVENT])),
    "an event that is a text": lambda p: signed(p.logout_claims(events={LOGOUT_EVENT: "x"})),
    "neither sub nor sid": lambda p: signed(p.logout_claims(sub=None, sid=None)),
    "an ID token": lambda p: signed(p.usual_claims()),
    "another type": lambda p: signed(p.logout_claims(), header={"typ": "at+jwt"}),
    "empty": lambda _: "",
    "huge": lambda _: "x" * 200_000,
}


async def test_hostile_logout_tokens_end_nothing(
    farm: "Farm", api: httpx.AsyncClient, person: Person, provider: FakeProvider
) -> None:
    await person.log_in()

    statuses = {what: await sent(api, make(provider)) for what, make in HOSTILE.items()}

    assert statuses == dict.fromkeys(HOSTILE, 400)
    assert (await person.me())["name"] == "lola"
    assert "done" not in {e["outcome"] for e in await entries(api, farm, "logOutByProvider")}


async def test_a_logout_token_counts_once(
    api: httpx.AsyncClient, person: Person, provider: FakeProvider
) -> None:
    token = signed(provider.logout_claims(sid=None))
    await person.log_in()
    first = await sent(api, token)
    await person.log_in()
    again = await sent(api, token)

    assert (first, again) == (200, 400)
    assert (await person.me())["name"] == "lola"


async def test_foreign_tokens_do_not_make_us_ask_the_provider_again_and_again(
    api: httpx.AsyncClient, person: Person, provider: FakeProvider
) -> None:
    await person.log_in()
    provider.asked.clear()

    for _ in range(20):
        await sent(api, signed(provider.logout_claims(), OTHER_KEY, {"kid": "other"}))

    assert provider.asked == ["/farm/jwks"]


@pytest.mark.parametrize(
    "body", [b"", b"logout_token", b"a=b", b"logout_token=a&logout_token=b", b"\xff=\xfe", b"{}"]
)
async def test_bodies_that_are_no_form_are_refused(
    person: Person, api: httpx.AsyncClient, body: bytes
) -> None:
    assert (await api.post(BACK_CHANNEL, content=body)).status_code == 400


async def test_an_open_socket_ends_with_a_logout_at_the_provider(
    served: str, farm: "Farm", oidc: Oidc, provider: FakeProvider
) -> None:
    configuration = farm.parts.configuration
    configuration.settings = farm.parts.settings.model_copy(update={"loopback": "token"})
    async with httpx.AsyncClient(
        base_url=f"http://{served}", headers={"sec-fetch-site": "same-origin"}
    ) as client:
        await Person(client, provider).log_in()
        cookie = f"tablao-session={client.cookies['tablao-session']}"
        headers = {"cookie": cookie, "sec-fetch-site": "same-origin"}
        async with connect(f"ws://{served}{API}/events", additional_headers=headers) as socket:
            assert await sent(client, signed(provider.logout_claims())) == 200

            assert await code_of_end(socket) == 4401
