"""A restore makes a whole data directory, or changes nothing."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from manager_api.backup.manifest import BackupRefused
from manager_api.backup.restoring import RestoredFarm, check_backup, restore_backup
from manager_api.database.engine import Database
from manager_api.database.migrate import downgrade
from manager_api.database.schema_version import newest_migration
from manager_api.settings.data_dir_lock import User, data_dir_locked
from manager_api.temporal.process import ServerFiles
from tests.farm.processes import wait_until
from tests.farm.small_disk import small_disk
from tests.manager.backup.small_farm import NOW, Silent, SmallFarm, rows


def restored(archive: Path, data_dir: Path, *, replace: bool = False) -> RestoredFarm:
    return restore_backup(archive, data_dir, NOW, Silent(), replace=replace)


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_restored_farm_has_what_was_backed_up_and_a_mark_that_says_so(
    farm: SmallFarm, archive: Path, tmp_path: Path
) -> None:
    new = tmp_path / "a deep #1?%41" / "new farm"

    restored(archive, new)

    found = files_below(new)
    databases = {"tablao.sqlite", "temporal/temporal.db"}
    assert set(found) - databases == {
        "tablao-manager.yaml",
        "job-files/job-1a/1a/task.000001-1.txt",
        "scripts/own.js",
        "tls/manager.key",
        "logs/manager.log",
        "database-mark",
        "manager.lock",
    }
    assert found["database-mark"] == b"restored\n"
    old = files_below(farm.data_dir)
    same = set(found) - databases - {"database-mark", "manager.lock"}
    assert {name: found[name] for name in same} == {name: old[name] for name in same}
    assert rows(new / "tablao.sqlite", "SELECT name FROM worker_tags") == [("flamenco",)]
    assert rows(new / "temporal/temporal.db", "SELECT n FROM executions") == [(1,)]


def test_other_users_can_read_nothing_of_it(archive: Path, tmp_path: Path) -> None:
    restored(archive, tmp_path / "new")

    places = [tmp_path / "new", *(tmp_path / "new").rglob("*")]
    assert {path.stat().st_mode & 0o077 for path in places} == {0}


def test_an_empty_folder_is_filled(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()

    restored(archive, tmp_path / "new")

    assert (tmp_path / "new" / "tablao.sqlite").exists()


def test_a_folder_with_anything_in_it_is_refused(farm: SmallFarm, archive: Path) -> None:
    before = files_below(farm.data_dir)

    with pytest.raises(BackupRefused, match=r"not empty.*--replace"):
        restored(archive, farm.data_dir)

    assert files_below(farm.data_dir) == before


def test_replacing_keeps_the_old_folder_and_moves_frames_and_workers_over(
    farm: SmallFarm, archive: Path
) -> None:
    farm.write({"later": "since the backup"})

    result = restored(archive, farm.data_dir, replace=True)

    assert result.kept == farm.data_dir.with_name("farm.before-restore-20261130T120000")
    assert (result.kept / "later").read_text() == "since the backup"
    assert (result.kept / "tablao.sqlite").exists()
    assert sorted(result.moved) == ["storage", "workers"]
    assert result.not_moved == ()
    assert (farm.data_dir / "storage/shot/000001.png").read_text() == "frame"
    assert (farm.data_dir / "workers/1/credentials").exists()
    assert not (farm.data_dir / "later").exists()


@pytest.mark.parametrize("user", sorted(User))
def test_a_folder_that_a_manager_works_with_is_refused(
    farm: SmallFarm, archive: Path, user: User
) -> None:
    with (
        data_dir_locked(farm.data_dir, user),
        pytest.raises(BackupRefused, match="works with the data directory"),
    ):
        restored(archive, farm.data_dir, replace=True)

    assert sorted(path.name for path in archive.parent.iterdir()) == ["farm", "farm.backup"]


def test_a_folder_whose_temporal_outlived_its_manager_is_refused(
    farm: SmallFarm, archive: Path
) -> None:
    lock = ServerFiles(farm.data_dir / "temporal").try_lock()
    assert lock is not None

    try:
        with pytest.raises(BackupRefused, match=r"Temporal of .* still runs"):
            restored(archive, farm.data_dir, replace=True)
    finally:
        os.close(lock)


def test_where_a_disk_is_mounted_is_refused(archive: Path, tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", 8) as disk,
        pytest.raises(BackupRefused, match="Name a folder in it"),
    ):
        restored(archive, disk.folder)


def test_without_room_nothing_is_written(archive: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 16) as disk:
        with pytest.raises(BackupRefused, match="has room for"):
            restored(archive, disk.folder / "new")
        left = list(disk.folder.iterdir())

    assert left == []


class Stopping(Silent):
    """Ends the restore at a call, as Ctrl-C does."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._left = at

    def done(self, size: int) -> None:
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("at", [1, 3])
def test_a_restore_that_is_stopped_leaves_nothing(farm: SmallFarm, archive: Path, at: int) -> None:
    before = files_below(farm.data_dir)

    for target, replace in ((archive.parent / "new", False), (farm.data_dir, True)):
        with pytest.raises(KeyboardInterrupt):
            restore_backup(archive, target, NOW, Stopping(at), replace=replace)

    assert sorted(path.name for path in archive.parent.iterdir()) == ["farm", "farm.backup"]
    locks = {"farm.lock", "manager.lock", "temporal/temporal.lock"}
    after = files_below(farm.data_dir)
    assert {name: after[name] for name in set(after) - locks} == before


