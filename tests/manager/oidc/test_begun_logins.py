"""A begun login: it is finished once, soon, in the browser that has begun it."""

from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import func, select, update

from manager_api.database.engine import utc_now
from manager_api.database.tables import BegunLoginRow
from manager_api.oidc.places import own_page
from manager_api.web.app import build_app
from tests.manager.oidc.conftest import a_browser
from tests.manager.oidc.provider import LOGIN, FakeProvider, Person

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

OLD = "/app/login?refused=old"


async def test_it_is_finished_once(person: Person) -> None:
    asked = await person.begin()

    first = await person.come_back(state=asked["state"])
    second = await person.come_back(state=asked["state"])

    assert (first, second) == ("/app/", OLD)


async def test_another_browser_does_not_finish_it(
    farm: "Farm", person: Person, provider: FakeProvider
) -> None:
    """Else a page could log a victim in as the attacker, or the other way round."""
    asked = await person.begin()

    async with a_browser(farm) as victim:
        without = await Person(victim, provider).come_back(state=asked["state"])
        await Person(victim, provider).begin()
        with_own = await Person(victim, provider).come_back(state=asked["state"])

    assert (without, with_own) == (OLD, OLD)


@pytest.mark.parametrize("state", ["", "x", "\x01", "é" * 500])
async def test_an_unknown_state_is_refused(person: Person, state: str) -> None:
    await person.begin()

    assert await person.come_back(state=state) == OLD


async def test_it_ends_after_ten_minutes(farm: "Farm", person: Person) -> None:
    asked = await person.begin()
    async with farm.parts.database.writing() as session:
        long_ago = utc_now() - timedelta(minutes=11)
        await session.execute(update(BegunLoginRow).values(begun=long_ago))

    assert await person.come_back(state=asked["state"]) == OLD


async def test_an_address_has_a_hundred_at_once(farm: "Farm", person: Person) -> None:
    first = await person.begin()
    for _ in range(105):
        newest = await person.begin()
    async with farm.parts.database.reading() as session:
        count = await session.scalar(select(func.count()).select_from(BegunLoginRow))

    assert count == 100
    assert await person.come_back(state=first["state"]) == OLD
    assert await person.come_back(state=newest["state"]) != OLD


async def test_two_tabs_of_a_browser_both_finish(person: Person) -> None:
    first, second = await person.begin("/workers"), await person.begin("/jobs")

    assert await person.come_back(state=second["state"]) == "/app/jobs"
    assert await person.come_back(state=first["state"]) == "/app/workers"


async def test_a_manager_that_has_just_started_finishes_it(
    farm: "Farm", person: Person, provider: FakeProvider
) -> None:
    asked = await person.begin()
    farm.parts.oidc._provider = None

    assert await person.come_back(state=asked["state"]) == "/app/"


async def test_the_cookie_is_not_for_scripts_and_short_lived(person: Person) -> None:
    answer = await person.client.get(LOGIN)
    cookie = answer.headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age=600" in cookie


async def test_over_https_the_cookie_is_of_this_host_only(farm: "Farm", person: Person) -> None:
    transport = httpx.ASGITransport(build_app(farm.parts), client=("10.0.0.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost:8080") as client:
        answer = await client.get(LOGIN)

    assert answer.headers["set-cookie"].startswith("__Host-tablao-login=")
    assert "; Secure" in answer.headers["set-cookie"]
    assert "redirect_uri=https%3A%2F%2Flocalhost%3A8080%2Fapi" in answer.headers["location"]


async def test_an_answer_of_another_provider_is_refused(person: Person) -> None:
    asked = await person.begin()

    page = await person.come_back(state=asked["state"], iss="https://evil.example")

    assert page == "/app/login?refused=wrong"


async def test_a_provider_that_says_who_answers_must_say_it(
    person: Person, provider: FakeProvider
) -> None:
    provider.document["authorization_response_iss_parameter_supported"] = True
    asked = await person.begin()
    silent = await person.come_back(state=asked["state"])
    asked = await person.begin()
    said = await person.come_back(state=asked["state"], iss=provider.issuer)

    assert (silent, said) == ("/app/login?refused=wrong", "/app/")


async def test_what_the_provider_says_of_a_refusal_is_not_passed_on(person: Person) -> None:
    asked = await person.begin()

    page = await person.come_back(
        state=asked["state"], code="", error="<script>", error_description="call 555-1234"
    )

    assert page == "/app/login?refused=refused"


async def test_a_page_of_another_site_begins_none(person: Person) -> None:
    answer = await person.client.get(LOGIN, headers={"sec-fetch-site": "cross-site"})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/jobs/../../evil",
        "/%2e%2e/api/v3/jobs",
        "/.%2E/x",
        "javascript:alert(1)",
        "",
        "/a\r\nset-cookie: x=y",
        "/" + "x" * 3_000,
        "\u202e/x",
    ],
)
def test_a_login_leads_to_our_own_pages_only(wanted: str) -> None:
    assert own_page(wanted) == "/"


@pytest.mark.parametrize("wanted", ["//evil.example/", "/../api/v3/jobs", "https://evil.example"])
async def test_a_login_for_another_place_leads_to_the_start(person: Person, wanted: str) -> None:
    assert await person.log_in(wanted) == "/app/"


def test_a_login_leads_back_to_the_page_that_was_wanted() -> None:
    wanted = "/give-access?host=anas%20rechner&port=4711&state=x../y"

    assert own_page(wanted) == wanted


async def test_a_provider_that_is_away_is_said_so_and_passwords_go_on(
    farm: "Farm", api: httpx.AsyncClient, person: Person, provider: FakeProvider
) -> None:
    account = {"name": "pepe", "role": "viewer", "password": "a las cinco de la tarde"}
    await api.post("/api/tablao/v1/accounts", json=account)
    changed = farm.parts.settings.oidc.model_copy(update={"issuer": "http://127.0.0.1:9"})
    configuration = farm.parts.configuration
    configuration.settings = farm.parts.settings.model_copy(update={"oidc": changed})

    answer = await person.client.get(LOGIN, params={"to": "/workers"})
    del account["role"]
    by_password = await person.client.post("/api/tablao/v1/login", json=account)

    assert answer.headers["location"] == "/app/login?refused=away&to=%2Fworkers"
    assert by_password.status_code == 200
