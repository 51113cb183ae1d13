"""Copies of a farm's stores, and how they are put back while no manager and no Temporal runs.

Stores are set back as files of their own, or from a backup in another data directory.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Protocol

from sqlalchemy import make_url

from tests.chaos.farm import ChaosFarm
from tests.chaos.plan import Kind, Store
from tests.manager.databases import create_database
from tests.manager.postgres import program

_DATABASE = (Kind.SET_BACK_DATABASE, Kind.SET_BACK_BOTH)
_TEMPORAL = (Kind.SET_BACK_TEMPORAL, Kind.SET_BACK_BOTH)


class Stores(Protocol):
    """A way to copy a farm's stores and to put them back."""

    has_logs: bool
    """Whether logs of tasks are set back, too."""

    def copy(self, farm: ChaosFarm, kind: Kind, into: Path) -> None:
        """Copy what this fault sets back into a folder, which exists, while everything runs."""

    def put_back(self, farm: ChaosFarm, kind: Kind, copies: Path) -> None:
        """Neither a manager nor Temporal may run."""


class Files:
    """Copies the files of the stores, each by itself."""

    has_logs = False

    def copy(self, farm: ChaosFarm, kind: Kind, into: Path) -> None:
        _copy_stores(farm, kind, into)

    def put_back(self, farm: ChaosFarm, kind: Kind, copies: Path) -> None:
        _put_stores_back(farm, kind, copies)


class Backups:
    """Calls `tablao backup` and `tablao restore`; the farm goes on in another data directory."""

    has_logs = True

    def copy(self, farm: ChaosFarm, kind: Kind, into: Path) -> None:
        _tablao(farm, "backup", into / "farm.zip", "--data-dir", farm.data_dir)

    def put_back(self, farm: ChaosFarm, kind: Kind, copies: Path) -> None:
        place = farm.directory / "elsewhere"
        url = f"sqlite+aiosqlite:///{place / 'tablao.sqlite'}"
        if farm.plan.shape.store is Store.POSTGRESQL:
            url = create_database(farm.database_url, f"restored{farm.plan.seed}")
        farm.move_into(place, url)
        _tablao(farm, "restore", copies / "farm.zip", "--data-dir", place)


def _tablao(farm: ChaosFarm, *words: str | Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TABLAO_DATABASE"}
    if farm.plan.shape.store is Store.POSTGRESQL:
        environment["TABLAO_DATABASE"] = farm.database_url
    command = [sys.executable, "-m", "manager_api.cli.main", *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"tablao {words[0]}: {done.stderr}")


def _copy_stores(farm: ChaosFarm, kind: Kind, into: Path) -> None:
    if kind in _TEMPORAL:
        for file in _temporals_files(farm):
            _copy_sqlite(file, into / file.name)
    if kind in _DATABASE and farm.plan.shape.store is Store.POSTGRESQL:
        dump = [program("pg_dump"), "--clean", "--if-exists", "-f", str(into / "dump.sql")]
        subprocess.run([*dump, *_options(farm)], check=True)
    elif kind in _DATABASE:
        _copy_sqlite(_database_file(farm), into / "tablao.sqlite")


def _put_stores_back(farm: ChaosFarm, kind: Kind, copies: Path) -> None:
    if kind in _TEMPORAL:
        for file in _temporals_files(farm):
            _replace_sqlite(file, copies / file.name)
    if kind in _DATABASE and farm.plan.shape.store is Store.POSTGRESQL:
        restore = [
            program("psql"),
            "-q",
            "-1",
            "-v",
            "ON_ERROR_STOP=1",
            "-f",
            str(copies / "dump.sql"),
        ]
        subprocess.run([*restore, *_options(farm)], check=True, stdout=subprocess.DEVNULL)
    elif kind in _DATABASE:
        _replace_sqlite(_database_file(farm), copies / "tablao.sqlite")


def _database_file(farm: ChaosFarm) -> Path:
    return farm.data_dir / "tablao.sqlite"


def _temporals_files(farm: ChaosFarm) -> list[Path]:
    found = [*(farm.data_dir / "temporal").glob("*.sqlite"), *farm.data_dir.glob("temporal/*.db")]
    assert found, "the embedded Temporal has no file"
    return found


def _copy_sqlite(file: Path, copy: Path) -> None:
    with (
        closing(sqlite3.connect(file, timeout=30)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def _replace_sqlite(file: Path, copy: Path) -> None:
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()
    shutil.copy(copy, file)


def _options(farm: ChaosFarm) -> list[str]:
    url = make_url(farm.database_url)
    return ["-h", str(url.query["host"]), "-U", str(url.username), "-d", str(url.database)]
