"""Transactions: all or nothing, one writer after another, and a name for a busy database."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from manager_api.database import events
from manager_api.database.engine import (
    FULL_SQLSTATES,
    Changed,
    Database,
    DatabaseBusy,
    DatabaseFull,
)
from manager_api.database.tables import FarmRow, WorkerTagRow
from manager_api.workers import tag_store as tags
from tests.farm.small_disk import small_disk


async def names(db: Database) -> list[str]:
    async with db.reading() as session:
        return [tag.name for tag in await tags.all_tags(session)]


async def test_what_is_written_is_there_at_the_end(db: Database) -> None:
    async with db.writing() as session:
        await tags.insert_tag(session, "1", "bulería", "")

    assert await names(db) == ["bulería"]


async def test_an_exception_undoes_everything_and_calls_nobody(db: Database) -> None:
    called: list[str] = []
    db.listen(Changed.EVENTS, lambda: called.append("events"))

    async def fail() -> None:
        async with db.writing() as session:
            await tags.insert_tag(session, "1", "bulería", "")
            raise ValueError("olé")

    with pytest.raises(ValueError, match="olé"):
        await fail()

    assert await names(db) == []
    assert called == []


async def test_listeners_are_called_when_it_is_stored(db: Database) -> None:
    called: list[str] = []
    db.listen(Changed.EVENTS, lambda: called.append("events"))
    db.listen(Changed.FARM, lambda: called.append("farm"))

    async with db.writing() as session:
        await tags.insert_tag(session, "1", "bulería", "")
        assert called == []

    assert called == ["events"]


async def test_a_listener_can_leave(db: Database) -> None:
    called: list[str] = []

    def wake() -> None:
        called.append("events")

    db.listen(Changed.EVENTS, wake)
    db.unlisten(Changed.EVENTS, wake)
    async with db.writing() as session:
        events.append(session, "/jobs", {})

    assert called == []


async def test_a_reading_session_cannot_write(db: Database) -> None:
    with pytest.raises(DBAPIError):
        async with db.reading() as session:
            await session.execute(update(FarmRow).values(keeper_epoch=7))


async def test_a_reader_sees_one_moment(db: Database) -> None:
    query = select(WorkerTagRow.name)
    async with db.reading() as reader:
        before = (await reader.scalars(query)).all()
        async with db.writing() as writer:
            await tags.insert_tag(writer, "1", "bulería", "")
        after = (await reader.scalars(query)).all()

    assert before == after == []


async def test_readers_go_on_while_a_writer_works(db: Database) -> None:
    async with db.writing() as writer:
        await tags.insert_tag(writer, "1", "bulería", "")
        await writer.flush()

        assert await names(db) == []


async def test_many_writers_queue_up(db: Database) -> None:
    async def write(number: int) -> None:
        async with db.writing() as session:
            await tags.insert_tag(session, str(number), f"tag {number}", "")

    await asyncio.gather(*(write(number) for number in range(40)))

    assert len(await names(db)) == 40


async def test_a_busy_database_has_a_name(db: Database) -> None:
    if db.is_sqlite:
        await _meet_another_process(db)
    else:
        await _meet_in_a_deadlock(db)


async def _meet_another_process(db: Database) -> None:
    other = Database(db.url, busy_timeout_s=0.05)
    async with db.writing() as session:
        await session.execute(update(FarmRow).values(keeper_epoch=1))

        with pytest.raises(DatabaseBusy):
            async with other.writing() as late:
                await late.execute(update(FarmRow).values(keeper_epoch=2))
    await other.close()


async def _meet_in_a_deadlock(db: Database) -> None:
    async with db.writing() as session:
        for number in "12":
            await tags.insert_tag(session, number, number, "")
    both = asyncio.Barrier(2)

    async def rename(first: str, second: str) -> None:
        async with db.writing() as session:
            await _rename(session.execute, first)
            await both.wait()
            await _rename(session.execute, second)

    outcomes = await asyncio.gather(rename("1", "2"), rename("2", "1"), return_exceptions=True)

    assert sorted(map(repr, map(type, outcomes))) == sorted(map(repr, (DatabaseBusy, type(None))))


async def _rename(execute: Callable[..., Awaitable[object]], tag_id: str) -> None:
    await execute(
        update(WorkerTagRow).where(WorkerTagRow.id == tag_id).values(description="renamed")
    )


@pytest.mark.parametrize(
    "place", ["@127.0.0.1:1/none", "@nowhere.invalid/none", "@/none?host=/nowhere/at/all"]
)
async def test_no_server_is_a_busy_database_too(place: str) -> None:
    db = Database(f"postgresql+asyncpg://tablao{place}")

    with pytest.raises(DatabaseBusy):
        async with db.reading() as session:
            await tags.all_tags(session)

    await db.close()


async def test_many_readers_may_be_open_at_once(db: Database) -> None:
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(db.reading()) for _ in range(12)]

        found = [await tags.all_tags(session) for session in sessions]

    assert found == [[]] * 12


async def test_a_full_disk_has_a_name_and_reads_go_on(
    tmp_path: Path, migrated_sqlite: Path
) -> None:
    with small_disk(tmp_path / "disk", size_mb=4) as disk:
        shutil.copy(migrated_sqlite, disk.folder / "tablao.sqlite")
        db = Database(f"sqlite+aiosqlite:///{disk.folder}/tablao.sqlite")
        await names(db)  # a reader opens the files that all readers share
        disk.fill()

        with pytest.raises(DatabaseFull):
            async with db.writing() as session:
                await tags.insert_tag(session, "1", "bulería", "olé" * 100_000)

        assert await names(db) == []
        disk.clear()
        async with db.writing() as session:
            await tags.insert_tag(session, "1", "bulería", "")
        assert await names(db) == ["bulería"]
        await db.close()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("sqlstate", sorted(FULL_SQLSTATES))
async def test_a_server_whose_disk_is_full_has_the_same_name(db: Database, sqlstate: str) -> None:
    statement = f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$"

    with pytest.raises(DatabaseFull):
        async with db.writing() as session:
            await session.execute(text(statement))
