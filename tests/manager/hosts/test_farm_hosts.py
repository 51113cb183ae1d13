"""Two managers on one PostgreSQL: orders reach a host through the manager it is connected to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from manager_api.database import events
from manager_api.database.engine import Database
from manager_api.database.loops import begin
from manager_api.database.payloads import HOST_ORDERS, WORKERS
from manager_api.events.live import LiveEvents
from manager_api.hosts.channel import ChannelSettings
from manager_api.hosts.farm_hosts import FarmHosts
from manager_api.workers import store as workers
from tests.farm.ids import JOB
from tests.manager.databases import create_database
from tests.manager.hosts.served_channel import Manager
from workflows.domain import control
from workflows.domain.messages import RunKey
from workflows.domain.statuses import WorkerStatus

KEY = RunKey(JOB, 1, 1, 1)


@dataclass
class Sharing:
    """A manager that shares its database."""

    manager: Manager
    live: LiveEvents
    hosts: FarmHosts


@pytest.fixture
def shared_url(postgres_url: str, migrated_postgres: str) -> str:
    return create_database(postgres_url, f"shared_{uuid4().hex}", migrated_postgres)


@pytest.fixture
async def shared(shared_url: str, tmp_path: Path) -> AsyncIterator[tuple[Sharing, Sharing]]:
    """The keeper's manager, and another one."""
    url = shared_url
    async with AsyncExitStack() as stack:
        yield await _sharing(url, tmp_path / "1", stack), await _sharing(url, tmp_path / "2", stack)


UPGRADE = control.Upgrade("2.0", f"{control.WHEELS}tablao-2.0-py3-none-any.whl", 1, "0a" * 32)


async def _upgrade_order() -> control.Upgrade:
    return UPGRADE


async def _sharing(
    url: str, directory: Path, stack: AsyncExitStack, lost_after_s: float = 0.5
) -> Sharing:
    database = Database(url)
    stack.push_async_callback(database.close)
    live = LiveEvents(database)
    await live.skip_to_newest()
    manager = Manager(directory, database)
    times = ChannelSettings(lost_after_s=lost_after_s, seen_every_s=0.02)
    hosts = FarmHosts(manager.hosts, database, live, times, _upgrade_order)
    await stack.enter_async_context(manager.serving())
    await begin(stack, {"live": live, "hosts of other managers": hosts})
    return Sharing(manager, live, hosts)


async def test_a_host_of_another_manager_is_present(shared: tuple[Sharing, Sharing]) -> None:
    keeper, other = shared
    worker = await other.manager.worker()
    keeper.manager.clock.now += 1000  # so that the keeper has listened for long, and heard nothing
    async with other.manager.host(worker) as (socket, _):
        await other.manager.say(socket, control.Beat({}))

        await keeper.manager.eventually(lambda: keeper.hosts.is_present(worker))

    assert not keeper.manager.hosts.is_present(worker)


async def test_orders_reach_the_host_of_another_manager(shared: tuple[Sharing, Sharing]) -> None:
    keeper, other = shared
    worker = await other.manager.worker()
    async with other.manager.host(worker) as (socket, _):
        await _until_known(keeper, other, worker)

        await keeper.hosts.stop_run(worker, KEY, "its job gave it up")
        await keeper.hosts.settled(worker, KEY)
        await keeper.hosts.order_status(worker, WorkerStatus.ASLEEP)
        heard = [await other.manager.hear(socket) for _ in range(3)]
        await keeper.hosts.disconnect(worker, "not heard of for too long")
        async with asyncio.timeout(60):
            await socket.wait_closed()

    assert heard == [
        control.StopRun(str(KEY), "its job gave it up"),
        control.Settled(str(KEY)),
        control.StatusOrder("asleep", False),
    ]


async def test_an_order_that_comes_after_its_request_was_taken_back_is_ordered_back(
    shared: tuple[Sharing, Sharing],
) -> None:
    keeper, other = shared
    worker = await other.manager.worker()
    async with other.manager.host(worker) as (socket, _):
        await _until_known(keeper, other, worker)
        for status in (WorkerStatus.AWAKE, WorkerStatus.ASLEEP):
            async with keeper.manager.database.writing() as session:
                row = await workers.existing_worker_to_change(session, worker)
                workers.set_status(session, row, status)

            # By a plan that was made while somebody wanted it.
            too_late = WorkerStatus.OFFLINE
            await keeper.hosts.order_status(worker, too_late)
            await other.hosts.order_status(worker, too_late)
            heard = [await other.manager.hear(socket) for _ in range(4)]

            orders = [control.StatusOrder(str(each), False) for each in (too_late, status)]
            assert heard == orders * 2


async def test_a_manager_orders_the_upgrade_of_its_host_that_another_one_was_asked_for(
    shared: tuple[Sharing, Sharing],
) -> None:
    _, other = shared
    worker = await other.manager.worker()
    async with other.manager.host(worker) as (socket, _):
        async with other.manager.database.writing() as session:
            events.append(session, HOST_ORDERS, {"order": "upgrade", "worker": worker})

        assert await other.manager.hear(socket) == UPGRADE


async def test_orders_are_no_news_for_clients(shared: tuple[Sharing, Sharing]) -> None:
    keeper, other = shared
    worker = await other.manager.worker()
    with other.live.subscribed() as everything:
        async with other.manager.host(worker) as (socket, _):
            await _until_known(keeper, other, worker)
            await keeper.hosts.settled(worker, KEY)
            assert await other.manager.hear(socket) == control.Settled(str(KEY))
        async with other.manager.database.writing() as session:
            events.append(session, WORKERS, {"id": worker})
        messages = everything.messages(0)
        async with asyncio.timeout(60):
            first = json.loads(await anext(messages))

    assert first["topic"] == WORKERS


async def test_a_host_of_no_manager_gets_no_orders(shared: tuple[Sharing, Sharing]) -> None:
    keeper, other = shared
    worker = await other.manager.worker()  # has registered, and never connected

    await keeper.hosts.stop_run(worker, KEY, "its job gave it up")
    connected = await other.manager.worker()
    async with other.manager.host(connected) as (socket, _):
        await _until_known(keeper, other, connected)
        await keeper.hosts.settled(connected, KEY)
        assert await other.manager.hear(socket) == control.Settled(str(KEY))

    orders = await other.manager.told(HOST_ORDERS)
    assert [order["worker"] for order in orders] == [connected]


async def test_a_host_that_was_not_noticed_yet_is_told_what_is_settled(
    shared_url: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        other = await _sharing(shared_url, tmp_path / "1", stack)
        keeper = await _sharing(shared_url, tmp_path / "2", stack, lost_after_s=600)
        worker = await other.manager.worker()
        async with other.manager.host(worker) as (socket, _):
            await keeper.hosts.settled(worker, KEY)

            assert await other.manager.hear(socket) == control.Settled(str(KEY))
            assert not keeper.hosts.knows(worker)


async def _until_known(keeper: Sharing, other: Sharing, worker: str) -> None:
    """Until the keeper's manager has noticed that the other one hears from the host."""

    async def known() -> bool:
        other.manager.hosts.heard(worker)
        return keeper.hosts.knows(worker)

    await keeper.manager.eventually_true(known)
