"""Logging in by the studio's own login: people, names, roles, and what is refused."""

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.oidc.people import groups_of, shown_name
from manager_api.settings.sections import Oidc
from tests.manager.oidc.conftest import a_browser
from tests.manager.oidc.provider import FakeProvider, Person

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

API = "/api/tablao/v1"
PASSWORD = "a las cinco de la tarde"


async def entries(api: httpx.AsyncClient, farm: "Farm", action: str) -> list[dict[str, Any]]:
    await farm.parts.refusals.store()
    answer = await api.get(f"{API}/audit", params={"action": action})
    return list(answer.json()["entries"])


async def test_a_person_logs_in_with_the_role_of_its_group(
    farm: "Farm", api: httpx.AsyncClient, person: Person, provider: FakeProvider
) -> None:
    ways = (await person.client.get(f"{API}/login")).json()

    page = await person.log_in("/give-access?port=4321&state=abc")
    me = await person.me()
    [entry] = await entries(api, farm, "finishOidcLogin")

    assert ways == {"provider": "Log in with the studio's account"}
    assert page == "/app/give-access?port=4321&state=abc"
    assert (me["name"], me["role"], me["via"]) == ("lola", "artist", "session")
    assert not me["has_password"]
    assert (entry["name"], entry["via"], entry["outcome"]) == ("lola", "oidc", "done")
    assert entry["after"] == {"role": "artist"}


async def test_the_client_shows_its_secret_as_rfc_6749_says(
    person: Person, provider: FakeProvider
) -> None:
    await person.log_in()

    # farm:a%3Asecret+%25%2B
    assert provider.authorizations == ["Basic ZmFybTphJTNBc2VjcmV0KyUyNSUyQg=="]
    assert "client_secret" not in provider.forms[0]


async def test_the_secret_is_sent_in_the_form_where_the_provider_wants_it_there(
    person: Person, provider: FakeProvider
) -> None:
    provider.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]

    await person.log_in()

    assert provider.forms[0]["client_secret"] == "a:secret %+"


async def test_names_and_groups_may_be_told_besides_the_token(
    person: Person, provider: FakeProvider
) -> None:
    provider.is_in_token = False

    await person.log_in()

    assert ((await person.me())["name"], (await person.me())["role"]) == ("lola", "artist")


async def test_what_is_told_besides_must_be_of_the_same_person(
    person: Person, provider: FakeProvider
) -> None:
    provider.is_in_token = False
    provider.person["sub"] = "another"

    assert await person.log_in() == "/app/login?refused=wrong"


async def test_the_role_follows_the_groups_at_each_login(
    farm: "Farm", api: httpx.AsyncClient, person: Person, provider: FakeProvider
) -> None:
    await person.log_in()
    provider.person["groups"] = ["artists", "tds"]

    await person.log_in()
    newest = (await entries(api, farm, "finishOidcLogin"))[0]

    assert (await person.me())["role"] == "admin"
    assert (newest["before"], newest["after"]) == ({"role": "artist"}, {"role": "admin"})


async def test_who_loses_its_role_is_out_with_sessions_and_tokens(
    farm: "Farm", api: httpx.AsyncClient, person: Person, provider: FakeProvider
) -> None:
    await person.log_in()
    made = await person.client.post(f"{API}/me/tokens", json={"name": "x", "scopes": ["read"]})
    shown = {"authorization": f"Bearer {made.json()['secret']}"}
    provider.person["groups"] = []
    async with a_browser(farm) as elsewhere:
        page = await Person(elsewhere, provider).log_in()
    me = await person.me()
    with_token = await person.client.get("/api/v3/jobs", headers=shown)
    refusals = await entries(api, farm, "finishOidcLogin")
    provider.person["groups"] = ["artists"]
    back = await person.log_in()

    assert page == "/app/login?refused=no-role"
    assert me["kind"] == "nobody"
    assert with_token.status_code == 401
    assert [each["outcome"] for each in refusals] == [
        "none of the person's groups has a role",
        "done",
        "done",
    ]
    assert (refusals[1]["before"], refusals[1]["after"]) == ({"role": "artist"}, {"role": "none"})
    assert back == "/app/"
    assert (await person.client.get("/api/v3/jobs", headers=shown)).status_code == 200


async def test_who_has_no_role_gets_no_account(
    api: httpx.AsyncClient, person: Person, provider: FakeProvider
) -> None:
    provider.person["groups"] = ["accounting", {"name": "tds"}, 7, None]

    assert await person.log_in() == "/app/login?refused=no-role"
    assert (await api.get(f"{API}/accounts")).json()["accounts"] == []


