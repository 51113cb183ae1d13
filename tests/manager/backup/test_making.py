"""What a backup holds, that it is of one moment, and what keeps it from being made."""

import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from manager_api.backup.contents import Choice
from manager_api.backup.manifest import BackupRefused
from manager_api.backup.moment import moment_of
from manager_api.database.sqlite_copies import begin_reading
from tests.farm.small_disk import small_disk
from tests.manager.backup.small_farm import (
    ADDRESS,
    PASSWORD,
    SmallFarm,
    content_of,
    names_in,
    rows,
)

OWN = {
    "tablao-manager.yaml",
    "tablao.sqlite",
    "temporal/temporal.db",
    "job-files/job-1a/1a/task.000001-1.txt",
    "scripts/own.js",
    "tls/manager.key",
    "logs/manager.log",
    "manifest.json",
}


def test_a_backup_has_the_farms_own_files_and_no_others(farm: SmallFarm, archive: Path) -> None:
    assert names_in(archive) == OWN
    assert archive.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in archive.parent.iterdir()) == ["farm", "farm.backup"]
    settings = (farm.data_dir / "tablao-manager.yaml").read_bytes()
    assert content_of(archive, "tablao-manager.yaml") == settings


def test_without_secrets_none_is_left(farm: SmallFarm, tmp_path: Path) -> None:
    file = tmp_path / "b"

    made = farm.back_up(file, Choice(secrets=False))

    assert names_in(file) == OWN - {"tls/manager.key"}
    assert PASSWORD.encode() not in content_of(file, "tablao-manager.yaml")
    assert b"Tangos" in content_of(file, "tablao-manager.yaml")
    assert ADDRESS.encode() not in content_of(file, "tablao.sqlite")
    assert b"flamenco" in content_of(file, "tablao.sqlite")
    assert "The setting smtp.password, a secret." in made.manifest.left_out
    assert rows(farm.database, "SELECT address FROM notification_rules") == [(ADDRESS,)]


def test_without_logs_there_are_none(farm: SmallFarm, tmp_path: Path) -> None:
    file = tmp_path / "b"

    farm.back_up(file, Choice(logs=False))

    assert names_in(file) == {n for n in OWN if not n.startswith(("job-files/", "logs/"))}


