"""Hosts are told what the farm has set for them: at their welcome, and when it changes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from manager_api.database.loops import begin
from manager_api.database.tables import ProvisionScope
from manager_api.events.live import LiveEvents
from manager_api.hosts.provision_watch import ProvisionWatch
from manager_api.workers import provision_store as provisions
from manager_api.workers import store as workers
from manager_api.workers import tag_store as tags
from tests.manager.hosts.served_channel import Manager
from workflows.domain import control

HELLO = control.Hello(slots=2, software="Tablao")
WORKER, TAG = ProvisionScope.WORKER, ProvisionScope.TAG


class Told:
    """Hosts that are told of."""

    def __init__(self, connected: frozenset[str]) -> None:
        self.connected = connected
        self.told: asyncio.Queue[str] = asyncio.Queue()

    def provisioned(self, worker_id: str, provision: Mapping[str, Any]) -> None:
        self.told.put_nowait(worker_id)


@asynccontextmanager
async def watching(manager: Manager) -> AsyncIterator[None]:
    live = LiveEvents(manager.database)
    watch = ProvisionWatch(manager.database, live, manager.hosts)
    async with AsyncExitStack() as stack:
        await begin(stack, {"live events": live, "provisions": watch})
        yield


async def put(manager: Manager, scope: ProvisionScope, target: str, **settings: Any) -> None:
    async with manager.database.writing() as session:
        await provisions.put(session, scope, target, settings)


async def test_a_host_is_welcomed_with_what_is_set_for_it(manager: Manager) -> None:
    worker = await manager.worker()
    await put(manager, WORKER, worker, slots=3, environment={"OCIO": "/ocio"})

    async with manager.host(worker) as (_, welcome):
        assert welcome.provision == {"slots": 3, "environment": {"OCIO": "/ocio"}}


async def test_a_change_is_told_to_the_hosts_that_it_concerns(manager: Manager) -> None:
    carmen, paco = await manager.worker(), await manager.worker()

    async with (
        watching(manager),
        manager.host(carmen) as (to_carmen, welcome),
        manager.host(paco) as (to_paco, _),
    ):
        await put(manager, WORKER, carmen, slots=3)
        first = await manager.hear(to_carmen)
        async with manager.database.writing() as session:
            await provisions.remove(session, WORKER, carmen)
        second = await manager.hear(to_carmen)
        await put(manager, WORKER, paco, slots=4)
        of_paco = await manager.hear(to_paco)

    assert welcome.provision == {}
    assert [first, second] == [control.Provisioned({"slots": 3}), control.Provisioned({})]
    assert of_paco == control.Provisioned({"slots": 4})


async def test_a_worker_that_changes_is_no_reason_to_look_at_the_others(manager: Manager) -> None:
    changed, other = await manager.worker(), await manager.worker()
    hosts = Told(frozenset({changed, other}))
    live = LiveEvents(manager.database)
    watch = ProvisionWatch(manager.database, live, hosts)

    async with AsyncExitStack() as stack:
        await begin(stack, {"live events": live, "provisions": watch})
        async with manager.database.writing() as session:
            row = await workers.existing_worker_to_change(session, changed)
            await workers.set_tags(session, row, [])
        first = [await hosts.told.get()]
        await put(manager, ProvisionScope.FARM, "", slots=3)
        then = {await hosts.told.get(), await hosts.told.get()}

    assert first == [changed]
    assert then == {changed, other}


async def test_a_worker_that_gets_a_tag_is_told_what_that_brings(manager: Manager) -> None:
    worker, tag = await manager.worker(), "77777777-7777-4777-8777-777777777777"
    async with manager.database.writing() as session:
        await tags.insert_tag(session, tag, "gpu", "")
    await put(manager, TAG, tag, ffmpeg="/gpu/ffmpeg")

    async with watching(manager), manager.host(worker) as (socket, _):
        async with manager.database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker)
            await workers.set_tags(session, row, [tag])
        told = await manager.hear(socket)

    assert told == control.Provisioned({"ffmpeg": "/gpu/ffmpeg"})


async def test_a_host_that_takes_no_settings_is_given_none(manager: Manager) -> None:
    worker = await manager.worker()
    await put(manager, ProvisionScope.FARM, "", slots=3)

    async with manager.host(worker, replace(HELLO, provisioned=False)) as (_, welcome):
        assert welcome.provision == {}
        assert (await manager.row(worker)).is_provisioned is False
    async with manager.host(worker) as (_, welcome):
        assert welcome.provision == {"slots": 3}
