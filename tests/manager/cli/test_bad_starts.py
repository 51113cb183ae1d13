"""Why a manager cannot start is a sentence, and it says that it listens only when it does."""

import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from activities.process.layered_settings import SettingsError
from activities.services.exit_codes import NEEDS_A_PERSON
from manager_api.database.engine import Database
from manager_api.database.migrate import upgrade
from manager_api.settings.data_dir_lock import DataDirInUse, User, data_dir_locked
from manager_api.settings.listening import CannotListen, check_can_listen
from manager_api.settings.model import ManagerSettings
from manager_api.settings.storage_folders import make_storage_folders
from manager_api.web.server import ManagerServer
from tests.manager.cli.fake_manager import Run

STRANGER = 65_534


@contextmanager
def as_stranger() -> Iterator[None]:
    """Another user, who may not write into what this process has made."""
    os.setresuid(STRANGER, STRANGER, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that other users can go to, as they cannot to pytest's."""
    with tempfile.TemporaryDirectory(prefix="tablao-open-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def manager(data_dir: Path, port: int) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "manager_api.cli.main", "manager"]
    return subprocess.run(
        [*command, "--data-dir", str(data_dir), "--port", str(port)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_port_in_use_ends_the_manager_before_it_starts_anything(
    tmp_path: Path, taken: int
) -> None:
    outcome = manager(tmp_path, taken)

    assert outcome.returncode == 1
    assert f"Error: Port {taken} of 127.0.0.1 is in use." in outcome.stderr
    assert "listening" not in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not (tmp_path / "temporal").exists()


def test_a_database_of_a_newer_version_ends_the_manager_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "tablao.sqlite"
    upgrade(f"sqlite+aiosqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    outcome = manager(tmp_path, 0)

    assert outcome.returncode == NEEDS_A_PERSON
    assert "Error: The database was migrated by a newer version" in outcome.stderr
    assert "Traceback" not in outcome.stderr


async def begun(port: int, folder: Path) -> ManagerServer:
    """A server of an empty application that has tried to listen."""

    async def nothing(scope: Any, receive: Any, send: Any) -> None: ...

    config = uvicorn.Config(nothing, port=port, lifespan="off", log_config=None)
    config.load()
    server = ManagerServer(config, Database(f"sqlite+aiosqlite:///{folder}/unused.sqlite"))
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    return server


async def test_it_says_where_it_listens_when_it_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "manager_api.web.server")

    server = await begun(0, tmp_path)

    [listener] = server.servers[0].sockets
    port = listener.getsockname()[1]
    assert caplog.messages == [f"listening on 127.0.0.1:{port}"]
    server.servers[0].close()


async def test_a_port_that_is_taken_in_the_last_moment_is_a_sentence(
    taken: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CannotListen, match=f"cannot listen at 127.0.0.1:{taken}"):
        await begun(taken, tmp_path)

    assert not [message for message in caplog.messages if "listening on" in message]


def test_an_address_of_another_machine_is_a_sentence() -> None:
    with pytest.raises(CannotListen, match=r"198\.51\.100\.7 is no address of this machine"):
        check_can_listen("198.51.100.7", 0)


def test_a_name_that_does_not_exist_is_a_sentence() -> None:
    with pytest.raises(CannotListen, match=r"cannot listen at no\.such\.name\.invalid:80"):
        check_can_listen("no.such.name.invalid", 80)


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"])
def test_a_free_address_is_let_pass(host: str) -> None:
    check_can_listen(host, 0)


def test_a_data_directory_on_a_disk_that_can_only_be_read_is_a_sentence(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "farm"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], check=True)

    try:
        outcome = run("up", "--data-dir", str(folder), "--port", "0")
    finally:
        subprocess.run(["umount", str(folder)], check=True)

    assert outcome.exit_code == 1
    assert "is on a disk that can only be read. Choose another" in outcome.err


def test_a_data_directory_of_another_user_is_a_sentence(open_path: Path) -> None:
    folder = open_path / "farm"
    folder.mkdir()

    with (
        as_stranger(),
        pytest.raises(DataDirInUse, match=r"may not write into .*, which belongs to root\. Run"),
        data_dir_locked(folder, User.MANAGER),
    ):
        pass


def test_a_folder_of_another_user_in_the_data_directory_is_a_sentence(open_path: Path) -> None:
    folder = open_path / "farm"
    (folder / "job-files").mkdir(parents=True)
    os.chown(folder, STRANGER, STRANGER)
    settings = ManagerSettings.read({"data_dir": folder})

    with (
        as_stranger(),
        pytest.raises(SettingsError, match=r"local_manager_storage_path: this user may not write"),
    ):
        make_storage_folders(settings)