def test_paths_of_the_managers_own_data_become_those_of_any_data_directory(
    farm: SmallFarm, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.sqlite"
    farm.database.rename(elsewhere)
    settings = {
        "database": str(elsewhere),
        "local_manager_storage_path": str(farm.data_dir / "job-files"),
        "tls": {"cert": str(farm.data_dir / "tls/manager.pem"), "key": "tls/manager.key"},
        "shared_storage_path": "/mnt/farm",
    }
    farm.write({"tablao-manager.yaml": yaml.safe_dump(settings), "shared-storage.json": "{}"})

    farm.back_up(tmp_path / "b")

    assert names_in(tmp_path / "b") == OWN | {"shared-storage.json"}
    assert yaml.safe_load(content_of(tmp_path / "b", "tablao-manager.yaml")) == {
        "_meta": {"version": 3},
        "tls": {"cert": "tls/manager.pem", "key": "tls/manager.key"},
        "shared_storage_path": "/mnt/farm",
    }


# --- one moment -----------------------------------------------------------------------------------


def is_writable(database: Path, table: str) -> bool:
    """Whether a program that waits for no lock, as Temporal's server, can write now; it does."""
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as writer:
        try:
            writer.execute(f"UPDATE {table} SET description = description || 'later'")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return False
    return True


def test_the_manager_waits_while_both_databases_are_begun_to_be_read_and_temporal_never_does(
    farm: SmallFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(farm.temporal)) as connection, connection:
        connection.execute("CREATE TABLE tasks (description TEXT)")
        connection.execute("INSERT INTO tasks VALUES ('')")
    writable = []

    def watched(connection: sqlite3.Connection) -> None:
        begin_reading(connection)
        ours = is_writable(farm.database, "worker_tags")
        writable.append((ours, is_writable(farm.temporal, "tasks")))

    monkeypatch.setattr("manager_api.backup.moment.begin_reading", watched)
    with moment_of(farm.database, farm.temporal) as moment:
        assert moment.temporal is not None
        after = is_writable(farm.database, "worker_tags"), is_writable(farm.temporal, "tasks")
        [ours] = moment.database.execute("SELECT description FROM worker_tags").fetchone()
        [theirs] = moment.temporal.execute("SELECT description FROM tasks").fetchone()

    assert writable == [(False, True), (False, True)]
    assert after == (True, True)
    # Temporal's was written once between the two reads, and both since.
    assert (ours, theirs) == ("", "later")


def test_a_database_that_is_locked_all_the_time_is_a_sentence(
    farm: SmallFarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("manager_api.backup.moment._WAIT_S", 0.0)
    with closing(sqlite3.connect(farm.database, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        with pytest.raises(BackupRefused, match="was locked by another process"):
            farm.back_up(tmp_path / "b")

    assert [path.name for path in tmp_path.iterdir()] == ["farm"]


# --- refusals -------------------------------------------------------------------------------------


def test_a_backup_that_is_there_is_not_overwritten(farm: SmallFarm, tmp_path: Path) -> None:
    file = tmp_path / "b"
    file.write_text("older")

    with pytest.raises(BackupRefused, match="exists already"):
        farm.back_up(file)

    assert file.read_text() == "older"


@pytest.mark.parametrize(
    ("place", "sentence"),
    [("farm/b", "is in the data directory"), ("no/b", "no folder"), (".", "is a folder")],
)
def test_a_place_that_will_not_do_is_a_sentence(
    farm: SmallFarm, tmp_path: Path, place: str, sentence: str
) -> None:
    with pytest.raises(BackupRefused, match=sentence):
        farm.back_up(tmp_path / place)


@pytest.mark.parametrize("missing", ["database", "temporal"])
def test_a_folder_without_a_farm_is_a_sentence(
    farm: SmallFarm, tmp_path: Path, missing: str
) -> None:
    getattr(farm, missing).unlink()

    with pytest.raises(BackupRefused, match="no farm to back up"):
        farm.back_up(tmp_path / "b")


def test_a_folder_that_cannot_be_read_is_not_left_out_silently(
    farm: SmallFarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refusing(folder: str) -> object:
        if str(folder).endswith("job-1a"):
            raise PermissionError(13, "Permission denied", folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refusing)

    with pytest.raises(BackupRefused, match=r"cannot be made: .*Permission denied.*job-1a"):
        farm.back_up(tmp_path / "b")


def test_a_damaged_database_is_not_backed_up(farm: SmallFarm, tmp_path: Path) -> None:
    with closing(sqlite3.connect(farm.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with farm.database.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096 * 20)

    with pytest.raises(BackupRefused, match="cannot be made"):
        farm.back_up(tmp_path / "b")

    assert [path.name for path in tmp_path.iterdir()] == ["farm"]


def test_a_full_disk_leaves_nothing(farm: SmallFarm, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        farm.write({"scripts/large.bin": "x" * 2**21})
        disk.fill()
        with pytest.raises(BackupRefused, match=r"full|No space"):
            farm.back_up(disk.folder / "b")
        left = [path.name for path in disk.folder.iterdir()]

    assert left == ["filler"]


def test_a_name_that_is_too_long_is_a_sentence(farm: SmallFarm, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="name too long"):
        farm.back_up(tmp_path / ("x" * 300))


def test_a_socket_is_passed_over(farm: SmallFarm, tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        # The path of a socket has about a hundred characters at most.
        listening.bind(os.path.relpath(farm.data_dir / "scripts" / "s"))
        farm.back_up(tmp_path / "b")

    assert names_in(tmp_path / "b") == OWN


def test_a_backup_does_not_go_where_it_would_be_backed_up(farm: SmallFarm, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    farm.write({"tablao-manager.yaml": f"local_manager_storage_path: {logs}"})

    with pytest.raises(BackupRefused, match="would hold the earlier ones"):
        farm.back_up(logs / "b")


@pytest.mark.parametrize("setting", ["job_types_path", "local_manager_storage_path"])
def test_the_data_directory_is_not_taken_for_logs_or_job_types(
    farm: SmallFarm, tmp_path: Path, setting: str
) -> None:
    farm.write({"tablao-manager.yaml": f"{setting}: {farm.data_dir}"})

    with pytest.raises(BackupRefused, match="Name a folder of its own"):
        farm.back_up(tmp_path / "b", Choice(secrets=False))
