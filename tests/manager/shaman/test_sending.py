"""Sending a job's files over HTTP: what is wanted, what is taken, what is refused."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from manager_api.settings.model import ManagerSettings
from manager_api.shaman import service
from manager_api.shaman.sendings import Sendings
from tests.manager.api_calls import Fits
from tests.manager.shaman.files import (
    OCTETS,
    SHAMAN,
    CheckOut,
    Send,
    blob_of,
    everything_in,
    sha,
    spec,
    url,
)


async def test_a_sent_file_is_where_flamenco_has_it(
    api: httpx.AsyncClient, send: Send, storage: Path
) -> None:
    before = await api.get(url(b"seguiriya"))
    sent = await send(b"seguiriya", **{"x-shaman-original-filename": "=?utf-8?q?a=C3=B1o?="})
    after = await api.get(url(b"seguiriya"))
    again = await send(b"seguiriya")

    assert (before.json(), after.json()) == ({"status": "unknown"}, {"status": "stored"})
    assert (sent.status_code, sent.content) == (200, b"")
    assert (again.status_code, again.content) == (208, b"")
    assert blob_of(storage, b"seguiriya").read_bytes() == b"seguiriya"
    assert everything_in(storage / "file-store/uploading") == []


async def test_an_empty_file_can_be_sent(send: Send, storage: Path) -> None:
    sent = await send(b"")

    assert sent.status_code == 200
    assert blob_of(storage, b"").read_bytes() == b""


@pytest.mark.parametrize("body", [b"seguiriyA", b"short", b"far too long for it"])
async def test_what_is_not_the_announced_file_leaves_nothing(
    send: Send, storage: Path, body: bytes
) -> None:
    refused = await send(b"seguiriya", body)

    assert (refused.status_code, refused.json()["code"]) == (417, 417)
    assert everything_in(storage / "file-store") == []


@pytest.mark.parametrize("pieces", [[b"seguiriy"], [b"seguiriya", b"s"], [b"seguiriy", b"A"]])
async def test_the_same_holds_when_no_length_is_announced(
    send: Send, storage: Path, pieces: list[bytes]
) -> None:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    refused = await send(b"seguiriya", body())

    assert refused.status_code == 417
    assert everything_in(storage / "file-store") == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("abc/3", OCTETS),
        ("a/3", OCTETS),
        (f"{'g' * 64}/3", OCTETS),
        (f"{'a' * 64}/-1", OCTETS),
        (f"{'a' * 64}/{2**63}", OCTETS),
        (f"{'a' * 64}/three", OCTETS),
        (f"{'a' * 64}/0", {"content-type": "text/plain"}),
        (f"{'a' * 64}/0", OCTETS | {"x-shaman-can-defer-upload": "perhaps"}),
        (f"{'a' * 64}/0", OCTETS | {"x-shaman-original-filename": "=?no-such?q?a?="}),
        (f"{'a' * 64}/0", OCTETS | {"x-shaman-original-filename": b"a\xf1o"}),
    ],
)
async def test_what_cannot_be_a_file_is_refused_with_a_sentence(
    api: httpx.AsyncClient, storage: Path, path: str, headers: Any
) -> None:
    refused = await api.post(f"{SHAMAN}/files/{path}", content=b"", headers=headers)

    assert refused.status_code == 400
    assert refused.json()["message"]
    assert not (storage / "file-store").exists()


async def test_of_two_who_send_the_same_one_may_wait_and_one_is_not_needed(
    api: httpx.AsyncClient, send: Send, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WAIT_S", 0.1)
    content = os.urandom(600_000)
    is_begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield content[:300_000]
        is_begun.set()
        await may_go_on.wait()
        yield content[300_000:]

    slow = asyncio.create_task(send(content, slowly()))
    await is_begun.wait()
    status = await api.get(url(content))
    requirements = await api.post(
        f"{SHAMAN}/checkout/requirements", json={"files": [spec("a", content)]}
    )
    patient = await send(content, **{"x-shaman-can-defer-upload": "true"})
    hasty = await send(content, **{"x-shaman-can-defer-upload": "false"})
    may_go_on.set()

    assert status.json() == {"status": "uploading"}
    assert [each["status"] for each in requirements.json()["files"]] == ["uploading"]
    assert (patient.status_code, hasty.status_code) == (425, 200)
    assert (await slow).status_code == 208
    assert blob_of(storage, content).read_bytes() == content
    assert everything_in(storage / "file-store/uploading") == []


@pytest.mark.parametrize(("how_it_ends", "answers"), [("whole", (200, 208)), ("half", (417, 200))])
async def test_who_may_wait_does_so_for_a_while(
    api: httpx.AsyncClient,
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
    how_it_ends: str,
    answers: tuple[int, int],
) -> None:
    content = os.urandom(600_000)
    is_begun, is_waiting, may_go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    until_over = Sendings.until_over

    async def seen_until_over(*arguments: Any) -> None:
        is_waiting.set()
        await until_over(*arguments)

    monkeypatch.setattr(Sendings, "until_over", seen_until_over)

    async def slowly() -> AsyncIterator[bytes]:
        yield content[:300_000]
        is_begun.set()
        await may_go_on.wait()
        if how_it_ends == "whole":
            yield content[300_000:]

    slow = asyncio.create_task(send(content, slowly()))
    await is_begun.wait()
    patient = asyncio.create_task(send(content, **{"x-shaman-can-defer-upload": "true"}))
    await is_waiting.wait()
    may_go_on.set()

    assert ((await slow).status_code, (await patient).status_code) == answers
    assert (await api.get(url(content))).json() == {"status": "stored"}


async def test_who_is_overtaken_need_not_send_the_rest(send: Send, storage: Path) -> None:
    content = os.urandom(900_000)
    is_begun, may_go_on = asyncio.Event(), asyncio.Event()
    sent = 0

    async def slowly() -> AsyncIterator[bytes]:
        nonlocal sent
        for start in range(0, 900_000, 300_000):
            yield content[start : start + 300_000]
            sent += 1
            is_begun.set()
            await may_go_on.wait()

    slow = asyncio.create_task(send(content, slowly()))
    await is_begun.wait()
    fast = await send(content)
    may_go_on.set()

    assert (fast.status_code, (await slow).status_code) == (200, 208)
    assert sent < 3
    assert everything_in(storage / "file-store/uploading") == []


async def test_a_truncated_file_in_the_store_is_wanted_again(send: Send, storage: Path) -> None:
    blob = blob_of(storage, b"seguiriya")
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"segu")

    sent = await send(b"seguiriya")

    assert sent.status_code == 200
    assert blob.read_bytes() == b"seguiriya"


async def test_a_large_file_is_not_held_to_the_limit_of_other_requests(
    send: Send, settings: ManagerSettings
) -> None:
    sent = await send(bytes(settings.max_json_bytes + 1))

    assert sent.status_code == 200


async def test_a_file_over_its_own_limit_is_refused_before_it_is_read(
    api: httpx.AsyncClient, settings: ManagerSettings, storage: Path
) -> None:
    size = settings.shaman.max_upload_bytes + 1

    async def never_asked_for() -> AsyncIterator[bytes]:
        raise AssertionError
        yield b""

    refused = await api.post(
        f"{SHAMAN}/files/{'a' * 64}/{size}",
        content=never_asked_for(),
        headers=OCTETS | {"content-length": str(size)},
    )

    assert (refused.status_code, refused.json()["code"]) == (413, 413)
    assert everything_in(storage / "file-store") == []


async def test_other_requests_are_held_to_it_whatever_they_call_themselves(
    api: httpx.AsyncClient, settings: ManagerSettings
) -> None:
    refused = await api.post(
        "/api/v3/jobs", content=bytes(settings.max_json_bytes + 1), headers=OCTETS
    )

    assert refused.status_code == 413


async def test_without_a_usable_disk_the_answer_says_so(send: Send, storage: Path) -> None:
    (storage / "jobs").mkdir(parents=True)
    (storage / "file-store").touch()

    failed = await send(b"seguiriya")

    assert (failed.status_code, failed.json()["code"]) == (500, 500)
    assert "storage" in failed.json()["message"]


async def test_requirements_are_what_is_not_stored_each_once(
    api: httpx.AsyncClient, send: Send, storage: Path, fits: Fits
) -> None:
    await send(b"stored")
    os.utime(blob_of(storage, b"stored"), (1, 1))
    upper = spec("twice", b"missing") | {"sha": sha(b"missing").upper()}
    files = [spec("a", b"stored"), upper, spec("again", b"missing"), spec("c", b"more")]

    answer = await api.post(f"{SHAMAN}/checkout/requirements", json={"files": files})

    assert answer.status_code == 200
    fits("ShamanRequirementsResponse", answer.json())
    assert answer.json()["files"] == [
        upper | {"status": "unknown"},
        spec("c", b"more") | {"status": "unknown"},
    ]
    assert blob_of(storage, b"stored").stat().st_mtime > 1


async def test_without_shaman_every_call_is_unavailable(
    api: httpx.AsyncClient, send: Send, check_out: CheckOut, settings: ManagerSettings
) -> None:
    off = settings.shaman.model_copy(update={"enabled": False})
    object.__setattr__(settings, "shaman", off)

    answers = [
        await api.get(url(b"1")),
        await send(b"1"),
        await api.post(f"{SHAMAN}/checkout/requirements", json={"files": []}),
        await check_out("job"),
        await api.post("/api/tablao/v1/shaman/collect-garbage", json={}),
    ]

    assert [answer.status_code for answer in answers] == [503] * len(answers)
    assert all(answer.json()["code"] == 503 for answer in answers)
