"""The manager knows by how much the clocks of its hosts differ from its own."""

import time

from manager_api.doctor.workers import CLOCKS, WorkerChecks
from manager_api.upgrades.managers import ManagerPresence
from tests.manager.hosts.served_channel import Manager
from workflows.domain import control
from workflows.domain.doctor import Finding, State


async def doctors_finding(manager: Manager) -> Finding:
    presence = ManagerPresence(manager.database, "0.1.0")
    checks = WorkerChecks(manager.database, presence, manager.hosts).check()
    return next(each for each in await checks.examine() if each.check == CLOCKS)


async def test_a_host_whose_clock_was_put_is_named_by_the_doctor(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.Beat({}, clock=time.time()))
        await manager.eventually(lambda: worker in manager.hosts.clocks)
        before = await doctors_finding(manager)

        await manager.say(socket, control.Beat({}, clock=time.time() - 600))
        await manager.eventually(lambda: manager.hosts.clocks[worker] < -500)
        after = await doctors_finding(manager)

    assert before.state is State.FINE
    assert after.state is State.BROKEN
    assert "10 min behind" in after.sentence
    assert "NTP" in after.advice


async def test_a_host_that_says_no_clock_or_nonsense_has_none(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        for clock in (0.0, float("nan"), float("inf"), -1e300):
            await manager.say(socket, control.Beat({}, clock=clock))
        await manager.say(socket, control.Beat({"cpu_percent": 3.0}))
        await manager.eventually(lambda: manager.hosts.statistics(worker).cpu_percent)

        assert worker not in manager.hosts.clocks
        assert (await doctors_finding(manager)).state is State.FINE
