"""Makes a backup of a farm that may run meanwhile: a whole file, or none."""

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url

from manager_api.backup.archive import ArchiveWriter, Progress, new_archive
from manager_api.backup.contents import Choice, Contents, contents_of
from manager_api.backup.manifest import (
    DATABASE,
    DUMP,
    SETTINGS,
    TEMPORAL,
    BackupRefused,
    Manifest,
    new_manifest,
)
from manager_api.backup.moment import moment_of, readable
from manager_api.backup.postgres import program, snapshot_of
from manager_api.database.sqlite_copies import begin_reading, copy_database, flush, migration_of
from manager_api.settings.model import ManagerSettings
from manager_api.temporal.process import ServerFiles

#: Tables with tokens of people and programs, and with what webhooks are signed with. Those that
#: refer to others come first. The database keeps hashes of passwords and of workers' secrets.
_SECRET_TABLES = (
    "sessions",
    "begun_logins",
    "tokens",
    "join_tokens",
    "delivery_tries",
    "deliveries",
    "notification_rules",
)


@dataclass(frozen=True, slots=True)
class MadeBackup:
    manifest: Manifest
    size: int
    """Of the archive, in bytes."""
    held_s: float
    """For how long the manager could not write, in seconds."""
    took_s: float


def make_backup(
    settings: ManagerSettings, file: Path, choice: Choice, now: datetime, progress: Progress
) -> MadeBackup:
    """Write a backup into a new file. Blocks.

    Args:
        settings: of the farm's manager, which may run.
        file: the archive. It does not exist, and its folder does.
        choice: what is to be in it.
        now: the time that the manifest says.
        progress: is told how many bytes there are to work on, and how many are done.

    Raises:
        BackupRefused: it cannot be made; nothing of it is left.
        SettingsError: the settings file is not readable.
    """
    began = time.monotonic()
    file = file.absolute()
    with _said_in_words(file):
        _check_place(file, settings)
    with _said_in_words(file), _work_folder(file) as folder:
        copies = asyncio.run(_copied(settings, choice, folder, progress))
        # Looked for after the databases, so that the logs of all tries that they know are found.
        contents = contents_of(settings, choice)
        progress.expect(contents.size + sum(path.stat().st_size for path in copies.paths.values()))
        archive = folder / "backup.zip"
        with new_archive(archive, progress) as writer:
            _add(writer, copies, contents)
            manifest = new_manifest(
                copies.migration,
                now,
                tuple(writer.files),
                tuple(contents.left_out),
                is_sqlite=DATABASE in copies.paths,
                has_temporal=TEMPORAL in copies.paths,
            )
            writer.add_manifest(manifest)
        size = archive.stat().st_size
        archive.replace(file)
        flush(file.parent)
    return MadeBackup(manifest, size, copies.held_s, time.monotonic() - began)


def _check_place(file: Path, settings: ManagerSettings) -> None:
    if file.is_dir():
        raise BackupRefused(f"{file} is a folder. Name a file in it.")
    if file.exists():
        raise BackupRefused(f"{file} exists already. Choose another name.")
    if not file.parent.is_dir():
        raise BackupRefused(f"There is no folder {file.parent}.")
    if file.resolve().is_relative_to(settings.data_dir.resolve()):
        raise BackupRefused(
            f"{file} is in the data directory, so the backup would be lost together with it. "
            "Choose another place."
        )
    for folder in (settings.local_manager_storage_path, settings.job_types_path):
        if file.resolve().is_relative_to(folder.resolve()):
            raise BackupRefused(
                f"{file} is in {folder}, so each backup would hold the earlier ones. "
                "Choose another place."
            )


def _add(writer: ArchiveWriter, copies: "_Copies", contents: Contents) -> None:
    if contents.settings is not None:
        writer.add_bytes(SETTINGS, contents.settings)
    for name, path in (*copies.paths.items(), *contents.files):
        writer.add(name, path)


@dataclass(frozen=True, slots=True)
class _Copies:
    """The databases at one moment, in files of their own."""

    paths: dict[str, Path]
    migration: str
    held_s: float


async def _copied(
    settings: ManagerSettings, choice: Choice, folder: Path, progress: Progress
) -> _Copies:
    temporal = _temporals_database(settings)
    if settings.database_url.startswith("sqlite"):
        database = Path(make_url(settings.database_url).database or "")
        return await asyncio.to_thread(_copied_sqlite, database, temporal, choice, folder, progress)
    return await _copied_postgres(settings.database_url, temporal, choice, folder, progress)


def _copied_sqlite(
    database: Path, temporal: Path | None, choice: Choice, folder: Path, progress: Progress
) -> _Copies:
    if not database.is_file():
        raise BackupRefused(
            f"There is no database {database}, so there is no farm to back up. Name its data "
            "directory with --data-dir."
        )
    paths = {DATABASE: folder / "database"}
    with moment_of(database, temporal) as moment:
        migration = migration_of(moment.database)
        if not migration:
            raise BackupRefused(f"The database {database} is not that of a farm.")
        progress.expect(sum(file.stat().st_size for file in (database, temporal) if file))
        copy_database(moment.database, paths[DATABASE], progress.done)
        if moment.temporal is not None:
            paths[TEMPORAL] = folder / "temporal"
            copy_database(moment.temporal, paths[TEMPORAL], progress.done)
        held_s = moment.held_s
    if not choice.secrets:
        _empty_secret_tables(paths[DATABASE])
    return _Copies(paths, migration, held_s)


async def _copied_postgres(
    database_url: str, temporal: Path | None, choice: Choice, folder: Path, progress: Progress
) -> _Copies:
    program("pg_dump")
    paths = {DUMP: folder / "dump"}
    async with snapshot_of(database_url) as (snapshot, lock):
        began = time.monotonic()
        with ExitStack() as stack:
            theirs = stack.enter_context(readable(temporal)) if temporal else None
            if theirs is not None:
                begin_reading(theirs)
            await lock.rollback()
            held_s = time.monotonic() - began
            if theirs is not None:
                paths[TEMPORAL] = folder / "temporal"
                # In this thread, which the connection belongs to: nothing else waits in the loop.
                copy_database(theirs, paths[TEMPORAL], progress.done)
        await snapshot.dump(paths[DUMP], () if choice.secrets else _SECRET_TABLES)
    return _Copies(paths, snapshot.migration, held_s)


def _temporals_database(settings: ManagerSettings) -> Path | None:
    """Return the embedded Temporal's file; None if the farm has a Temporal of the studio's own.

    Raises:
        BackupRefused: it is missing.
    """
    if settings.temporal_address:
        return None
    file = ServerFiles(settings.data_dir / "temporal").database
    if not file.is_file():
        raise BackupRefused(
            f"There is no database {file} of Temporal, so there is no farm to back up. Name its "
            "data directory with --data-dir."
        )
    return file


def _empty_secret_tables(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA secure_delete=ON")
        for table in _SECRET_TABLES:
            connection.execute(f"DELETE FROM {table}")
        # Also out of pages that were free before.
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode=WAL")


@contextmanager
def _work_folder(file: Path) -> Iterator[Path]:
    """A folder beside the archive, on the same disk, which is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f".{file.name}.unfinished-", dir=file.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _said_in_words(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BackupRefused(
            f"The backup {file} cannot be made: {error}. Nothing is left."
        ) from error
