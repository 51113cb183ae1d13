"""Shaman's files and checkouts, and the rules for their paths.

A stored file is identified by its checksum and size alone. Paths come from clients and are used on
the shared storage, so they are checked here first. Source: Flamenco's rules for the paths of
checkouts; the rules for the files in them are ours.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

#: The folder, beside the checkouts, where checkouts are assembled. No checkout may have this name.
BUILDING = ".shaman-building"
#: In bytes. No file system that we know of allows larger files.
LARGEST_FILE = 2**63 - 1
LONGEST_PATH = 1024
#: The most files of one checkout.
MOST_FILES = 100_000
#: In bytes. File systems allow 255; up to five may be needed to tell a checkout from another.
_LONGEST_PART = 250
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_NOT_IN_CHECKOUTS = frozenset("?*:;{}\\")


class FileStatus(StrEnum):
    UNKNOWN = "unknown"
    UPLOADING = "uploading"
    STORED = "stored"


class NotAllowed(ValueError):
    """A checksum, size or path is not valid; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class Blob:
    """The content of a file."""

    sha: str
    size: int

    @classmethod
    def of(cls, sha: str, size: int) -> "Blob":
        """Return the content with this checksum and size in bytes.

        Raises:
            NotAllowed: `sha` is not a SHA-256 in hexadecimal, or `size` is out of range.
        """
        if not _SHA256.fullmatch(sha.lower()):
            raise NotAllowed("a checksum must be a SHA-256: 64 hexadecimal digits")
        if not 0 <= size <= LARGEST_FILE:
            raise NotAllowed("a size must be a number of bytes, 0 or more")
        return cls(sha.lower(), size)


def checkout_path(asked: str) -> str:
    """Return the checkout's path, tidied up: relative, with single slashes.

    Raises:
        NotAllowed: it leads outside the checkouts, or does not work on every platform.
    """
    if bad := sorted(_NOT_IN_CHECKOUTS & set(asked)):
        raise NotAllowed(f"a checkout's path must not contain {' '.join(bad)}")
    if "../" in asked or "/.." in asked:
        raise NotAllowed("a checkout's path must not lead upwards")
    path = _relative(asked, "a checkout's path")
    # Some storages ignore case, and Windows drops dots and spaces at the end.
    if path.partition("/")[0].rstrip(". ").lower() == BUILDING:
        raise NotAllowed(f"a checkout must not be called {BUILDING}")
    return path


def file_path(asked: str) -> str:
    """Return the path of a file in a checkout, tidied up: relative, with single slashes.

    Raises:
        NotAllowed: it leads outside the checkout.
    """
    return _relative(asked, "a file's path")


def files_by_path(files: Iterable[tuple[str, Blob]]) -> Mapping[str, Blob]:
    """Return the files of one checkout by tidied path; a file that is named twice counts once.

    Raises:
        NotAllowed: a path is not valid, or two of the paths exclude each other.
    """
    found: dict[str, Blob] = {}
    for asked, blob in files:
        path = file_path(asked)
        if found.setdefault(path, blob) != blob:
            raise NotAllowed(f"two different files are to be at {path[:100]!r}")
    folders = {folder for path in found for folder in _folders(path)}
    if both := folders & found.keys():
        raise NotAllowed(f"{min(both)[:100]!r} is to be a file and a folder")
    return found


def _folders(path: str) -> Iterable[str]:
    while (end := path.rfind("/")) > 0:
        path = path[:end]
        yield path


def _relative(asked: str, what: str) -> str:
    if asked.startswith(("/", "\\")) or _DRIVE.match(asked):
        raise NotAllowed(f"{what} must be relative: {asked[:100]!r}")
    if "\\" in asked:
        raise NotAllowed(f"{what} must have / between folders, not \\: {asked[:100]!r}")
    if _CONTROL.search(asked):
        raise NotAllowed(f"{what} must not contain line breaks or control characters")
    parts = [part for part in asked.split("/") if part not in ("", ".")]
    if not parts:
        raise NotAllowed(f"{what} must not be empty")
    if ".." in parts:
        raise NotAllowed(f"{what} must not lead upwards: {asked[:100]!r}")
    if len(asked) > LONGEST_PATH or any(len(part.encode()) > _LONGEST_PART for part in parts):
        raise NotAllowed(
            f"{what} may have {LONGEST_PATH} characters at most, "
            f"and {_LONGEST_PART} bytes between two slashes"
        )
    return "/".join(parts)
