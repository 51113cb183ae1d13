"""Comments on jobs and workers: who may write, edit and delete them, and how many there may be."""

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.comments import service
from tests.manager.api_calls import Register, Submit
from tests.manager.web.people import API, Account

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


async def said(api: httpx.AsyncClient, address: str) -> list[dict[str, Any]]:
    answer = await api.get(f"{API}{address}")
    assert answer.status_code == 200, answer.text
    comments: list[dict[str, Any]] = answer.json()["comments"]
    return comments


async def test_a_comment_is_written_edited_and_deleted(
    api: httpx.AsyncClient, submit: Submit, farm: "Farm"
) -> None:
    job_id = (await submit())["id"]
    address = f"/jobs/{job_id}/comments"

    made = await api.post(f"{API}{address}", json={"text": "  waits for *v2* \n"})
    comment = made.json()
    edited = await api.put(f"{API}/comments/{comment['id']}", json={"text": "v2 is there"})
    listed = await said(api, address)
    deleted = await api.delete(f"{API}/comments/{comment['id']}")

    assert (made.status_code, comment["text"]) == (201, "waits for *v2*")
    assert "edited" not in comment or comment["edited"] is None
    assert listed == [edited.json()]
    assert (listed[0]["text"], listed[0]["edited"] is None) == ("v2 is there", False)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert await said(api, address) == []
    assert await farm.told("/comments") == [{"job_id": job_id}] * 3


async def test_comments_on_a_worker_are_its_own(
    api: httpx.AsyncClient, register: Register, submit: Submit, farm: "Farm"
) -> None:
    worker_id = (await register()).id
    job_id = (await submit())["id"]

    await api.post(f"{API}/workers/{worker_id}/comments", json={"text": "fan is loud"})
    await api.post(f"{API}/workers/{worker_id}/comments", json={"text": "mended"})

    texts = [each["text"] for each in await said(api, f"/workers/{worker_id}/comments")]
    assert texts == ["fan is loud", "mended"]
    assert await said(api, f"/jobs/{job_id}/comments") == []
    assert await farm.told("/comments") == [{"worker_id": worker_id}] * 2


async def test_authors_edit_their_own_and_wranglers_delete_each(
    api: httpx.AsyncClient, submit: Submit
) -> None:
    address = f"{API}/jobs/{(await submit())['id']}/comments"
    artist = await Account.made(api, "artist")
    heads = {
        "artist": await artist.token_headers(api),
        "other": await (await Account.made(api, "artist")).token_headers(api),
        "wrangler": await (await Account.made(api, "wrangler")).token_headers(api),
        "viewer": await (await Account.made(api, "viewer")).token_headers(api),
    }
    made = (await api.post(address, json={"text": "mine"}, headers=heads["artist"])).json()
    one = f"{API}/comments/{made['id']}"

    async def status(method: str, url: str, who: str) -> int:
        body = None if method == "DELETE" else {"text": "changed"}
        answer = await api.request(method, url, json=body, headers=heads[who])
        return answer.status_code

    async def rights(who: str) -> tuple[bool, bool]:
        comment = (await api.get(address, headers=heads[who])).json()["comments"][0]
        return comment["may_edit"], comment["may_delete"]

    assert made["author"] == artist.name
    assert await rights("artist") == (True, True)
    assert await rights("other") == (False, False)
    assert await rights("wrangler") == (False, True)
    assert await rights("viewer") == (False, False)
    assert [await status("PUT", one, who) for who in heads] == [200, 403, 403, 403]
    assert await status("POST", address, "viewer") == 403
    assert await status("DELETE", one, "other") == 403
    assert await status("DELETE", one, "wrangler") == 204
    assert await status("PUT", one, "artist") == 404


@pytest.mark.parametrize("text", ["", " \n", "x" * 4_001, "a\0b", "\ud800", 7, None, ["x"]])
async def test_what_is_no_comment_is_refused(
    api: httpx.AsyncClient, submit: Submit, text: Any
) -> None:
    address = f"{API}/jobs/{(await submit())['id']}/comments"

    # As JSON in ASCII, which may have half a surrogate pair.
    answer = await api.post(
        address, content=json.dumps({"text": text}), headers={"content-type": "application/json"}
    )

    assert answer.status_code == 400, answer.text
    assert await said(api, address.removeprefix(API)) == []


async def test_there_is_a_most(
    api: httpx.AsyncClient, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_COMMENTS", 2)
    address = f"{API}/jobs/{(await submit())['id']}/comments"

    statuses = [(await api.post(address, json={"text": "x"})).status_code for _ in range(3)]

    assert statuses == [201, 201, 409]


async def test_what_does_not_exist_has_no_comments(api: httpx.AsyncClient, unknown_id: str) -> None:
    for subject in ("jobs", "workers"):
        address = f"{API}/{subject}/{unknown_id}/comments"
        assert (await api.get(address)).status_code == 404
        assert (await api.post(address, json={"text": "x"})).status_code == 404


async def test_the_audit_has_the_text_before_and_after(
    api: httpx.AsyncClient, submit: Submit
) -> None:
    address = f"{API}/jobs/{(await submit())['id']}/comments"
    made = (await api.post(address, json={"text": "one"})).json()
    await api.put(f"{API}/comments/{made['id']}", json={"text": "two"})
    await api.delete(f"{API}/comments/{made['id']}")

    entries = (await api.get(f"{API}/audit")).json()["entries"]

    changes = {
        entry["action"]: (entry.get("before"), entry.get("after"))
        for entry in entries
        if "omment" in entry["action"]
    }
    assert changes == {
        "commentOnJob": (None, {"text": "one"}),
        "editComment": ({"text": "one"}, {"text": "two"}),
        "deleteComment": ({"text": "two"}, None),
    }
