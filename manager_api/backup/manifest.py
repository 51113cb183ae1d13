"""What a backup says of itself: its version, when it was made, each file's size and digest."""

import re
from collections import Counter
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from manager_api.contract.versions import Standing
from manager_api.database.schema_version import known_migrations
from manager_api.upgrades.comparing import compared_manager
from manager_api.version import NAME, VERSION

#: The version of the archive's layout. It grows when an older Tablao cannot read a newer one's.
FORMAT = 1
#: The manifest's own name in the archive.
NAME_IN_ARCHIVE = "manifest.json"
#: A farm with 100,000 tasks has some 300,000 files of logs.
MOST_FILES = 2_000_000
LONGEST_NAME = 1_024

DATABASE, DUMP, TEMPORAL = "tablao.sqlite", "postgresql.dump", "temporal/temporal.db"
SETTINGS, STORAGE_NOTE = "tablao-manager.yaml", "shared-storage.json"
JOB_FILES, SCRIPTS, TLS, LOGS = "job-files", "scripts", "tls", "logs"
_FILES = frozenset({DATABASE, DUMP, TEMPORAL, SETTINGS, STORAGE_NOTE})
_FOLDERS = frozenset({JOB_FILES, SCRIPTS, TLS, LOGS})
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


class BackupRefused(Exception):
    """A backup cannot be made or restored. The message is a sentence for the user."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BackedUpFile(_Strict):
    """A file of a backup. Its name is its path below the restored data directory, with slashes."""

    name: Annotated[str, Field(max_length=LONGEST_NAME)]
    size: Annotated[int, Field(ge=0, le=2**62)]
    """In bytes."""
    sha256: Annotated[str, Field(pattern=_SHA256.pattern, max_length=64)]


class Manifest(_Strict):
    format: int
    tablao: Annotated[str, Field(max_length=64)]
    """The version that made the backup."""
    migration: Annotated[str, Field(max_length=64)]
    """The number of the database's newest migration."""
    made: AwareDatetime
    database: Literal["sqlite", "postgresql"]
    temporal: Literal["embedded", "own"]
    """`own`: the studio's own Temporal, which is not in the backup."""
    left_out: tuple[Annotated[str, Field(max_length=1_024)], ...] = ()
    """Sentences about what is not in the backup although it belongs to the farm."""
    files: Annotated[tuple[BackedUpFile, ...], Field(max_length=MOST_FILES)]

    @property
    def size(self) -> int:
        """The bytes of all files, as they are restored."""
        return sum(file.size for file in self.files)


def new_manifest(
    migration: str,
    made: datetime,
    files: tuple[BackedUpFile, ...],
    left_out: tuple[str, ...],
    *,
    is_sqlite: bool,
    has_temporal: bool,
) -> Manifest:
    return Manifest(
        format=FORMAT,
        tablao=VERSION,
        migration=migration,
        made=made,
        database="sqlite" if is_sqlite else "postgresql",
        temporal="embedded" if has_temporal else "own",
        left_out=left_out,
        files=files,
    )


def read_manifest(content: bytes) -> Manifest:
    """Read a manifest, and check that this version of Tablao can restore its backup.

    Raises:
        BackupRefused: it is no manifest, or names files that a backup does not have, or is of a
            newer Tablao.
    """
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        _refuse_newer_format(content)
        raise BackupRefused(f"Its {NAME_IN_ARCHIVE} is not one of a backup by {NAME}.") from error
    _check_version(manifest)
    _check_files(manifest)
    return manifest


class _FormatAlone(BaseModel):
    format: int
    tablao: str = "?"


def _refuse_newer_format(content: bytes) -> None:
    """Refuse a manifest of a later format, whose other fields are not known."""
    try:
        alone = _FormatAlone.model_validate_json(content)
    except ValidationError:
        return
    if alone.format > FORMAT:
        raise _newer(alone.tablao)


def _check_version(manifest: Manifest) -> None:
    is_newer = compared_manager(manifest.tablao, VERSION).standing is Standing.NEWER
    if manifest.format > FORMAT or is_newer or manifest.migration not in known_migrations():
        raise _newer(manifest.tablao)


def _newer(version: str) -> BackupRefused:
    return BackupRefused(
        f"It was made by {NAME} {version[:64]}, which is newer than this {NAME} {VERSION}. Install "
        f"that version, or a newer one, and restore with it."
    )


def _check_files(manifest: Manifest) -> None:
    for file in manifest.files:
        check_name(file.name)
    twice = [name for name, count in Counter(f.name for f in manifest.files).items() if count > 1]
    if twice:
        raise BackupRefused(f"It has the file {twice[0]} twice.")
    names = {file.name for file in manifest.files}
    needed = {DATABASE if manifest.database == "sqlite" else DUMP}
    needed |= {TEMPORAL} if manifest.temporal == "embedded" else set()
    if missing := sorted(needed - names):
        raise BackupRefused(f"It lacks the file {missing[0]}.")


def check_name(name: str) -> None:
    """Check that a file's name is one that a backup has: nothing outside of the data directory.

    Raises:
        BackupRefused: it is not.
    """
    first, *others = name.split("/")
    is_whole = not any(part in ("", ".", "..") for part in (first, *others))
    is_ours = name in _FILES or (first in _FOLDERS and others)
    if not (is_whole and is_ours) or _CONTROL.search(name) or len(name) > LONGEST_NAME:
        raise BackupRefused(f"It has a file with the name {name[:100]!r}, which no backup has.")
