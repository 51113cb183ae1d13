"""Copies of a farm's stores, and how they are put back while no manager and no Temporal runs."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from tests.chaos.farm import ChaosFarm
from tests.chaos.plan import Kind, Store
from tests.manager.postgres import program

_DATABASE = (Kind.SET_BACK_DATABASE, Kind.SET_BACK_BOTH)
_TEMPORAL = (Kind.SET_BACK_TEMPORAL, Kind.SET_BACK_BOTH)


def copy_stores(farm: ChaosFarm, kind: Kind, into: Path) -> None:
    """Copy what this fault sets back, while everything runs."""
    into.mkdir()
    if kind in _TEMPORAL:
        for file in _temporals_files(farm):
            _copy_sqlite(file, into / file.name)
    if kind in _DATABASE and farm.plan.shape.store is Store.POSTGRESQL:
        dump = [program("pg_dump"), "--clean", "--if-exists", "-f", str(into / "dump.sql")]
        subprocess.run([*dump, *_options(farm)], check=True)
    elif kind in _DATABASE:
        _copy_sqlite(_database_file(farm), into / "tablao.sqlite")


def put_stores_back(farm: ChaosFarm, kind: Kind, copies: Path) -> None:
    """Neither a manager nor Temporal may run."""
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
