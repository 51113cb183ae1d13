"""The data directory of a farm that does not run, with something in each of its files."""

import sqlite3
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

from manager_api.backup.contents import Choice
from manager_api.backup.making import MadeBackup, make_backup
from manager_api.settings.model import ManagerSettings

NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)
ADDRESS = "https://chat.example/hooks/very-secret-address"
PASSWORD = "very-secret-password"
_RULE = (
    "INSERT INTO notification_rules (id, way, name, kinds, scope, value, address, secret, shape,"
    " is_enabled, trouble, created) VALUES ('r', 'webhook', 'chat', '[]', 'farm', '', ?, 's',"
    " 'plain', 1, '', '2026-01-01')"
)
_TAG = "INSERT INTO worker_tags (id, name, description) VALUES ('t', 'flamenco', '')"


class Silent:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.expected = self.finished = 0

    def expect(self, size: int) -> None:
        self.expected += size

    def done(self, size: int) -> None:
        self.finished += size


@dataclass
class SmallFarm:
    data_dir: Path

    @property
    def database(self) -> Path:
        return self.data_dir / "tablao.sqlite"

    @property
    def temporal(self) -> Path:
        return self.data_dir / "temporal" / "temporal.db"

    @property
    def settings(self) -> ManagerSettings:
        return ManagerSettings.read({"data_dir": self.data_dir})

    def write(self, content: Mapping[str, str]) -> None:
        for name, text in content.items():
            path = self.data_dir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def back_up(self, file: Path, choice: Choice | None = None) -> MadeBackup:
        return make_backup(self.settings, file, choice or Choice(), NOW, Silent())


def new_farm(data_dir: Path, copy_migrated: Callable[[Path], object]) -> SmallFarm:
    farm = SmallFarm(data_dir)
    settings = {"manager_name": "Tangos", "smtp": {"password": PASSWORD}}
    farm.write(
        {
            "tablao-manager.yaml": f"# by hand\n{yaml.safe_dump(settings)}",
            "job-files/job-1a/1a/task.000001-1.txt": "Fra:1\n",
            "job-files/frame-images/1/1.jpg": "made again",
            "scripts/own.js": "const JOB_TYPE = {};",
            "tls/manager.key": "key",
            "logs/manager.log": "listening\n",
            "storage/shot/000001.png": "frame",
            "workers/1/credentials": "of a host",
            "temporal/temporal.json": "{}",
            "database-mark": "7\n",
            "local-admin-token": "token",
        }
    )
    copy_migrated(farm.database)
    with closing(sqlite3.connect(farm.database)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(_RULE, (ADDRESS,))
        connection.execute(_TAG)
    with closing(sqlite3.connect(farm.temporal)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE executions (n INTEGER)")
        connection.execute("INSERT INTO executions VALUES (1)")
    return farm


def names_in(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return set(opened.namelist())


def content_of(archive: Path, name: str) -> bytes:
    with zipfile.ZipFile(archive) as opened:
        return opened.read(name)


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()