def test_a_restore_that_is_killed_leaves_the_data_directory_as_it_was(
    farm: SmallFarm, archive: Path, tmp_path: Path
) -> None:
    archive.unlink()
    farm.write({f"job-files/job-1a/1a/{number}.txt": "x" for number in range(3_000)})
    farm.back_up(archive)
    before = files_below(farm.data_dir)
    command = [sys.executable, "-m", "manager_api.cli.main", "restore", str(archive), "--replace"]
    restore = subprocess.Popen([*command, "--data-dir", str(farm.data_dir)])

    try:
        wait_until(lambda: len(list(tmp_path.glob("farm.restoring-*/job-files/*/*/*"))), every_s=0)
    finally:
        restore.kill()
        assert restore.wait() == -signal.SIGKILL

    locks = {"farm.lock", "manager.lock", "temporal/temporal.lock"}
    after = files_below(farm.data_dir)
    assert {name: after[name] for name in set(after) - locks} == before
    assert restored(archive, farm.data_dir, replace=True).kept is not None


def test_the_old_folder_is_back_if_the_last_step_fails(
    farm: SmallFarm, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if ".restoring-" in path.name:
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(BackupRefused, match="is not restored: Input/output error"):
        restored(archive, farm.data_dir, replace=True)

    assert sorted(path.name for path in archive.parent.iterdir()) == ["farm", "farm.backup"]
    assert (farm.data_dir / "storage/shot/000001.png").exists()


def test_settings_that_are_not_valid_here_are_restored_and_the_problem_is_said(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLAO_LOG_LEVEL", "loud")

    result = restored(archive, tmp_path / "new")

    assert "log_level" in result.problem
    assert "Tangos" in (tmp_path / "new" / "tablao-manager.yaml").read_text()


def test_a_database_that_the_environment_names_is_refused(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLAO_DATABASE", "/var/lib/other.sqlite")

    with pytest.raises(BackupRefused, match="TABLAO_DATABASE names another database"):
        restored(archive, tmp_path / "new")

    assert not (tmp_path / "new").exists()


def test_a_backup_of_an_older_version_is_migrated_at_the_next_start(
    farm: SmallFarm, tmp_path: Path
) -> None:
    downgrade(farm.settings.database_url, "-1")
    made = farm.back_up(tmp_path / "b")
    restored(tmp_path / "b", tmp_path / "new")

    async def start() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'new' / 'tablao.sqlite'}")
        try:
            await database.migrate()
        finally:
            await database.close()

    asyncio.run(start())

    new = tmp_path / "new"
    found = rows(new / "tablao.sqlite", "SELECT version_num FROM alembic_version")
    assert made.manifest.migration < newest_migration()
    assert found == [(newest_migration(),)]
    copy = new / "before-migrations" / f"tablao-{made.manifest.migration}.sqlite"
    assert rows(copy, "SELECT name FROM worker_tags") == [("flamenco",)]


def test_a_check_reads_all_and_writes_nothing(archive: Path) -> None:
    progress = Silent()

    manifest = check_backup(archive, progress)

    assert manifest.made == NOW
    assert progress.finished == progress.expected == manifest.size
    assert sorted(path.name for path in archive.parent.iterdir()) == ["farm", "farm.backup"]


def test_a_storage_that_is_named_through_a_link_is_moved_over(
    farm: SmallFarm, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(farm.data_dir)
    farm.write({"tablao-manager.yaml": f"shared_storage_path: {tmp_path}/link/storage"})
    farm.back_up(tmp_path / "b")

    result = restored(tmp_path / "b", farm.data_dir, replace=True)

    assert "storage" in result.moved
    assert (farm.data_dir / "storage/shot/000001.png").read_text() == "frame"


def test_a_problem_with_a_file_names_it(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match=r"File exists \(.*farm\.backup"):
        restored(archive, archive / "new")
