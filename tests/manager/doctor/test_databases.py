"""The doctor looks at SQLite and at PostgreSQL."""

from activities.process.examining import HangingCalls, examined
from manager_api.database.engine import Database
from manager_api.doctor.database import DatabaseChecks
from manager_api.upgrades.managers import ManagerPresence
from manager_api.version import VERSION


async def test_a_database_that_is_well_is_fine(db: Database) -> None:
    checks = DatabaseChecks(db, ManagerPresence(db, VERSION), HangingCalls()).checks()

    found = {each.check: each for each in await examined(checks)}

    # The machine that tests may be short of space.
    found.pop("database.size")
    assert {name: each.sentence for name, each in found.items() if each.advice} == {}
    clock = found["database.clock"].sentence
    assert ("SQLite is on the manager's machine" in clock) is db.is_sqlite


async def test_the_size_of_a_database_is_said(db: Database) -> None:
    checks = DatabaseChecks(db, ManagerPresence(db, VERSION), HangingCalls()).checks()

    found = next(each for each in await examined(checks) if each.check == "database.size")

    assert "MB" in found.sentence or "kB" in found.sentence
