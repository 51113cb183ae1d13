"""A database that is not whole is noticed, at the start and later."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from manager_api.database.check import DatabaseBroken, check_database
from manager_api.database.engine import Database
from manager_api.settings.database_watch import DatabaseWatch
from manager_api.settings.in_force import Configuration
from manager_api.settings.model import ManagerSettings
from tests.farm.processes import free_port


def damage(file: Path) -> None:
    """Overwrites the inside of a page in the middle, as a bad disk would."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\x05" * 4096
    file.write_bytes(content)


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """A database of SQLite with tables."""
    path = tmp_path / "tablao.sqlite"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.migrate()
    await database.close()
    return path


async def test_a_whole_database_passes(url: str) -> None:
    database = Database(url)

    await check_database(database, tries=1)
    await database.close()


async def test_a_damaged_database_is_told(file: Path) -> None:
    damage(file)
    database = Database(f"sqlite+aiosqlite:///{file}")

    with pytest.raises(DatabaseBroken, match=str(file)):
        await check_database(database)
    await database.close()


async def test_a_database_that_does_not_answer_is_told_without_its_password() -> None:
    database = Database(f"postgresql+asyncpg://tablao:duende@127.0.0.1:{free_port()}/tablao")

    with pytest.raises(DatabaseBroken, match="cannot be used") as told:
        await check_database(database, tries=2, pause_s=0.01)
    await database.close()

    assert "duende" not in str(told.value)


async def test_a_database_is_checked_again_and_again(file: Path) -> None:
    settings = ManagerSettings(data_dir=file.parent, database_check_period="100ms")
    database = Database(settings.database_url)
    watch = asyncio.create_task(DatabaseWatch(database, Configuration(settings)).run())
    async with database.reading() as session:
        # It has seen the file whole, and remembers it.
        await session.execute(text("SELECT * FROM workers"))
    done, _ = await asyncio.wait({watch}, timeout=1.0)
    assert not done

    damage(file)

    with pytest.raises(DatabaseBroken):
        await asyncio.wait_for(watch, 60)
    await database.close()


async def test_a_changed_period_counts_at_once(file: Path) -> None:
    settings = ManagerSettings(data_dir=file.parent, database_check_period="0")
    database = Database(settings.database_url)
    configuration = Configuration(settings)
    damage(file)
    watch = asyncio.create_task(DatabaseWatch(database, configuration).run())

    await configuration.change(lambda _: {"database_check_period": "50ms"})

    with pytest.raises(DatabaseBroken):
        await asyncio.wait_for(watch, 60)
    await database.close()


@pytest.mark.parametrize(
    ("what", "word"),
    [("damaged", "tablao.sqlite"), ("no storage", "Setting shared_storage_path: /proc/version")],
)
async def test_a_manager_that_cannot_start_says_why_and_ends(
    file: Path, what: str, word: str
) -> None:
    storage = file.parent / "storage"
    if what == "damaged":
        damage(file)
    else:
        storage = Path("/proc/version/storage")
    arguments = ["--data-dir", str(file.parent), "--port", "0", "--storage", str(storage)]

    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "manager_api.cli.main", "manager", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 1
    assert word in ended.stderr
    assert "Traceback" not in ended.stderr
