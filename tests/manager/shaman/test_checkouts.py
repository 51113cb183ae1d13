"""Checkouts on disks that do not do everything."""

import errno
import hashlib
import os
import shutil
from pathlib import Path

import pytest

from manager_api.shaman.checkouts import create_checkout
from manager_api.shaman.erasing import erase_checkout
from manager_api.shaman.errors import CheckoutConflict
from manager_api.shaman.file_store import FileStore, Upload
from manager_api.shaman.guard import Guard
from manager_api.shaman.layout import Layout
from workflows.domain.shaman import Blob, NotAllowed


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(Layout(tmp_path / "storage"), Guard())


@pytest.fixture
def blob(store: FileStore) -> Blob:
    content = b"content"
    blob = Blob(hashlib.sha256(content).hexdigest(), len(content))
    Upload(store, blob).finish(content)
    return blob


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_where_there_are_no_links_copies_are_made(
    store: FileStore, blob: Blob, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "symlink", refuse)

    create_checkout(store, "job", {"a": blob, "b/c": blob}, as_links=True)

    for path in ("a", "b/c"):
        assert not (store.layout.jobs / "job" / path).is_symlink()
        assert (store.layout.jobs / "job" / path).read_bytes() == b"content"


@pytest.mark.parametrize("as_links", [True, False])
def test_two_paths_that_are_one_to_the_disk_are_refused(
    store: FileStore, blob: Blob, monkeypatch: pytest.MonkeyPatch, as_links: bool
) -> None:
    def taken(*_: object, **__: object) -> None:
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "symlink", taken)
    monkeypatch.setattr(Path, "open", taken)

    with pytest.raises(CheckoutConflict, match="'A'"):
        create_checkout(store, "job", {"A": blob}, as_links=as_links)
    assert os.listdir(store.layout.jobs) == [".shaman-building"]
    assert os.listdir(store.layout.building) == []


def test_a_full_disk_leaves_nothing_of_a_checkout_and_all_of_the_others(
    store: FileStore, blob: Blob, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_checkout(store, "proj/one", {"a": blob}, as_links=True)
    rename = Path.rename

    def full(path: Path, target: Path) -> Path:
        if target.name == "two":
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)

    with pytest.raises(OSError, match="No space"):
        create_checkout(store, "new/two", {"a": blob}, as_links=True)
    assert sorted(os.listdir(store.layout.jobs)) == [".shaman-building", "proj"]
    assert os.listdir(store.layout.building) == []
    assert (store.layout.jobs / "proj/one/a").read_bytes() == b"content"


def test_a_file_in_the_way_of_a_checkouts_folder_is_left_alone(
    store: FileStore, blob: Blob
) -> None:
    store.layout.jobs.mkdir()
    (store.layout.jobs / "proj").write_text("mine")

    name = create_checkout(store, "proj/one", {"a": blob}, as_links=True)

    assert name.startswith("proj-")
    assert (store.layout.jobs / "proj").read_text() == "mine"


def test_the_storage_can_be_moved_with_its_checkouts(
    store: FileStore, blob: Blob, tmp_path: Path
) -> None:
    create_checkout(store, "proj/one", {"a/b/c": blob}, as_links=True)

    shutil.move(store.layout.storage, tmp_path / "moved")

    assert (tmp_path / "moved/jobs/proj/one/a/b/c").read_bytes() == b"content"


def test_a_checkout_is_erased_with_its_empty_parents_and_no_other(
    store: FileStore, blob: Blob
) -> None:
    create_checkout(store, "proj/a/one", {"x/a": blob}, as_links=True)
    create_checkout(store, "proj/two", {"a": blob}, as_links=True)

    erase_checkout(store.layout, "proj/a/one")
    erase_checkout(store.layout, "proj/a/one")

    assert os.listdir(store.layout.jobs / "proj") == ["two"]
    assert (store.layout.jobs / "proj/two/a").read_bytes() == b"content"
    assert store.is_stored(blob)
    assert os.listdir(store.layout.building) == []


@pytest.mark.parametrize("inside", ["a", "folder/a"])
def test_a_checkout_is_not_made_inside_another(store: FileStore, blob: Blob, inside: str) -> None:
    outer = create_checkout(store, "proj/one", {inside: blob}, as_links=True)
    beside = create_checkout(store, "proj/one/two", {"a": blob}, as_links=True)

    erase_checkout(store.layout, outer)

    assert (outer, beside[:9], beside[-4:]) == ("proj/one", "proj/one-", "/two")
    assert (store.layout.jobs / beside / "a").read_bytes() == b"content"


def test_a_folder_with_checkouts_in_it_is_not_erased_as_if_it_were_one(
    store: FileStore, blob: Blob
) -> None:
    create_checkout(store, "proj/one", {"folder/a": blob}, as_links=True)
    create_checkout(store, "proj/two", {"folder/a": blob}, as_links=True)

    with pytest.raises(NotAllowed, match="others"):
        erase_checkout(store.layout, "proj")

    assert sorted(os.listdir(store.layout.jobs / "proj")) == ["one", "two"]


def test_what_was_removed_by_hand_is_forgotten(store: FileStore, blob: Blob) -> None:
    create_checkout(store, "proj/one", {"a": blob}, as_links=True)
    shutil.rmtree(store.layout.jobs / "proj")

    whole = create_checkout(store, "proj", {"folder/a": blob}, as_links=True)
    erase_checkout(store.layout, whole)
    again = create_checkout(store, "proj/one", {"a": blob}, as_links=True)
    erase_checkout(store.layout, again)

    assert (whole, again) == ("proj", "proj/one")
    assert os.listdir(store.layout.jobs) == [".shaman-building"]
    assert os.listdir(store.layout.register) == []


@pytest.mark.parametrize("part", ["proj/one/folder", "proj/one/folder/deep"])
def test_a_folder_in_a_checkout_is_not_erased_as_if_it_were_one(
    store: FileStore, blob: Blob, part: str
) -> None:
    create_checkout(store, "proj/one", {"folder/deep/a": blob}, as_links=True)

    with pytest.raises(NotAllowed):
        erase_checkout(store.layout, part)

    assert (store.layout.jobs / "proj/one/folder/deep/a").is_symlink()


def test_a_checkout_of_flamencos_can_be_erased(store: FileStore, blob: Blob) -> None:
    create_checkout(store, "one", {"folder/a": blob}, as_links=True)
    shutil.rmtree(store.layout.register)

    erase_checkout(store.layout, "one")

    assert os.listdir(store.layout.jobs) == [".shaman-building"]


def test_only_checkouts_are_erased(store: FileStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "job").mkdir(parents=True)
    store.layout.jobs.mkdir(parents=True)
    (store.layout.jobs / "link").symlink_to(outside)
    (store.layout.jobs / "file").touch()

    for checkout_id in ("link", "link/job", "file", "../outside", ".", "/", str(outside)):
        with pytest.raises(NotAllowed):
            erase_checkout(store.layout, checkout_id)

    assert (outside / "job").is_dir()
    assert sorted(os.listdir(store.layout.jobs)) == ["file", "link"]
