"""Looks at the database: whether it answers, takes writes, and has this version's schema."""

import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import func, select, text

from activities.process.examining import Check, HangingCalls
from manager_api.database.engine import Database, DatabaseBusy, file_of, utc_now
from manager_api.database.schema_version import current_migration, newest_migration
from manager_api.upgrades.managers import ManagerPresence
from workflows.domain import doctor_rules as rules
from workflows.domain.doctor import Finding, broken, fine, to_look_at

DATABASE, SCHEMA, WRITES = "database", "database.schema", "database.writes"
SIZE, CLOCK = "database.size", "database.clock"

#: A log of changes (WAL) of this size, in bytes: a reader holds SQLite up that should have ended.
_LARGE_LOG = 1_000_000_000


class DatabaseChecks:
    """
    Args:
        presence: this manager's row, which is written to see whether the database takes writes.
    """

    def __init__(self, database: Database, presence: ManagerPresence, calls: HangingCalls) -> None:
        self._database = database
        self._presence = presence
        self._calls = calls

    def checks(self) -> list[Check]:
        return [
            _check(DATABASE, self._answers),
            while_it_answers(_check(SCHEMA, self._schema)),
            _check(WRITES, self._writes),
            while_it_answers(_check(SIZE, self._size)),
            while_it_answers(_check(CLOCK, self._clock)),
        ]

    async def _answers(self) -> Finding:
        try:
            await self._database.answers()
        except DatabaseBusy as busy:
            return broken(DATABASE, f"{self._name} does not answer: {busy}.", self._mend)
        return fine(DATABASE, f"{self._name} answers.")

    async def _schema(self) -> Finding:
        async with self._database.reading() as session:
            return schema(await current_migration(session))

    async def _writes(self) -> Finding:
        try:
            await self._presence.seen()
        except DatabaseBusy as busy:
            return broken(WRITES, f"The database takes no writes: {busy}.", self._mend)
        return fine(WRITES, "The database takes writes.")

    async def _size(self) -> Finding:
        file = self._file
        if file is not None:
            return await self._calls.call(f"{file}", lambda: _size_of(file))
        async with self._database.reading() as session:
            size = await session.scalar(text("SELECT pg_database_size(current_database())"))
        return fine(SIZE, f"The database has {rules.size(int(size or 0))}.")

    async def _clock(self) -> Finding:
        if self._database.is_sqlite:
            return fine(CLOCK, "SQLite is on the manager's machine, and has its clock.")
        async with self._database.reading() as session:
            theirs = await session.scalar(select(func.clock_timestamp()))
        ahead_s = (theirs - utc_now()).total_seconds() if theirs is not None else 0.0
        return rules.clock(CLOCK, "the database", ahead_s)

    @property
    def _file(self) -> Path | None:
        return file_of(self._database.url)

    @property
    def _name(self) -> str:
        return f"The database {self._database.shown_url}"

    @property
    def _mend(self) -> str:
        if self._file is not None:
            return (
                f"Free some space on the disk of {self._file.parent}, let the manager's user write "
                "there, and end other programs that have the file open."
            )
        return "Start PostgreSQL, and look at its log and at the setting `database`."


def while_it_answers(check: Check) -> Check:
    """Return a check that reads the database, and refers to `DATABASE` if that does not answer."""

    async def examine() -> Sequence[Finding]:
        try:
            return await check.examine()
        except DatabaseBusy:
            unknown = "It is not known, because the database does not answer."
            return [to_look_at(each, unknown, f"See {DATABASE}.") for each in check.ids]

    return replace(check, examine=examine)


def schema(migration: str) -> Finding:
    """Judge a database's migration by those that this version knows."""
    newest = newest_migration()
    if migration == newest:
        return fine(SCHEMA, f"The schema is that of this version: {migration}.")
    if migration < newest:
        return broken(
            SCHEMA,
            f"The schema {migration} is older than this version's, {newest}.",
            "Start the manager again: a start brings the schema up to date.",
        )
    return broken(
        SCHEMA,
        f"The schema {migration} is newer than this version's, {newest}: a newer manager has "
        "migrated the database.",
        "Upgrade this manager, or put back a backup from before the upgrade.",
    )


def _size_of(file: Path) -> Finding:
    """Judge the size of an SQLite file and of its log of changes. Blocks."""
    log = file.with_name(f"{file.name}-wal")
    free = shutil.disk_usage(file.parent).free
    log_size = log.stat().st_size if log.exists() else 0
    size = file.stat().st_size + log_size
    said = f"{file} has {rules.size(size)}, and {rules.size(free)} are free on its disk."
    if log_size > _LARGE_LOG:
        return to_look_at(
            SIZE,
            f"The log of changes {log} has {rules.size(log_size)}: a program reads the database "
            "without end.",
            "End programs that have the file open, such as a backup that hangs.",
        )
    if free < size:
        return to_look_at(
            SIZE,
            f"{said} A migration or a backup may need as much again.",
            f"Free some space on the disk of {file.parent}, or shorten `history_kept`.",
        )
    return fine(SIZE, said)


def _check(check: str, examine: Callable[[], Awaitable[Finding]]) -> Check:
    async def one() -> Sequence[Finding]:
        return [await examine()]

    return Check((check,), one)
