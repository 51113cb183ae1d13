"""Copies an SQLite database before it is migrated, so that an upgrade can be taken back."""

import contextlib
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from manager_api.database.schema_version import known_migrations
from manager_api.database.sqlite_copies import (
    begin_reading,
    copy_database,
    flush,
    migration_of,
    opened,
)

#: The folder beside the database's file.
FOLDER = "before-migrations"
#: So many copies are kept, each from before another migration.
KEPT = 3
_WAIT_S = 10.0

logger = logging.getLogger(__name__)


class NotCopied(Exception):
    """The database was not copied, so it must not be migrated. The message is a sentence."""


def copy_before_migration(database: Path) -> Path | None:
    """Copy a database that an older version has made; remove copies that are too old. Blocks.

    The copy is named for the newest migration that it has. So a migration that fails again and
    again, because a supervisor starts the manager again, does not push out older copies.

    Returns:
        The copy; None if there is nothing to copy: the database is new, or a newer version has
        migrated it, which `upgrade` refuses.

    Raises:
        NotCopied: it cannot be copied, most often because the disk is full. Nothing is changed.
    """
    if not database.exists():
        return None
    folder = database.parent / FOLDER
    unfinished = folder / f"{database.stem}-{uuid4().hex[:8]}.tmp"
    try:
        with closing(opened(database, wait_s=_WAIT_S)) as source:
            migration = migration_of(source)
            if migration not in known_migrations():
                return None
            folder.mkdir(0o700, exist_ok=True)
            _remove_unfinished(folder, database.stem)
            begin_reading(source)
            copy_database(source, unfinished)
        copy = folder / f"{database.stem}-{migration}.sqlite"
        flush(unfinished)
        unfinished.replace(copy)
        flush(folder)
        _remove_old(folder, database.stem)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise NotCopied(
            f"The database {database} was not migrated, because it cannot be copied to {folder} "
            f"first: {error}. Nothing was changed. Make room there, or start the version of Tablao "
            "that this database is from."
        ) from error
    logger.info("the database was copied before its migration", extra={"copy": str(copy)})
    return copy


def _remove_unfinished(folder: Path, stem: str) -> None:
    """Make room: a manager that was killed while it copied could not remove what it had written."""
    for unfinished in folder.glob(f"{stem}-*.tmp*"):
        unfinished.unlink(missing_ok=True)


def _remove_old(folder: Path, stem: str) -> None:
    copies = sorted(folder.glob(f"{stem}-[0-9]*.sqlite"), key=lambda copy: copy.stat().st_mtime)
    for old in copies[:-KEPT]:
        old.unlink()
