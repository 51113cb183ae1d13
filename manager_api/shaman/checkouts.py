"""Checkouts: folders of links to stored files, or of copies, that jobs render from.

A checkout is built in a temporary folder and then renamed, so it is complete or absent. All
functions here block.
"""

import errno
import logging
import os
import secrets
import shutil
import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from manager_api.shaman import register
from manager_api.shaman.errors import CheckoutConflict, FilesMissing
from manager_api.shaman.file_store import FileStore
from manager_api.shaman.folders import remove_empty_folders
from manager_api.shaman.layout import Layout
from workflows.domain.shaman import Blob

logger = logging.getLogger(__name__)

_ATTEMPTS = 10
_LETTERS = string.ascii_lowercase + string.digits
#: Errors of systems without links, or that forbid us to make links.
_NO_LINKS = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL})
_OCCUPIED = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.ENOENT})


def create_checkout(
    store: FileStore, asked: str, files: Mapping[str, Blob], *, as_links: bool
) -> str:
    """Make a checkout and return its path, which differs from `asked` if that path was taken.

    Args:
        store: holds the files.
        asked: the normalized path of the checkout.
        files: the checkout's files, by normalized path.
        as_links: make links; otherwise copies. Copies are also made where links are impossible.

    Raises:
        FilesMissing: not all files are stored.
        CheckoutConflict: no free name was found, or the disk treats two paths as the same file.
        OSError: the disk refuses.
    """
    name = secrets.token_hex(8)
    building = store.layout.building / name
    with store.guard.needing(files.values()), store.guard.unfinished(name):
        if missing := [path for path, blob in files.items() if not store.touch(blob)]:
            raise FilesMissing(missing)
        building.mkdir(parents=True)
        try:
            _fill(store.layout, building, files, depth=asked.count("/") + 1, as_links=as_links)
            return _publish(store, building, asked)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise


def _fill(
    layout: Layout, building: Path, files: Mapping[str, Blob], *, depth: int, as_links: bool
) -> None:
    """
    Args:
        depth: how many folders below `jobs` the checkout will be.
    """
    # Relative, so a link works under every path at which a machine mounts the storage.
    stored = os.path.relpath(layout.stored.resolve(), layout.jobs.resolve())
    for path, blob in files.items():
        place = building / path
        place.parent.mkdir(parents=True, exist_ok=True)
        source = layout.blob(blob)
        if as_links:
            up = [os.pardir] * (depth + path.count("/"))
            link = os.path.join(*up, stored, source.relative_to(layout.stored))
            as_links = _link(link, place)
        if not as_links:
            _copy(source, place)


def _link(link: str, place: Path) -> bool:
    """Return whether links are possible here."""
    try:
        place.symlink_to(link)
    except FileExistsError as error:
        raise _same_to_the_disk(place) from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        logger.warning(
            "no links on the shared storage, copying instead", extra={"reason": str(error)}
        )
        return False
    return True


def _copy(source: Path, place: Path) -> None:
    try:
        with source.open("rb") as content, place.open("xb") as copy:
            shutil.copyfileobj(content, copy, 2**20)
    except FileExistsError as error:
        raise _same_to_the_disk(place) from error


def _same_to_the_disk(place: Path) -> CheckoutConflict:
    return CheckoutConflict(f"another file has the name {place.name!r} on the shared storage")


def _publish(store: FileStore, building: Path, asked: str) -> str:
    for _ in range(_ATTEMPTS):
        name = _free_name(store.layout, asked)
        place = store.layout.jobs / name
        try:
            # The lock is needed because a rename replaces an empty folder.
            with store.guard.lock:
                place.parent.mkdir(parents=True, exist_ok=True)
                if not os.path.lexists(place):
                    building.rename(place)
                    register.enter(store.layout, name)
                    return name
        except OSError as error:
            remove_empty_folders(place.parent, up_to=store.layout.jobs)
            if error.errno not in _OCCUPIED:
                raise
    raise CheckoutConflict(f"no free name was found for a checkout at {asked!r}")


def _free_name(layout: Layout, asked: str) -> str:
    """Return the path as asked, or with a random suffix on the first part that is taken.

    A checkout may not lie inside another checkout: erasing the outer one would erase both.
    """
    parts = asked.split("/")
    place = layout.jobs
    for number, part in enumerate(parts):
        place /= part
        is_last = number == len(parts) - 1
        if os.path.lexists(place) and (is_last or _is_checkout(layout, parts[: number + 1])):
            parts[number] = f"{part}-{''.join(secrets.choice(_LETTERS) for _ in range(4))}"
            break
    return "/".join(parts)


def _is_checkout(layout: Layout, parts: Sequence[str]) -> bool:
    """Return whether the path is a checkout, or anything else that cannot hold a checkout."""
    place = layout.jobs.joinpath(*parts)
    if register.is_checkout(layout, "/".join(parts)) or place.is_symlink() or not place.is_dir():
        return True
    with os.scandir(place) as entries:
        return not all(entry.is_dir(follow_symlinks=False) for entry in entries)
