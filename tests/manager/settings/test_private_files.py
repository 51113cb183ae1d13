"""Other users of the manager's machine read the shared storage only."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from manager_api.database.engine import Database
from manager_api.settings.model import ManagerSettings
from manager_api.settings.storage_folders import make_storage_folders


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def settings(tmp_path: Path) -> ManagerSettings:
    """The shared storage is outside of the data directory."""
    return ManagerSettings(
        data_dir=tmp_path / "data", shared_storage_path=tmp_path / "render", database=""
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_new_data_directory_is_the_managers_alone(settings: ManagerSettings) -> None:
    make_storage_folders(settings)
    database = Database(settings.database_url)
    await database.migrate()
    async with database.reading():
        pass

    found = {path.name: mode(path) for path in settings.data_dir.iterdir()}
    await database.close()

    assert mode(settings.data_dir) == 0o700
    assert found.pop("job-files") == 0o700
    assert {"tablao.sqlite"} <= found.keys()
    assert set(found.values()) == {0o600}
    assert mode(settings.jobs_path) == 0o755


def test_an_existing_installation_is_closed(settings: ManagerSettings) -> None:
    data_dir = settings.data_dir
    for folder in ("job-files/job-0000", "temporal", "logs", "workers/1"):
        (data_dir / folder).mkdir(parents=True)
    for file in ("tablao-manager.yaml", "job-files/job-0000/log.txt", "database-mark"):
        (data_dir / file).touch()
    with closing(sqlite3.connect(data_dir / "tablao.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE kept (number)")
        assert mode(data_dir / "tablao.sqlite-wal") == 0o644

        make_storage_folders(settings)

        files = ("tablao.sqlite", "tablao.sqlite-wal", "tablao.sqlite-shm")
        assert [mode(data_dir / name) for name in files] == [0o600] * 3
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    assert mode(data_dir) == 0o700
    folders = ("job-files", "temporal", "logs", "workers")
    assert [mode(data_dir / name) for name in folders] == [0o700] * 4
    assert mode(data_dir / "tablao-manager.yaml") == mode(data_dir / "database-mark") == 0o600


@pytest.mark.parametrize("place", ["storage", "of/the/farm"])
def test_others_go_through_to_a_shared_storage_inside(tmp_path: Path, place: str) -> None:
    settings = ManagerSettings(data_dir=tmp_path / "data", shared_storage_path=Path(place))

    make_storage_folders(settings)

    way = [settings.jobs_path, *settings.jobs_path.parents]
    inside = way[: way.index(settings.data_dir)]
    assert mode(settings.data_dir) == 0o711
    assert {mode(folder) for folder in inside} == {0o755}
    assert mode(settings.local_manager_storage_path) == 0o700


def test_files_of_older_jobs_stay_reachable(settings: ManagerSettings) -> None:
    (settings.data_dir / "storage").mkdir(parents=True)

    make_storage_folders(settings)

    assert mode(settings.data_dir) == 0o711


def test_folders_elsewhere_keep_their_modes(tmp_path: Path) -> None:
    kept, made = tmp_path / "kept", tmp_path / "made"
    kept.mkdir(0o750)
    for place in (kept, made):
        make_storage_folders(
            ManagerSettings(data_dir=tmp_path / "data", local_manager_storage_path=place)
        )

    assert (mode(kept), mode(made)) == (0o750, 0o700)


def test_a_database_elsewhere_is_closed_and_a_common_folder_is_not(tmp_path: Path) -> None:
    common = tmp_path / "tmp"
    common.mkdir()
    common.chmod(0o1777)

    make_storage_folders(ManagerSettings(data_dir=common, database=str(tmp_path / "db.sqlite")))

    assert mode(common) == 0o1777
    assert mode(tmp_path / "db.sqlite") == 0o600
