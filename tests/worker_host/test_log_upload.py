"""A run's log on its way to the manager."""

import asyncio

from tests.worker_host.farmhouse import Farmhouse
from worker_host.run_table import RunTable
from workflows.domain.messages import OutcomeKind


async def test_whole_log_reaches_the_manager_in_bounded_pieces(
    house: Farmhouse, table: RunTable
) -> None:
    asked = house.ref()
    await house.run(table, asked, house.shell("seq 100000"))
    await house.eventually(lambda: len(house.hooks.logs.get(asked.key, b"")) >= len(_log(house)))

    assert house.hooks.logs[asked.key].decode() == _log(house)
    assert max(house.hooks.chunk_sizes) <= 64 * 1024


async def test_outcome_does_not_wait_for_the_log(house: Farmhouse, table: RunTable) -> None:
    house.hooks.may_store.clear()

    outcome = await house.run(table, house.ref(), house.shell("echo hello"))

    assert outcome.kind is OutcomeKind.COMPLETED
    assert house.hooks.logs == {}


async def test_directory_goes_when_outcome_and_log_are_both_taken(
    house: Farmhouse, table: RunTable
) -> None:
    house.hooks.may_store.clear()
    await house.run(table, house.ref(), house.shell("echo hello"))
    directory = house.path(house.ref().key, "")
    table.accepted(house.ref().key)
    assert directory.exists()

    house.hooks.may_store.set()

    await house.eventually(lambda: not directory.exists())
    assert b"> hello" in house.hooks.logs[house.ref().key]


async def test_run_that_nobody_wants_any_more_leaves_nothing_when_it_has_stopped(
    house: Farmhouse, table: RunTable
) -> None:
    running = asyncio.create_task(house.run(table, house.ref(), house.shell("sleep 600")))
    await house.eventually(lambda: house.path(house.ref().key, "shim.json").exists())

    stopping = asyncio.create_task(table.stop(house.ref().key, "its job gave it up"))
    table.accepted(house.ref().key)

    await stopping
    assert (await running).kind is OutcomeKind.CANCELED
    await house.eventually(lambda: not house.path(house.ref().key, "").exists())


async def test_run_that_broke_off_is_forgotten_though_nobody_says_that_it_may(
    house: Farmhouse,
) -> None:
    table = await house.open(unattached_grace_s=0.1)
    running = asyncio.create_task(house.run(table, house.ref(), house.shell("sleep 600")))
    await house.eventually(lambda: house.path(house.ref().key, "shim.json").exists())

    house.kill(house.shim(house.ref().key)["pid"])

    assert (await running).kind is OutcomeKind.LOST
    await house.eventually(lambda: not house.path(house.ref().key, "").exists())


async def test_accepted_run_still_answers_a_late_activity(
    house: Farmhouse, table: RunTable
) -> None:
    outcome = await house.run(table, house.ref(), house.shell("exit 7"))
    table.accepted(house.ref().key)
    await house.eventually(lambda: house.ref().key not in table.named())

    assert await house.run(table, house.ref(), house.shell("true")) == outcome


async def test_next_host_goes_on_where_the_manager_stopped(
    house: Farmhouse, table: RunTable
) -> None:
    key = house.ref().key
    gate = house.directory / "gate"
    script = f"echo first; while [ ! -e {gate} ]; do sleep 0.02; done; echo second"
    running = asyncio.create_task(house.run(table, house.ref(), house.shell(script)))
    await house.eventually(lambda: b"> first" in house.hooks.logs.get(key, b""))
    running.cancel()
    await house.crash(table)
    stored = len(house.hooks.logs[key])
    house.hooks.chunk_sizes.clear()
    gate.touch()

    await house.open()

    await house.eventually(lambda: b"> second" in house.hooks.logs[key])
    assert house.hooks.logs[key].decode() == _log(house)
    assert sum(house.hooks.chunk_sizes) == len(_log(house)) - stored


def _log(house: Farmhouse) -> str:
    log: str = house.log(house.ref().key)
    return log
