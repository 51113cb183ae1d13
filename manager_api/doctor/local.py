"""Looks at the manager's machine while no manager answers: what would keep one from its work."""

import contextlib
import socket
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path

import psutil

from activities.process.examining import Check, HangingCalls
from manager_api.database.engine import Database, file_of
from manager_api.database.schema_version import TABLE, current_migration, newest_migration
from manager_api.doctor.database import DATABASE, SCHEMA, schema
from manager_api.doctor.reach import certificate_check
from manager_api.doctor.storage import storage_checks
from manager_api.doctor.temporal import TEMPORAL, ReadTemporal, answers
from manager_api.settings.listening import address
from manager_api.settings.model import ManagerSettings
from workflows.domain.doctor import Finding, broken, fine, to_look_at

PORT = "port"
_CONNECT_S = 2.0
_START = "Start the manager: `tablao manager`, or `tablao up` with workers on this machine."


def local_checks(
    settings: ManagerSettings,
    calls: HangingCalls,
    read_temporal: ReadTemporal | None,
    host: str,
    port: int,
) -> list[Check]:
    """
    Args:
        host: where the manager was asked; a name or an address of this machine.
        port: the same.
        read_temporal: None: no Temporal runs, because the manager runs its own.
    """

    async def temporal() -> Sequence[Finding]:
        if read_temporal is None:
            return [fine(TEMPORAL, "The manager starts its own Temporal, which does not run now.")]
        return [answers(await read_temporal())]

    async def database() -> Sequence[Finding]:
        file = file_of(settings.database_url)
        if file is None:
            return await _of_server(settings.database_url)
        return await calls.call(f"the database {file}", lambda: _of_file(file))

    return [
        _one(PORT, lambda: calls.call("the port", lambda: _port(host, port))),
        Check((TEMPORAL,), temporal),
        Check((DATABASE, SCHEMA), database),
        *storage_checks(settings, calls),
        certificate_check(settings, calls),
    ]


def _one(check: str, examine: Callable[[], Awaitable[Finding]]) -> Check:
    async def findings() -> Sequence[Finding]:
        return [await examine()]

    return Check((check,), findings)


def _port(host: str, port: int) -> Finding:
    shown = address(host, port)
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_S):
            pass
    except OSError:
        return to_look_at(PORT, f"No program listens on {shown}: the manager does not run.", _START)
    return broken(
        PORT,
        f"Port {port} is taken by {_owner(port)}, which does not answer as this manager does.",
        "End that program, or choose another port with `listen`. If it is the manager, look at "
        "its log, and restart it.",
    )


def _owner(port: int) -> str:
    """Return the name of the program that listens on a port, as far as this user may know it."""
    with contextlib.suppress(psutil.Error, OSError):
        for each in psutil.net_connections("tcp"):
            listens_at = getattr(each.laddr, "port", 0)  # it has none while it has no address
            if each.status == psutil.CONN_LISTEN and listens_at == port and each.pid:
                return f"{psutil.Process(each.pid).name()} (pid {each.pid})"
    return "another program"


# --- the database ---------------------------------------------------------------------------------


async def _of_server(url: str) -> Sequence[Finding]:
    database = Database(url)
    try:
        async with database.reading() as session:
            return _judged(await current_migration(session), database.shown_url)
    except Exception as problem:
        return _unusable(f"{database.shown_url} does not answer: {problem}", "Start PostgreSQL, "
                         "and look at the setting `database`.")  # fmt: skip
    finally:
        await database.close()


def _of_file(file: Path) -> Sequence[Finding]:
    """Look at a file that no manager has open. Blocks."""
    if not file.exists():
        said = f"There is no database {file} yet: no manager has run with this data directory."
        advice = "Start the manager, or say the right folder with --data-dir."
        return [to_look_at(DATABASE, said, advice), to_look_at(SCHEMA, said, f"See {DATABASE}.")]
    # SQLite makes files beside one with a log of changes, which would be this user's and not the
    # manager's. Without such a log the file is complete, and none is made.
    has_log = file.with_name(f"{file.name}-wal").exists()
    how = "mode=ro" if has_log else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?{how}", uri=True)) as connection:
            [first] = connection.execute("PRAGMA quick_check(1)").fetchone()
            if first != "ok":
                return _unusable(f"{file} is damaged: {first}", _RESTORE)
            row = connection.execute(f"SELECT version_num FROM {TABLE}").fetchone()
    except sqlite3.Error as problem:
        return _unusable(f"{file} cannot be read: {problem}", _RESTORE)
    return _judged(str(row[0]) if row else "", str(file))


_RESTORE = "Let the manager's user read and write the file; if it is damaged, put back a backup."


def _unusable(said: str, advice: str) -> Sequence[Finding]:
    return [
        broken(DATABASE, f"The database {said}.", advice),
        to_look_at(SCHEMA, "It is not known.", f"See {DATABASE}."),
    ]


def _judged(migration: str, where: str) -> Sequence[Finding]:
    is_older = migration < newest_migration()
    found = (
        to_look_at(
            SCHEMA,
            f"The schema {migration} is older than this version's, {newest_migration()}.",
            "Make a backup; the manager's next start brings the schema up to date.",
        )
        if is_older
        else schema(migration)
    )
    return [fine(DATABASE, f"The database {where} can be read."), found]
