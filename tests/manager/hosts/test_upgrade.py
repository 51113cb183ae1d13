"""A host is ordered to upgrade on its channel, and tells there how far it is."""

from dataclasses import asdict, replace

from tests.manager.hosts.served_channel import HELLO, Manager
from workflows.domain import control

ORDER = control.Upgrade("2.0", f"{control.WHEELS}tablao-2.0-py3-none-any.whl", 7, "0a" * 32)
REPORT = control.UpgradeReport("2.0", "failed", "The disk is full.")


async def is_kept(manager: Manager, worker_id: str) -> bool:
    return (await manager.row(worker_id)).upgrade == asdict(REPORT)


async def test_a_host_says_that_it_can_be_upgraded_and_is_ordered_to(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker, replace(HELLO, can_upgrade=True)) as (socket, _):
        manager.hosts.upgrade(worker, ORDER)

        assert await manager.hear(socket) == ORDER
        assert (await manager.row(worker)).can_upgrade
    async with manager.host(worker):
        assert not (await manager.row(worker)).can_upgrade


async def test_a_report_is_kept_until_the_version_has_signed_on(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, REPORT)
        await manager.eventually_true(lambda: is_kept(manager, worker))
    async with manager.host(worker):
        assert await is_kept(manager, worker)
    async with manager.host(worker, replace(HELLO, software="Tablao 2.0")):
        assert (await manager.row(worker)).upgrade is None


async def test_a_report_of_an_older_session_is_ignored(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await manager.set_worker(worker, session=7)
        await manager.say(socket, REPORT)
        await manager.say(socket, control.Beat({"cpu_percent": 3}))
        await manager.eventually(lambda: manager.hosts.statistics(worker).cpu_percent is not None)

    assert (await manager.row(worker)).upgrade is None


async def test_a_report_of_no_host_cuts_the_connection(manager: Manager) -> None:
    worker = await manager.worker()
    report = control.encode(replace(REPORT, version="../2.0"))

    code = await manager.close_code(worker, control.encode(HELLO), report)

    assert code == control.CLOSE_MALFORMED
