"""Which managers run, as the database knows it."""

from datetime import UTC, datetime, timedelta

from manager_api.database.engine import Database
from manager_api.upgrades.managers import GONE_AFTER, ManagerPresence

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


async def running(db: Database, now: datetime = NOW) -> list[str]:
    """The versions that a manager sees beside its own."""
    watching = ManagerPresence(db, "watching", lambda: now)
    async with db.reading() as session:
        return [row.version for row in await watching.others(session)]


async def test_a_manager_is_none_of_the_others(db: Database) -> None:
    this = ManagerPresence(db, "1.0", Clock())
    await this.seen()

    async with db.reading() as session:
        assert not await this.others(session)


async def test_each_manager_is_there_while_it_runs(db: Database) -> None:
    first, second = ManagerPresence(db, "1.0", Clock()), ManagerPresence(db, "2.0", Clock())

    for _ in range(2):
        await first.seen()
        await second.seen()
    both = await running(db)
    await first.remove()

    assert sorted(both) == ["1.0", "2.0"]
    assert await running(db) == ["2.0"]


async def test_a_killed_manager_is_gone_after_a_while(db: Database) -> None:
    clock = Clock()
    killed, other = ManagerPresence(db, "1.0", clock), ManagerPresence(db, "2.0", clock)
    await killed.seen()

    clock.now = NOW + GONE_AFTER + timedelta(seconds=1)
    hidden = await running(db, clock.now)
    await other.seen()

    assert hidden == []
    assert await running(db, NOW) == ["2.0"]


async def test_a_manager_that_was_taken_for_gone_is_back_with_its_next_sign(db: Database) -> None:
    clock = Clock()
    held_up, other = ManagerPresence(db, "1.0", clock), ManagerPresence(db, "2.0", clock)
    await held_up.seen()
    clock.now = NOW + GONE_AFTER + timedelta(seconds=1)
    await other.seen()

    await held_up.seen()

    assert sorted(await running(db, clock.now)) == ["1.0", "2.0"]
