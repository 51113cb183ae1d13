"""The browser of the shared storage: what it lists, and that it never leaves."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.files import storage as shared_storage
from manager_api.files.storage import SharedStorage

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

URL = "/api/tablao/v1/files"


@pytest.fixture
def storage(farm: "Farm") -> Path:
    path = farm.parts.settings.shared_storage_path
    (path / "jobs/flor").mkdir(parents=True)
    (path / "notes.txt").write_text("olé")
    return path


async def listed(api: httpx.AsyncClient, path: object = "", **query: Any) -> dict[str, Any]:
    answer = await api.get(URL, params={"path": str(path), **query})
    assert answer.status_code == 200, answer.text
    listing: dict[str, Any] = answer.json()
    return listing


def names(listing: dict[str, Any]) -> list[str]:
    return [entry["name"] for entry in listing["entries"]]


async def test_folders_come_first_and_numbers_count(api: httpx.AsyncClient, storage: Path) -> None:
    for name in ("shot-10.blend", "shot-9.blend", "Shot-11.blend"):
        (storage / name).touch()

    listing = await listed(api)

    assert names(listing) == ["jobs", "notes.txt", "shot-9.blend", "shot-10.blend", "Shot-11.blend"]
    assert listing["root"] == listing["folder"] == str(storage)
    assert listing["entries"][0]["is_folder"]
    assert listing["entries"][1]["size"] == len("olé".encode())
    assert listing["entries"][1]["path"] == str(storage / "notes.txt")


async def test_a_path_may_begin_with_a_variable_and_is_shown_with_it(
    api: httpx.AsyncClient, storage: Path
) -> None:
    listing = await listed(api, "{jobs}/flor")

    assert listing["folder"] == str(storage / "jobs/flor")
    assert listing["shown"] == "{jobs}/flor"


async def test_of_a_file_its_folder_is_shown(api: httpx.AsyncClient, storage: Path) -> None:
    assert (await listed(api, storage / "notes.txt"))["folder"] == str(storage)


async def test_of_what_is_not_there_the_nearest_is_shown_when_asked_for(
    api: httpx.AsyncClient, storage: Path
) -> None:
    missing = storage / "jobs/new/####"

    assert (await listed(api, missing, nearest=True))["folder"] == str(storage / "jobs")
    assert (await api.get(URL, params={"path": str(missing)})).status_code == 404


async def test_instead_of_what_is_outside_the_storage_is_shown_when_asked_for(
    api: httpx.AsyncClient, storage: Path
) -> None:
    listing = await listed(api, "/etc", nearest=True)

    assert (listing["folder"], names(listing)) == (str(storage), ["jobs", "notes.txt"])
    assert listing["note"] == f"/etc is not in the shared storage, which is {storage}."


@pytest.mark.parametrize("path", ["/", "/etc/passwd", "..", "{storage}/../..", "jobs/../../x"])
async def test_nothing_outside_the_shared_storage_is_shown(
    api: httpx.AsyncClient, storage: Path, path: str
) -> None:
    answer = await api.get(URL, params={"path": path.replace("{storage}", str(storage))})

    assert answer.status_code == 403
    assert "not in the shared storage" in answer.json()["message"]


async def test_a_name_that_no_file_can_have_is_refused_with_a_sentence(
    api: httpx.AsyncClient, storage: Path
) -> None:
    answer = await api.get(URL, params={"path": f"jobs/{'x' * 256}"})

    assert answer.status_code == 400
    assert "File name too long" in answer.json()["message"]


async def test_links_that_lead_out_are_left_out_and_refused(
    api: httpx.AsyncClient, storage: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (storage / "way-out").symlink_to(tmp_path / "elsewhere")
    (storage / "to-nothing").symlink_to(storage / "nothing")
    (storage / "round").symlink_to(storage / "round")
    (storage / "within").symlink_to(storage / "jobs")

    listing = await listed(api)
    answer = await api.get(URL, params={"path": str(storage / "way-out")})

    assert names(listing) == ["jobs", "within", "notes.txt"]
    assert listing["leading_out"] == 3
    assert answer.status_code == 403


async def test_hidden_files_are_counted_and_shown_when_asked_for(
    api: httpx.AsyncClient, storage: Path
) -> None:
    (storage / ".cache").mkdir()

    listing = await listed(api)

    assert (names(listing), listing["hidden"]) == (["jobs", "notes.txt"], 1)
    assert ".cache" in names(await listed(api, hidden=True))


async def test_of_thousands_some_are_listed_and_the_rest_can_be_found(
    api: httpx.AsyncClient, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_storage, "MAX_ENTRIES", 50)
    for number in range(60):
        (storage / "jobs/flor" / f"{number:04}.png").touch()

    listing = await listed(api, storage / "jobs/flor")

    assert (len(listing["entries"]), listing["total"]) == (50, 60)
    assert names(await listed(api, storage / "jobs/flor", contains="0059.P")) == ["0059.png"]


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
async def test_what_is_no_path_is_refused(api: httpx.AsyncClient, storage: Path, path: str) -> None:
    assert (await api.get(URL, params={"path": path})).status_code == 400


async def test_a_storage_that_is_not_there_is_told(api: httpx.AsyncClient) -> None:
    assert (await api.get(URL)).status_code == 404


def test_names_that_are_no_unicode_are_passed_over(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\xfe")

    assert SharedStorage(tmp_path).listing(Path()).entries == []


def test_a_storage_behind_a_link_keeps_the_name_that_workers_know(tmp_path: Path) -> None:
    (tmp_path / "real/jobs").mkdir(parents=True)
    (tmp_path / "storage").symlink_to(tmp_path / "real")

    listing = SharedStorage(tmp_path / "storage").listing(Path("jobs"))

    assert listing.folder == tmp_path / "storage/jobs"
