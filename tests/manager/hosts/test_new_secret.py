"""A host is given a new secret on its channel, and a channel with an old secret is closed."""

from dataclasses import replace

from sqlalchemy import select

from manager_api.database.tables import EventRow
from manager_api.workers import store as workers
from manager_api.workers.credentials import WorkerCredentials
from tests.manager.hosts.served_channel import HELLO, Manager
from tests.manager.workers.test_new_secrets import fits
from workflows.domain import control


async def order(manager: Manager, worker_id: str) -> None:
    async with manager.database.writing() as session:
        row = await workers.existing_worker_to_change(session, worker_id)
        workers.order_new_secret(session, row)


async def test_a_connected_host_gets_a_secret_that_counts(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await order(manager, worker)
        await manager.hosts.new_secret(worker)

        told = await manager.hear(socket)

    assert isinstance(told, control.NewSecret)
    assert await fits(WorkerCredentials(manager.database), worker, told.secret)
    assert told.secret not in repr(told)
    async with manager.database.reading() as session:
        stored = [str(each.payload) for each in await session.scalars(select(EventRow))]
    assert not [each for each in stored if told.secret in each]


async def test_it_is_said_again_until_it_is_used(manager: Manager) -> None:
    worker = await manager.worker()
    known = WorkerCredentials(manager.database)
    async with manager.host(worker) as (_, welcome):
        await order(manager, worker)
    again = replace(HELLO, session=welcome.session)
    async with manager.host(worker, again) as (socket, _):
        told = await manager.hear(socket)
        assert isinstance(told, control.NewSecret)
        assert await fits(known, worker, told.secret)

    async with manager.host(worker, again) as (socket, _):
        await manager.hosts.forgive(worker)

        assert await manager.hear(socket) == control.Forgive()


async def test_a_host_that_needs_none_gets_none(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await manager.hosts.new_secret(worker)
        await manager.hosts.forgive(worker)

        assert await manager.hear(socket) == control.Forgive()


async def test_a_channel_with_an_old_secret_is_closed_and_its_worker_goes_on(
    manager: Manager,
) -> None:
    worker, other = await manager.worker(), await manager.worker()
    async with (
        manager.host(worker, secret="old") as (socket, welcome),
        manager.host(other, secret="its own") as (bystander, _),
    ):
        manager.void.add("old")
        manager.hosts.look_for_deleted()
        await socket.wait_closed()
        again = replace(HELLO, session=welcome.session)
        async with manager.host(worker, again, secret="new") as (_, after):
            await manager.hosts.forgive(other)

            assert socket.close_code not in (control.CLOSE_DISMISSED, control.CLOSE_SUPERSEDED)
            assert after.session == welcome.session
            assert await manager.hear(bystander) == control.Forgive()
