"""Restores a backup into a data directory: the whole farm, or nothing of it."""

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import (
    AbstractContextManager,
    ExitStack,
    closing,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from activities.process.layered_settings import SettingsError
from manager_api.backup.archive import Archive, Progress, opened_archive
from manager_api.backup.contents import place_in
from manager_api.backup.manifest import DATABASE, DUMP, BackupRefused, Manifest
from manager_api.backup.postgres import check_is_empty, load
from manager_api.database.engine import file_of
from manager_api.database.sqlite_copies import flush, migration_of, opened
from manager_api.settings.data_dir_lock import DataDirInUse, User, data_dir_locked
from manager_api.settings.model import DATABASE_MARK, WORKERS, ManagerSettings
from manager_api.temporal.process import ServerFiles

#: By this word the manager knows that its database was put back (`keeper.restores`).
_RESTORED = "restored\n"
#: Left free on the disk for the farm's start.
_ROOM_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class RestoredFarm:
    manifest: Manifest
    data_dir: Path
    kept: Path | None
    """Where the old data directory is now; None if there was none."""
    moved: tuple[str, ...]
    """What was moved from there into the new one: the shared storage, folders of workers."""
    not_moved: tuple[str, ...]
    """What should have been, but could not."""
    problem: str
    """What is wrong with the settings, so that the farm does not start; empty if they are valid."""


def check_backup(file: Path, progress: Progress) -> Manifest:
    """Read a whole backup and compare each file with its digest. Blocks.

    Raises:
        BackupRefused: it is no backup, is damaged, or cannot be restored by this version.
    """
    with _said_in_words(f"{file} cannot be restored"), opened_archive(file) as archive:
        progress.expect(archive.manifest.size)
        archive.extract(None, progress)
        return archive.manifest


def restore_backup(
    file: Path,
    data_dir: Path,
    now: datetime,
    progress: Progress,
    *,
    replace: bool = False,
    uninterrupted: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> RestoredFarm:
    """Make a data directory from a backup. Blocks.

    All files are written and checked beside it first. Then it takes its place in one step.

    Args:
        file: the backup.
        data_dir: it does not exist, or is empty; its parents are made.
        now: the time for the old directory's new name.
        progress: is told how many bytes there are to work on, and how many are done.
        replace: put a data directory that exists aside. Its shared storage and its workers'
            folders move into the new one.
        uninterrupted: a context that no signal cuts off, for the last step.

    Raises:
        BackupRefused: it cannot be restored. Nothing was changed.
    """
    data_dir = data_dir.expanduser().resolve()
    with ExitStack() as stack:
        stack.enter_context(_said_in_words(f"{file} is not restored"))
        archive = stack.enter_context(opened_archive(file))
        has_old = _check_target(data_dir, replace)
        if has_old:
            _lock(data_dir, stack)
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        work = stack.enter_context(_work_folder(data_dir))
        # In place, a manager finds the lock of this restore.
        stack.enter_context(data_dir_locked(work, User.MANAGER))
        _extract(archive, work, progress)
        settings, problem = _settings_of(work, data_dir)
        _check_database(archive.manifest, settings, problem, data_dir)
        kept = _put_aside_name(data_dir, now) if has_old else None
        _flush(work)
        with uninterrupted():
            if settings is not None and archive.manifest.database == "postgresql":
                load(settings.database_url, work / DUMP)
                (work / DUMP).unlink()
            _take_place(work, data_dir, kept)
            moved, not_moved = _move_over(settings, data_dir, kept) if kept else ((), ())
            flush(data_dir.parent)
    return RestoredFarm(archive.manifest, data_dir, kept, moved, not_moved, problem)


def _check_target(data_dir: Path, replace: bool) -> bool:
    """Return whether there is a data directory to put aside."""
    if not data_dir.exists():
        return False
    if not data_dir.is_dir():
        raise BackupRefused(f"{data_dir} is no folder.")
    if data_dir.is_mount():
        raise BackupRefused(
            f"{data_dir} is where a disk is mounted, which a restore cannot replace in one step. "
            "Name a folder in it."
        )
    if not any(data_dir.iterdir()):
        return False
    if not replace:
        raise BackupRefused(
            f"The data directory {data_dir} is not empty. Choose a new one with --data-dir, or "
            "add --replace, which keeps this one under another name."
        )
    return True


def _lock(data_dir: Path, stack: ExitStack) -> None:
    """Keep managers away from the old data directory, and check that none works with it."""
    for user in User:
        stack.enter_context(data_dir_locked(data_dir, user))
    files = ServerFiles(data_dir / "temporal")
    if not files.folder.is_dir():
        return
    lock = files.try_lock()
    if lock is None:
        raise BackupRefused(
            f"The Temporal of {data_dir} still runs, because its manager was killed. Start the "
            "manager and stop it, which stops Temporal, too."
        )
    stack.callback(os.close, lock)


@contextmanager
def _work_folder(data_dir: Path) -> Iterator[Path]:
    """A folder beside the data directory, on the same disk; what is left of it goes at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"{data_dir.name}.restoring-", dir=data_dir.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _extract(archive: Archive, work: Path, progress: Progress) -> None:
    size, free = archive.manifest.size, shutil.disk_usage(work).free
    if size + _ROOM_BYTES > free:
        raise BackupRefused(
            f"Restored, it has {size / 2**20:,.0f} MB, and {work.parent} has room for "
            f"{free / 2**20:,.0f} MB only."
        )
    progress.expect(size)
    archive.extract(work, progress)
    if archive.manifest.database == "sqlite":
        with closing(opened(work / DATABASE, wait_s=0)) as connection:
            if migration_of(connection) != archive.manifest.migration:
                raise BackupRefused(f"Its database {DATABASE} is not what its manifest says.")
    (work / DATABASE_MARK).write_text(_RESTORED)
    (work / DATABASE_MARK).chmod(0o600)


def _settings_of(work: Path, data_dir: Path) -> tuple[ManagerSettings | None, str]:
    """Return the restored farm's settings, or what is wrong with them.

    They may have become invalid: secrets are missing, or certificates of another machine.
    """
    try:
        content = ManagerSettings.file_content(ManagerSettings.file({"data_dir": work}))
        return ManagerSettings.read({"data_dir": data_dir}, content), ""
    except SettingsError as error:
        return None, str(error)


def _check_database(
    manifest: Manifest, settings: ManagerSettings | None, problem: str, data_dir: Path
) -> None:
    """Check that the restored database is where the settings say."""
    if manifest.database == "postgresql":
        if settings is None:
            raise BackupRefused(
                f"Its settings do not say which database is to be filled: {problem}"
            )
        if settings.database_url.startswith("sqlite"):
            raise BackupRefused(
                "It is of a farm with PostgreSQL, and its settings name no database. Name one in "
                "the variable TABLAO_DATABASE: postgresql+asyncpg://USER:PASSWORD@HOST/NAME."
            )
        asyncio.run(check_is_empty(settings.database_url))
        return
    if settings and file_of(settings.database_url) != data_dir / DATABASE:
        raise BackupRefused(
            "It is of a farm with SQLite, and the variable TABLAO_DATABASE names another database. "
            "Unset it, here and for the manager."
        )


def _flush(work: Path) -> None:
    """Return when all files survive a power cut."""
    # One by one, the logs of 10,000 tasks would take a minute. Linux waits until all is written;
    # other systems may not, so what the farm cannot do without is flushed by itself.
    os.sync()
    for path in (*work.iterdir(), work / "temporal"):
        if path.exists():
            flush(path)
    for path in (work / "temporal").glob("*"):
        flush(path)
    flush(work)


def _put_aside_name(data_dir: Path, now: datetime) -> Path:
    return data_dir.with_name(f"{data_dir.name}.before-restore-{now:%Y%m%dT%H%M%S}")


def _take_place(work: Path, data_dir: Path, kept: Path | None) -> None:
    if kept is None:
        work.rename(data_dir)
        return
    data_dir.rename(kept)
    try:
        work.rename(data_dir)
    except BaseException:
        if not data_dir.exists():
            kept.rename(data_dir)
        raise


def _move_over(
    settings: ManagerSettings | None, data_dir: Path, kept: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Move what is no part of backups but of this machine: frames, and the workers of `up`.

    Returns:
        What was moved, and what could not be, such as the place where a disk is mounted.
    """
    names = [WORKERS]
    if settings is not None and (storage := place_in(data_dir, settings.shared_storage_path)):
        names.append(str(storage))
    moved, not_moved = [], []
    for name in names:
        if not (kept / name).is_dir():
            continue
        try:
            (data_dir / name).parent.mkdir(parents=True, exist_ok=True)
            (kept / name).rename(data_dir / name)
            moved.append(name)
        except OSError:
            not_moved.append(name)
    return tuple(moved), tuple(not_moved)


@contextmanager
def _said_in_words(what: str) -> Iterator[None]:
    """Give each refusal a beginning that says what is refused."""
    try:
        yield
    except (BackupRefused, DataDirInUse) as error:
        raise BackupRefused(f"{what}. {error}") from error
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise BackupRefused(f"{what}: {error.strerror or error}{place}.") from error
    except sqlite3.Error as error:
        raise BackupRefused(f"{what}: {error}.") from error
