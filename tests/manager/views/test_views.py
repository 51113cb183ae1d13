"""Saved views: personal ones are their owner's alone, shared ones everybody's."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.manager.web.people import Account

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

URL = "/api/tablao/v1/views"


async def create(
    api: httpx.AsyncClient, headers: Mapping[str, str] | None = None, **fields: Any
) -> httpx.Response:
    view = {"page": "jobs", "name": "my failed ones", "query": "status=failed", "owner": "carmen"}
    return await api.post(URL, json=view | fields, headers=headers)


async def names(api: httpx.AsyncClient, owner: str) -> list[str]:
    answer = await api.get(URL, params={"owner": owner})
    return [view["name"] for view in answer.json()["views"]]


async def test_a_view_is_stored_listed_changed_and_removed(
    api: httpx.AsyncClient, farm: "Farm"
) -> None:
    created = await create(api)
    view = created.json()
    listed = (await api.get(URL, params={"owner": "carmen"})).json()["views"]
    changed = await api.put(
        f"{URL}/{view['id']}",
        json={"page": "jobs", "name": "mine", "query": "user=Carmen", "owner": "carmen"},
    )
    removed = await api.delete(f"{URL}/{view['id']}", params={"owner": "carmen"})

    assert created.status_code == 201
    assert listed == [view]
    assert (view["page"], view["query"], view["is_own"]) == ("jobs", "status=failed", True)
    assert (changed.json()["name"], changed.json()["query"]) == ("mine", "user=Carmen")
    assert removed.status_code == 204
    assert await names(api, "carmen") == []
    assert await farm.told("/views") == [{"page": "jobs"}] * 3


async def test_personal_views_are_nobody_elses_and_shared_ones_everybodys(
    api: httpx.AsyncClient,
) -> None:
    personal = (await create(api, name="personal")).json()["id"]
    shared = (await create(api, name="shared", is_shared=True)).json()["id"]

    seen = await names(api, "paco")
    answers = [
        await api.delete(f"{URL}/{view}", params={"owner": "paco"}) for view in (personal, shared)
    ]

    assert seen == ["shared"]
    assert [answer.status_code for answer in answers] == [404, 204]
    assert await names(api, "carmen") == ["personal"]


async def test_who_takes_a_shared_view_back_owns_it(api: httpx.AsyncClient) -> None:
    view_id = (await create(api, is_shared=True)).json()["id"]
    asked = {"page": "jobs", "name": "now paco's", "query": "", "is_shared": False}

    await api.put(f"{URL}/{view_id}", json=asked | {"owner": "paco"})

    assert await names(api, "paco") == ["now paco's"]
    assert await names(api, "carmen") == []


@pytest.mark.parametrize(
    "fields",
    [{"name": " "}, {"name": "two\nlines"}, {"page": "moon"}, {"owner": ""}, {"query": "x" * 5000}],
)
async def test_what_is_no_view_is_refused(api: httpx.AsyncClient, fields: dict[str, Any]) -> None:
    answer = await create(api, **fields)

    assert answer.status_code == 400, answer.text
    assert await names(api, "carmen") == []


async def test_unknown_views_are_refused(api: httpx.AsyncClient, unknown_id: str) -> None:
    params = {"owner": "carmen"}

    assert (await api.delete(f"{URL}/{unknown_id}", params=params)).status_code == 404
    assert (await api.delete(f"{URL}/palmas", params=params)).status_code == 400
    assert (await api.get(URL)).status_code == 400


async def test_a_caller_without_an_account_does_not_get_an_accounts_views(
    farm: "Farm", api: httpx.AsyncClient
) -> None:
    lola = await Account.made(api, "artist")
    hers = (await create(api, headers=await lola.session_headers(api))).json()["id"]
    by_name = {"owner": lola.id}

    refused = [
        await api.get(URL, params=by_name),
        await api.delete(f"{URL}/{hers}", params=by_name),
        await create(api, owner=lola.id),
        await api.put(f"{URL}/{hers}", json={"page": "jobs", "name": "x", "query": ""} | by_name),
    ]

    assert [each.status_code for each in refused] == [403] * 4
