"""Checking out over HTTP: complete or not at all, and nowhere else."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.manager.api_calls import Fits
from tests.manager.shaman.files import (
    SHAMAN,
    CheckOut,
    Send,
    blob_of,
    everything_in,
    is_there,
    spec,
)


async def test_a_checkout_has_its_files_under_their_paths_as_relative_links(
    send: Send, check_out: CheckOut, storage: Path, fits: Fits
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
    to_the_store = Path("../../../../../file-store/stored")
    assert (checkout / "tex/b/c.png").readlink() == to_the_store / blob_of(
        storage, b"texture"
    ).relative_to(storage / "file-store/stored")
    assert everything_in(storage / "jobs/.shaman-building") == []


async def test_a_taken_path_gets_something_behind_it(
    send: Send, check_out: CheckOut, storage: Path
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
    send: Send, check_out: CheckOut, storage: Path
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
    send: Send, check_out: CheckOut, storage: Path
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
     "a\\b", "a\nb", "a\0b", ".shaman-building/x", ".SHAMAN-Building ./x",
     "x" * 300],
)  # fmt: skip
async def test_a_checkout_stays_among_the_checkouts(
    check_out: CheckOut, storage: Path, path: str
) -> None:
    refused = await check_out(path)

    assert refused.status_code == 400
    assert refused.json()["message"]
    assert not is_there(storage)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../a", "a/../../b", "..", "", "C:/a", "c:a", "\\\\server\\a", "a\\..\\..\\b",
     "a\nb", "a\0b", "a/" + "x" * 300, "a\u2028b"],
)  # fmt: skip
async def test_a_file_stays_in_its_checkout(
    api: httpx.AsyncClient, send: Send, check_out: CheckOut, storage: Path, path: str
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
    send: Send, check_out: CheckOut, storage: Path, paths: tuple[str, str]
) -> None:
    await send(b"1")
    await send(b"2")

    refused = await check_out("job", spec(paths[0], b"1"), spec(paths[1], b"2"))

    assert refused.status_code == 400
    assert not (storage / "jobs").exists()


async def test_a_checkout_does_not_follow_a_link_out_of_the_checkouts(
    send: Send, check_out: CheckOut, storage: Path, tmp_path: Path
) -> None:
    await send(b"1")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (storage / "jobs").mkdir()
    (storage / "jobs/proj").symlink_to(elsewhere)

    answer = await check_out("proj/shot", spec("a", b"1"))

    assert answer.status_code == 200
    assert everything_in(elsewhere) == []
