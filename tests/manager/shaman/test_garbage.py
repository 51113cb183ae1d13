"""What garbage collection deletes, and what it never does."""

import hashlib
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from manager_api.shaman import garbage
from manager_api.shaman.checkouts import create_checkout
from manager_api.shaman.file_store import FileStore, Upload
from manager_api.shaman.garbage import ABANDONED_S, Collection, collect
from manager_api.shaman.guard import Guard
from manager_api.shaman.layout import Layout
from workflows.domain.shaman import Blob

DAY = timedelta(days=1)
MONTHS_AGO = time.time() - 1e7


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    (tmp_path / "disk/jobs").mkdir(parents=True)
    return tmp_path / "disk"


@pytest.fixture
def store(storage: Path) -> FileStore:
    return FileStore(Layout(storage), Guard())


@pytest.fixture
def stored(store: FileStore) -> Callable[..., Blob]:
    """Stores a file; months ago, unless it is said to be new."""

    def stored(content: bytes, *, is_new: bool = False) -> Blob:
        blob = Blob(hashlib.sha256(content).hexdigest(), len(content))
        Upload(store, blob).finish(content)
        if not is_new:
            age(store, blob)
        return blob

    return stored


def age(store: FileStore, blob: Blob) -> None:
    os.utime(store.layout.blob(blob), (MONTHS_AGO, MONTHS_AGO))


def links(store: FileStore, name: str, *blobs: Blob) -> str:
    files = {f"folder/{number}": blob for number, blob in enumerate(blobs)}
    return create_checkout(store, name, files, as_links=True)


def test_old_files_in_no_checkout_are_deleted_with_their_folders(
    store: FileStore, stored: Callable[..., Blob]
) -> None:
    old, new = stored(b"old"), stored(b"new", is_new=True)
    used = stored(b"used")
    links(store, "job", used)
    age(store, used)

    found = collect(store, DAY)

    assert found == Collection(deleted_files=1, deleted_bytes=3, kept_in_use=1, kept_recent=1)
    assert [store.is_stored(blob) for blob in (old, new, used)] == [False, True, True]
    assert not store.layout.blob(old).parent.exists()


def test_a_trial_deletes_nothing(store: FileStore, stored: Callable[..., Blob]) -> None:
    old = stored(b"old")

    found = collect(store, DAY, is_trial=True)

    assert found.deleted_files == 1
    assert store.is_stored(old)


def test_copies_do_not_hold_a_file(store: FileStore, stored: Callable[..., Blob]) -> None:
    blob = stored(b"copied")
    create_checkout(store, "job", {"a/b": blob}, as_links=False)
    age(store, blob)

    found = collect(store, DAY)

    assert found.deleted_files == 1
    assert (store.layout.jobs / "job/a/b").read_bytes() == b"copied"
    assert not (store.layout.jobs / "job/a/b").is_symlink()


@pytest.mark.parametrize("way", ["through the link", "to the disk"])
def test_a_storage_reached_through_a_link_is_understood(
    store: FileStore, storage: Path, stored: Callable[..., Blob], tmp_path: Path, way: str
) -> None:
    (tmp_path / "link").symlink_to(storage)
    through = FileStore(Layout(tmp_path / "link"), Guard())
    made, collected = (through, store) if way == "to the disk" else (store, through)
    blob = stored(b"used")
    links(made, "proj/job", blob)
    age(store, blob)

    found = collect(collected, DAY)

    assert found.kept_in_use == 1
    assert (storage / "jobs/proj/job/folder/0").read_bytes() == b"used"
    assert (tmp_path / "link/jobs/proj/job/folder/0").read_bytes() == b"used"


@pytest.mark.parametrize("target", ["as another machine sees it", "under another name"])
def test_links_that_are_not_ours_count_too(
    store: FileStore, stored: Callable[..., Blob], tmp_path: Path, target: str
) -> None:
    blob = stored(b"used")
    place = store.layout.blob(blob)
    elsewhere = Path("/mnt/elsewhere", *place.parts[-5:])
    by_another_name = tmp_path / "by another name"
    by_another_name.hardlink_to(place)
    age(store, blob)
    link = elsewhere if target == "as another machine sees it" else by_another_name
    (store.layout.jobs / "by hand").symlink_to(link)

    found = collect(store, DAY)

    assert found.kept_in_use == 1


