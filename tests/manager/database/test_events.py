"""Events: in order, by topic, and gone when they are old."""

import asyncio
from datetime import timedelta

from sqlalchemy import update

from manager_api.database import events
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import EventRow


async def append(db: Database, *topics: str) -> None:
    async with db.writing() as session:
        for topic in topics:
            events.append(session, topic, {"topic": topic})


async def test_events_are_read_in_the_order_they_were_told(db: Database) -> None:
    await append(db, "/jobs", "/workers", "/jobs/1")

    async with db.reading() as session:
        rows = await events.since(session, 0)
        later = await events.since(session, rows[0].id, limit=1)
        newest = await events.newest_id(session)

    assert [row.topic for row in rows] == ["/jobs", "/workers", "/jobs/1"]
    assert [row.topic for row in later] == ["/workers"]
    assert newest == rows[-1].id
    assert rows[0].payload == {"topic": "/jobs"}


async def test_topics_are_whole_and_prefixes_are_beginnings(db: Database) -> None:
    await append(db, "/jobs", "/jobs/1", "/jobs/1/last-rendered", "/jobs/2", "/workers")

    async with db.reading() as session:
        rows = await events.since(session, 0, topics=["/jobs"], prefixes=["/jobs/1"])

    assert [row.topic for row in rows] == ["/jobs", "/jobs/1", "/jobs/1/last-rendered"]


async def test_a_prefix_is_no_pattern(db: Database) -> None:
    await append(db, "/jobs/1")

    async with db.reading() as session:
        assert await events.since(session, 0, prefixes=["/%"]) == []


async def test_ids_go_on_after_a_backup_of_years_ago_was_put_back(db: Database) -> None:
    await append(db, "/one")
    async with db.writing() as session:
        await session.execute(update(EventRow).values(created=utc_now() - timedelta(days=3650)))
    async with db.writing() as session:
        await events.mark_restore(session)
    await append(db, "/two")

    async with db.reading() as session:
        newest = await events.newest_id(session)
        [row] = await events.since(session, newest - 1)

    assert newest > 2**31
    assert row.topic == "/two"


async def test_whoever_reads_on_from_the_last_id_misses_nothing(db: Database) -> None:
    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < 200:
            async with db.reading() as session:
                rows = await events.since(session, seen[-1] if seen else 0, limit=7)
            seen.extend(row.id for row in rows)

    async with asyncio.timeout(60):
        writers = (append(db, "/a", "/b") for _ in range(100))
        await asyncio.gather(follow(), *writers)

    assert len(set(seen)) == 200
    assert seen == sorted(seen)


async def test_old_events_go_and_their_ids_never_come_back(db: Database) -> None:
    await append(db, "/jobs", "/jobs")
    async with db.writing() as session:
        newest = await events.newest_id(session)
        pruned = await events.prune(session, utc_now() + timedelta(seconds=1))
    await append(db, "/jobs")

    async with db.reading() as session:
        assert await events.oldest_id(session) > newest
    assert pruned == 2


async def test_without_events_the_newest_id_is_zero(db: Database) -> None:
    async with db.reading() as session:
        assert await events.newest_id(session) == 0
