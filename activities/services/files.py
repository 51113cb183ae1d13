"""Writes the files of services: whole, with the right owner, and never readable for a moment."""

import os
import stat
import sys
from pathlib import Path
from typing import NamedTuple

from activities.services.definition import Account, ServiceError

#: A join token has 43 characters; a file that is much larger is another one.
_LONGEST_TOKEN = 1000
PRIVATE, READABLE, PRIVATE_FOLDER = 0o600, 0o644, 0o700


class Kept(NamedTuple):
    """A file or folder that a service needs beside its own file."""

    path: Path
    content: bytes | None
    """None: a folder."""
    account: Account | None
    """Whose it is; None: of the user who calls."""


def keep(kept: Kept) -> None:
    """Make a folder if it is missing, or write a file that only its owner can read.

    Raises:
        OSError: it cannot be made.
    """
    if kept.content is not None:
        write(kept.path, kept.content, PRIVATE, kept.account)
    elif not kept.path.is_dir():
        kept.path.parent.mkdir(parents=True, exist_ok=True)
        kept.path.mkdir(PRIVATE_FOLDER)
        if kept.account is not None and sys.platform != "win32":
            os.chown(kept.path, kept.account.uid, kept.account.gid)


def write(path: Path, content: bytes, mode: int, account: Account | None = None) -> None:
    """Write a file in one step; it has its mode and its owner before it has its content.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(handle, "wb") as file:
            if account is not None and sys.platform != "win32":
                os.fchown(file.fileno(), account.uid, account.gid)
            if sys.platform != "win32":
                os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def private_text(path: Path) -> str:
    """Return a secret from a file that others cannot read, without white space around it.

    Raises:
        ServiceError: it cannot be read, others can read it, or it holds no secret.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_LONGEST_TOKEN + 1)
    except OSError as problem:
        raise ServiceError(f"{path} cannot be read: {problem.strerror or problem}.") from problem
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ServiceError(f"Other users can read {path}. Close it first: chmod 600 {path}")
    text = content.decode(errors="replace").strip()
    if not text or len(content) > _LONGEST_TOKEN or not text.isascii() or not text.isprintable():
        raise ServiceError(f"{path} does not hold a join token.")
    return text
