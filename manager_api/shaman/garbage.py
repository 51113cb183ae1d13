"""Deletes stored files that are old and in no checkout. All functions here block.

A file is moved aside, checked once more, and only then deleted. If any process asked for the file
meanwhile, its modification time has changed, and the file is moved back.
"""

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from manager_api.shaman.file_store import FileStore
from manager_api.shaman.layout import Layout, blob_at
from workflows.domain.shaman import Blob

logger = logging.getLogger(__name__)

#: An upload or checkout that another process began counts as abandoned after this time.
ABANDONED_S = 24 * 3600.0
_KEY_DIGITS = 15


@dataclass
class Collection:
    """What a garbage collection found and deleted, or would delete."""

    deleted_files: int = 0
    deleted_bytes: int = 0
    kept_in_use: int = 0
    """Files that are old, but in a checkout."""
    kept_recent: int = 0


def collect(
    store: FileStore,
    max_age: timedelta,
    *,
    is_trial: bool = False,
    is_over: Callable[[], bool] = lambda: False,
) -> Collection:
    """
    Args:
        store: the files to collect.
        max_age: a file's age counts from when it was last stored or asked for.
        is_trial: count only, delete nothing.
        is_over: called before each file; true ends the collection early.

    Raises:
        OSError: some folder cannot be read, so no file is known to be unused.
    """
    found = Collection()
    if not (store.layout.stored.is_dir() and store.layout.jobs.is_dir()):
        return found
    oldest = time.time() - max(max_age.total_seconds(), 0)
    if not is_trial:
        _put_back_what_was_left(store)
        _remove_abandoned(store)
    used = _InUse.by_checkouts(store.layout)
    for blob, path in _stored(store.layout):
        if is_over():
            break
        _judge(store, blob, path, used, oldest, found, is_trial)
    return found


def _judge(
    store: FileStore,
    blob: Blob,
    path: Path,
    used: "_InUse",
    oldest: float,
    found: Collection,
    is_trial: bool,
) -> None:
    try:
        status = path.stat()
        if status.st_mtime >= oldest:
            found.kept_recent += 1
        elif used.has(blob, status):
            found.kept_in_use += 1
        elif is_trial or _delete(store, blob, path, oldest):
            found.deleted_files += 1
            found.deleted_bytes += status.st_size
        else:
            found.kept_recent += 1
    except FileNotFoundError:
        return  # another manager collects, too


def _delete(store: FileStore, blob: Blob, path: Path, oldest: float) -> bool:
    """Delete the file unless it was asked for meanwhile; return whether it was deleted."""
    aside = store.layout.leaving / f"{blob.sha}-{blob.size}"
    aside.parent.mkdir(parents=True, exist_ok=True)
    with store.guard.lock:
        if store.guard.is_needed(blob) or path.stat().st_mtime >= oldest:
            return False
        path.rename(aside)
        if aside.stat().st_mtime >= oldest:
            _put_back(store.layout, blob, aside)
            return False
        aside.unlink()
        _remove_if_empty(path.parent)
        _remove_if_empty(path.parent.parent)
    return True


def _put_back_what_was_left(store: FileStore) -> None:
    """Put back what a killed manager had moved aside."""
    with store.guard.lock, contextlib.suppress(FileNotFoundError):
        for aside in list(store.layout.leaving.iterdir()):
            sha, _, size = aside.name.partition("-")
            with contextlib.suppress(ValueError):  # no manager put it there
                _put_back(store.layout, Blob.of(sha, int(size)), aside)


def _put_back(layout: Layout, blob: Blob, aside: Path) -> None:
    place = layout.blob(blob)
    place.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        aside.replace(place)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _stored(layout: Layout) -> Iterator[tuple[Blob, Path]]:
    for folder, _, names in _walk(layout.stored):
        for name in names:
            path = os.path.join(folder, name)
            if blob := blob_at(path):
                yield blob, Path(path)


class _InUse:
    """The blobs that checkouts use: known by the text of a link, else by the file itself.

    The text suffices for our own links, even if this machine cannot follow them. Only part of a
    checksum is kept, to save memory. If two blobs share that part, one unused file is kept.
    """

    def __init__(self) -> None:
        self._keys: set[int] = set()
        self._files: set[tuple[int, int]] = set()

    @classmethod
    def by_checkouts(cls, layout: Layout) -> "_InUse":
        used = cls()
        for folder, folders, names in _walk(layout.jobs):
            for name in (*folders, *names):
                with contextlib.suppress(FileNotFoundError):
                    used._add(os.path.join(folder, name))
        return used

    def has(self, blob: Blob, status: os.stat_result) -> bool:
        return _key(blob) in self._keys or (status.st_dev, status.st_ino) in self._files

    def _add(self, path: str) -> None:
        if not os.path.islink(path):
            return
        if blob := blob_at(os.readlink(path)):
            self._keys.add(_key(blob))
        else:
            status = os.stat(path)
            self._files.add((status.st_dev, status.st_ino))


def _key(blob: Blob) -> int:
    return int(blob.sha[:_KEY_DIGITS], 16)


def _walk(top: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk like os.walk, but raise for an unreadable folder, unless it has just disappeared."""

    def complain(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    return os.walk(top, onerror=complain)


def _remove_abandoned(store: FileStore) -> None:
    for path in _unfinished(store.layout):
        with contextlib.suppress(FileNotFoundError):
            is_old = time.time() - path.lstat().st_mtime > ABANDONED_S
            if is_old and not store.guard.is_unfinished(path.name):
                logger.info(
                    "removing what was left of an upload or checkout", extra={"left": path.name}
                )
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _unfinished(layout: Layout) -> Iterator[Path]:
    yield from layout.uploading.glob("*.tmp")
    if layout.building.is_dir():
        yield from layout.building.iterdir()
