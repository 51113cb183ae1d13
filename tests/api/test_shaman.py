"""Sending a job's files and checking them out, over HTTP."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.settings import ManagerSettings

if TYPE_CHECKING:
    from tests.api.conftest import Farm

OCTETS = {"content-type": "application/octet-stream"}
SHAMAN = "/api/v3/shaman"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def url(content: bytes) -> str:
    return f"{SHAMAN}/files/{sha(content)}/{len(content)}"


def spec(path: str, content: bytes) -> dict[str, Any]:
    return {"sha": sha(content), "size": len(content), "path": path}


@pytest.fixture
def storage(settings: ManagerSettings) -> Path:
    return settings.shared_storage_path


@pytest.fixture
def send(api: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    async def send(content: bytes, body: Any = None, **headers: str) -> httpx.Response:
        return await api.post(
            url(content), content=content if body is None else body, headers=OCTETS | headers
        )

    return send


@pytest.fixture
def check_out(api: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    async def check_out(path: str, *files: dict[str, Any]) -> httpx.Response:
        body = {"checkoutPath": path, "files": list(files)}
        return await api.post(f"{SHAMAN}/checkout/create", json=body)

    return check_out


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def blob_of(storage: Path, content: bytes) -> Path:
    name = sha(content)
    return storage / "file-store/stored" / name[:2] / name[2:] / f"{len(content)}.blob"


# --- sending ------------------------------------------------------------------------------------


async def test_a_sent_file_is_where_flamenco_has_it(
    api: httpx.AsyncClient, send: Any, storage: Path
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


async def test_an_empty_file_can_be_sent(send: Any, storage: Path) -> None:
    sent = await send(b"")

    assert sent.status_code == 200
    assert blob_of(storage, b"").read_bytes() == b""


@pytest.mark.parametrize("body", [b"seguiriyA", b"short", b"far too long for it"])
async def test_what_is_not_the_announced_file_leaves_nothing(
    send: Any, storage: Path, body: bytes
) -> None:
    refused = await send(b"seguiriya", body)

    assert (refused.status_code, refused.json()["code"]) == (417, 417)
    assert everything_in(storage / "file-store") == []


@pytest.mark.parametrize("pieces", [[b"seguiriy"], [b"seguiriya", b"s"], [b"seguiriy", b"A"]])
async def test_the_same_holds_when_no_length_is_announced(
    send: Any, storage: Path, pieces: list[bytes]
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
    api: httpx.AsyncClient, send: Any, storage: Path
) -> None:
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


async def test_a_truncated_file_in_the_store_is_wanted_again(send: Any, storage: Path) -> None:
    blob = blob_of(storage, b"seguiriya")
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"segu")

    sent = await send(b"seguiriya")

    assert sent.status_code == 200
    assert blob.read_bytes() == b"seguiriya"


async def test_a_large_file_is_not_held_to_the_limit_of_other_requests(
    send: Any, settings: ManagerSettings
) -> None:
    sent = await send(bytes(settings.max_json_bytes + 1))

    assert sent.status_code == 200


async def test_other_requests_are_held_to_it_whatever_they_call_themselves(
    api: httpx.AsyncClient, settings: ManagerSettings
) -> None:
    refused = await api.post(
        "/api/v3/jobs", content=bytes(settings.max_json_bytes + 1), headers=OCTETS
    )

    assert refused.status_code == 413


async def test_without_a_usable_disk_the_answer_says_so(send: Any, storage: Path) -> None:
    storage.mkdir(parents=True)
    (storage / "file-store").touch()

    failed = await send(b"seguiriya")

    assert (failed.status_code, failed.json()["code"]) == (500, 500)
    assert "storage" in failed.json()["message"]


# --- requirements -------------------------------------------------------------------------------


async def test_requirements_are_what_is_not_stored_each_once(
    api: httpx.AsyncClient, send: Any, storage: Path, fits: Any
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


# --- checkouts ----------------------------------------------------------------------------------


async def test_a_checkout_has_its_files_under_their_paths_as_relative_links(
    send: Any, check_out: Any, storage: Path, fits: Any
) -> None:
    await send(b"scene")
    await send(b"texture")

    answer = await check_out(
        "proj/shot", spec("a.blend", b"scene"), spec("tex/b/c.png", b"texture"), spec("d", b"scene")
    )

    checkout = storage / "jobs/proj/shot"
    fits("ShamanCheckoutResult", answer.json())
    assert (answer.status_code, answer.json()) == (200, {"checkoutPath": "proj/shot"})
    assert everything_in(checkout) == ["a.blend", "d", "tex/b/c.png"]
    assert (checkout / "tex/b/c.png").read_bytes() == b"texture"
    assert (checkout / "tex/b/c.png").readlink() == Path(
        os.path.relpath(blob_of(storage, b"texture"), checkout / "tex/b")
    )
    assert everything_in(storage / "jobs/.shaman-building") == []


async def test_a_taken_path_gets_something_behind_it(
    send: Any, check_out: Any, storage: Path
) -> None:
    await send(b"1")
    await send(b"2")

    first = await check_out("job", spec("a", b"1"))
    second = await check_out("job", spec("a", b"2"))
    within = await check_out("job/x", spec("a", b"2"))

    assert first.json()["checkoutPath"] == "job"
    assert len(second.json()["checkoutPath"]) == len("job-1234")
    assert within.json()["checkoutPath"].startswith("job-")
    assert within.json()["checkoutPath"].endswith("/x")
    assert everything_in(storage / "jobs/job") == ["a"]
    assert (storage / "jobs/job/a").read_bytes() == b"1"


async def test_checkouts_of_one_name_at_the_same_time_are_all_complete(
    send: Any, check_out: Any, storage: Path
) -> None:
    contents = [str(number).encode() for number in range(12)]
    for content in contents:
        await send(content)

    answers = await asyncio.gather(
        *(check_out("job", spec("a", content), spec("b/c", content)) for content in contents)
    )

    places = [storage / "jobs" / answer.json()["checkoutPath"] for answer in answers]
    assert len(set(places)) == len(contents)
    assert [(place / "a").read_bytes() for place in places] == contents
    assert [(place / "b/c").read_bytes() for place in places] == contents


async def test_a_checkout_without_its_files_is_refused_and_nothing_else_is_touched(
    send: Any, check_out: Any, storage: Path
) -> None:
    await send(b"1")
    await check_out("job", spec("a", b"1"))

    refused = await check_out("job", spec("a", b"1"), spec("b", b"never sent"))

    assert (refused.status_code, refused.json()["code"]) == (424, 424)
    assert "b" in refused.json()["message"]
    assert everything_in(storage / "jobs") == ["job/a"]


@pytest.mark.parametrize(
    "path",
    ["/etc", "../out", "a/../../out", "..", ".", "", "a/..", "a?b", "a*", "c:x", "a;b", "{jobs}",
     "a\\b", "a\nb", "a\0b", ".shaman-building/x", "x" * 300],
)  # fmt: skip
async def test_a_checkout_stays_among_the_checkouts(
    check_out: Any, storage: Path, path: str
) -> None:
    refused = await check_out(path)

    assert refused.status_code == 400
    assert refused.json()["message"]
    assert not storage.exists()


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../a", "a/../../b", "..", "", "C:/a", "c:a", "\\\\server\\a", "a\\..\\..\\b",
     "a\nb", "a\0b", "a/" + "x" * 300, "a\u2028b"],
)  # fmt: skip
async def test_a_file_stays_in_its_checkout(
    api: httpx.AsyncClient, send: Any, check_out: Any, storage: Path, path: str
) -> None:
    await send(b"1")

    refused = await check_out("job", spec("fine", b"1"), spec(path, b"1"))
    not_wanted = await api.post(
        f"{SHAMAN}/checkout/requirements", json={"files": [spec(path, b"2")]}
    )

    assert (refused.status_code, not_wanted.status_code) == (400, 400)
    assert not (storage / "jobs").exists()


@pytest.mark.parametrize("paths", [("a", "./a"), ("a", "a/b"), ("a/b/c", "a")])
async def test_paths_that_cannot_both_be_are_refused(
    send: Any, check_out: Any, storage: Path, paths: tuple[str, str]
) -> None:
    await send(b"1")
    await send(b"2")

    refused = await check_out("job", spec(paths[0], b"1"), spec(paths[1], b"2"))

    assert refused.status_code == 400
    assert not (storage / "jobs").exists()


async def test_a_checkout_does_not_follow_a_link_out_of_the_checkouts(
    send: Any, check_out: Any, storage: Path, tmp_path: Path
) -> None:
    await send(b"1")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (storage / "jobs").mkdir()
    (storage / "jobs/proj").symlink_to(elsewhere)

    answer = await check_out("proj/shot", spec("a", b"1"))

    assert answer.status_code == 200
    assert everything_in(elsewhere) == []


async def test_a_checkout_is_erased_with_its_empty_parents_and_no_other(
    farm: "Farm", send: Any, check_out: Any, storage: Path
) -> None:
    await send(b"1")
    await check_out("proj/a/one", spec("x/a", b"1"))
    await check_out("proj/two", spec("a", b"1"))

    await farm.parts.shaman.erase_checkout("proj/a/one")
    await farm.parts.shaman.erase_checkout("proj/a/one")

    assert everything_in(storage / "jobs") == ["proj/two/a"]
    assert not (storage / "jobs/proj/a").exists()
    assert blob_of(storage, b"1").read_bytes() == b"1"


# --- switched off -------------------------------------------------------------------------------


async def test_without_shaman_every_call_is_unavailable(
    api: httpx.AsyncClient, send: Any, check_out: Any, settings: ManagerSettings
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