async def test_a_default_role_is_for_people_without_a_group(
    farm: "Farm", person: Person, provider: FakeProvider, oidc: Oidc
) -> None:
    changed = oidc.model_copy(update={"default_role": "viewer"})
    configuration = farm.parts.configuration
    configuration.settings = farm.parts.settings.model_copy(update={"oidc": changed})
    provider.person["groups"] = ["accounting"]

    await person.log_in()

    assert (await person.me())["role"] == "viewer"


async def test_a_local_account_of_the_same_name_is_another_person(
    api: httpx.AsyncClient, person: Person, provider: FakeProvider
) -> None:
    local = {"name": "lola", "role": "admin", "password": PASSWORD}
    made = (await api.post(f"{API}/accounts", json=local)).json()
    provider.person["email"] = "lola"

    await person.log_in()
    me = await person.me()

    assert (me["name"], me["role"]) == ("lola-2", "artist")
    assert me["id"] != made["id"]


async def test_an_account_is_its_subject_at_its_issuer(
    api: httpx.AsyncClient, person: Person, provider: FakeProvider
) -> None:
    await person.log_in()
    first = await person.me()
    provider.person["preferred_username"] = "Dolores"
    await person.log_in()
    renamed = await person.me()
    provider.claims["sub"] = "another"
    provider.person["preferred_username"] = "lola"
    await person.log_in()
    another = await person.me()

    assert renamed["id"] == first["id"]
    assert renamed["name"] == "lola"
    assert (another["id"] != first["id"], another["name"]) == (True, "lola-2")


async def test_first_logins_at_the_same_moment_make_one_account(
    api: httpx.AsyncClient, person: Person
) -> None:
    begun = [await person.begin() for _ in range(4)]

    pages = await asyncio.gather(*(person.come_back(state=each["state"]) for each in begun))
    accounts = (await api.get(f"{API}/accounts")).json()["accounts"]

    assert pages == ["/app/"] * 4
    assert [each["name"] for each in accounts] == ["lola"]


async def test_such_an_account_has_no_password_and_no_role_of_ours(
    api: httpx.AsyncClient, person: Person
) -> None:
    await person.log_in()
    address = f"{API}/accounts/{(await person.me())['id']}"

    password = await api.patch(address, json={"password": PASSWORD})
    role = await api.patch(address, json={"role": "admin"})
    own = await person.client.put(f"{API}/me/password", json={"old": "", "new": PASSWORD})
    by_password = await person.client.post(
        f"{API}/login", json={"name": "lola", "password": PASSWORD}
    )

    assert [each.status_code for each in (password, role, own)] == [400, 400, 400]
    assert by_password.status_code == 401


async def test_an_administrator_disables_such_an_account(
    farm: "Farm", api: httpx.AsyncClient, person: Person
) -> None:
    await person.log_in()
    await api.patch(f"{API}/accounts/{(await person.me())['id']}", json={"is_disabled": True})

    page = await person.log_in()

    assert page == "/app/login?refused=disabled"
    assert (await person.me())["kind"] == "nobody"
    assert "the account is disabled" in str(await entries(api, farm, "finishOidcLogin"))


async def test_without_a_provider_there_is_no_such_login(
    farm: "Farm", api: httpx.AsyncClient
) -> None:
    async with a_browser(farm) as client:
        ways = (await client.get(f"{API}/login")).json()
        begun = await client.get(f"{API}/login/oidc")
        back = await client.get(f"{API}/login/oidc/callback?code=x&state=y")

    assert ways == {"provider": ""}
    assert begun.headers["location"] == "/app/login?refused=off"
    assert back.headers["location"] == "/app/login?refused=off"


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "José Núñez"}, "jose-nunez"),
        ({"preferred_username": "山田", "email": "yamada@studio.example"}, "yamada@studio.example"),
        ({"preferred_username": "\u202egnp.exe\0\r\n<b>"}, "gnp.exe-b"),
        ({"preferred_username": "x" * 9_000}, "x" * 48),
        ({"preferred_username": ["ana"], "name": 7, "email": None}, "person"),
        ({"name": "--- . ---"}, "person"),
        ({}, "person"),
    ],
)
def test_a_name_is_short_and_plain(claims: dict[str, Any], name: str) -> None:
    assert shown_name(claims) == name


@pytest.mark.parametrize(
    ("claims", "claim", "groups"),
    [
        ({"groups": ["a", "b"]}, "groups", {"a", "b"}),
        ({"groups": "a"}, "groups", {"a"}),
        ({"https://studio/groups": ["a"]}, "https://studio/groups", {"a"}),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", {"a"}),
        ({"realm_access": "roles"}, "realm_access.roles", set()),
        ({"groups": {"a": 1}}, "groups", set()),
        ({"groups": [["a"], {"a": 1}, 7]}, "groups", set()),
    ],
)
def test_groups_are_texts(claims: dict[str, Any], claim: str, groups: set[str]) -> None:
    assert groups_of(claims, claim) == groups