def test_a_folder_that_cannot_be_read_means_that_nothing_is_deleted(
    store: FileStore, stored: Callable[..., Blob], monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = stored(b"old")
    (store.layout.jobs / "job").mkdir()
    # Permissions do not hold up the superuser, whom tests may run as.
    scan = os.scandir

    def forbidden(path: str) -> object:
        if str(path).endswith("job"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", forbidden)

    with pytest.raises(PermissionError):
        collect(store, DAY)
    assert store.is_stored(blob)


def test_without_the_checkouts_nothing_can_be_said_to_be_unused(
    store: FileStore, stored: Callable[..., Blob]
) -> None:
    blob = stored(b"old")
    store.layout.jobs.rmdir()

    assert collect(store, DAY) == Collection()
    assert store.is_stored(blob)


# --- races --------------------------------------------------------------------------------------


def test_a_file_asked_for_while_it_is_collected_stays(
    store: FileStore, stored: Callable[..., Blob]
) -> None:
    blobs = [stored(str(number).encode()) for number in range(300)]
    is_over = threading.Event()
    promised: set[Blob] = set()

    def ask() -> None:
        for blob in reversed(blobs):
            if store.touch(blob):
                promised.add(blob)
        is_over.set()

    asking = threading.Thread(target=ask)
    asking.start()
    found = collect(store, DAY)
    asking.join()

    assert is_over.is_set()
    assert found.deleted_files == len(blobs) - len(promised)
    assert all(map(store.is_stored, promised))


def test_another_managers_client_is_heard_at_the_last_moment(
    store: FileStore, stored: Callable[..., Blob], monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = stored(b"old")
    rename = Path.rename

    def asked_for_just_before(path: Path, target: Path) -> Path:
        os.utime(path)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", asked_for_just_before)

    found = collect(store, DAY)

    assert found == Collection(kept_recent=1)
    assert store.is_stored(blob)


def test_what_a_checkout_is_being_made_of_stays_whatever_its_age(
    store: FileStore, stored: Callable[..., Blob]
) -> None:
    blob = stored(b"old")

    with store.guard.needing([blob]):
        during = collect(store, timedelta(0))
    afterwards = collect(store, timedelta(0))

    assert (during.deleted_files, afterwards.deleted_files) == (0, 1)


def test_a_collection_that_was_killed_gives_back_what_it_had_moved_aside(
    store: FileStore, stored: Callable[..., Blob]
) -> None:
    blob = stored(b"asked for meanwhile", is_new=True)
    store.layout.leaving.mkdir()
    store.layout.blob(blob).rename(store.layout.leaving / f"{blob.sha}-{blob.size}")
    (store.layout.leaving / "something else").touch()

    found = collect(store, DAY)

    assert found.kept_recent == 1
    assert store.is_stored(blob)


def test_what_killed_managers_left_is_removed_but_not_what_lives(
    store: FileStore, stored: Callable[..., Blob]
) -> None:
    stored(b"so that there is something")
    dead = store.layout.uploading / "dead.tmp"
    living = store.layout.uploading / "living.tmp"
    half = store.layout.building / "half"
    half.mkdir(parents=True)
    (half / "file").touch()
    for path in (dead, living):
        path.touch()
    for path in (dead, living, half):
        os.utime(path, (time.time() - ABANDONED_S - 60,) * 2)
    fresh = store.layout.building / "fresh"
    fresh.mkdir()

    with store.guard.unfinished("living.tmp"):
        collect(store, DAY)

    assert [path.exists() for path in (dead, living, half, fresh)] == [False, True, False, True]


def test_a_collection_can_be_ended_early(store: FileStore, stored: Callable[..., Blob]) -> None:
    for number in range(5):
        stored(str(number).encode())

    found = garbage.collect(store, DAY, is_over=lambda: True)

    assert found == Collection()
