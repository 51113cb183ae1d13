"""Tunnels of workers share connections to Temporal, and the answer whether it is well."""

import asyncio
from contextlib import AsyncExitStack
from typing import cast

import pytest
from temporalio.client import Client

from manager_api.temporal.shared_connections import MOST_CALLS, SharedConnections
from manager_api.temporal.shared_health import KEPT_S, SharedHealth


class Opened:
    """Counts the connections that were opened. What they are does not matter here."""

    def __init__(self) -> None:
        self.clients: list[Client] = []

    async def connect(self) -> Client:
        self.clients.append(cast(Client, object()))
        return self.clients[-1]


class Temporal:
    """Says whether it is well when it may."""

    def __init__(self) -> None:
        self.is_well = True
        self.asked = 0
        self.now = 0.0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.health = SharedHealth(self._ask, clock=lambda: self.now)

    async def _ask(self) -> bool:
        self.asked += 1
        await self.may_answer.wait()
        if not self.is_well:
            raise RuntimeError("Temporal is away")
        return True


async def test_calls_share_a_connection_until_it_is_full() -> None:
    opened = Opened()
    connections = SharedConnections(opened.connect)

    async with AsyncExitStack() as calls:
        taken = [await calls.enter_async_context(connections.taken()) for _ in range(MOST_CALLS)]
        assert {id(client) for client in taken} == {id(opened.clients[0])}

        assert await calls.enter_async_context(connections.taken()) is opened.clients[1]


async def test_a_connection_that_is_not_needed_any_more_is_given_up() -> None:
    opened = Opened()
    connections = SharedConnections(opened.connect)
    async with AsyncExitStack() as calls:
        for _ in range(MOST_CALLS + 1):
            await calls.enter_async_context(connections.taken())

    async with AsyncExitStack() as calls:
        for _ in range(MOST_CALLS + 1):
            await calls.enter_async_context(connections.taken())

    # The first one stays for the next call.
    assert len(opened.clients) == 3


async def test_a_call_that_fails_frees_its_room() -> None:
    opened = Opened()
    connections = SharedConnections(opened.connect)

    for _ in range(MOST_CALLS + 1):
        with pytest.raises(RuntimeError, match="no answer"):
            async with connections.taken():
                raise RuntimeError("no answer")

    assert len(opened.clients) == 1


async def test_hosts_that_ask_at_once_get_one_answer() -> None:
    temporal = Temporal()
    temporal.may_answer.clear()
    asking = [asyncio.create_task(temporal.health.is_well()) for _ in range(50)]
    await _all_have_begun()
    temporal.may_answer.set()

    assert all(await asyncio.gather(*asking))
    assert temporal.asked == 1


async def test_that_it_is_well_counts_for_a_moment() -> None:
    temporal = Temporal()
    await temporal.health.is_well()

    temporal.now = 0.9 * KEPT_S
    await temporal.health.is_well()
    assert temporal.asked == 1

    temporal.now = KEPT_S
    await temporal.health.is_well()
    assert temporal.asked == 2


async def test_that_it_is_away_is_not_kept() -> None:
    temporal = Temporal()
    temporal.is_well = False
    with pytest.raises(RuntimeError, match="away"):
        await temporal.health.is_well()

    temporal.is_well = True

    assert await temporal.health.is_well()


async def test_a_host_that_leaves_does_not_take_the_answer_along() -> None:
    temporal = Temporal()
    temporal.may_answer.clear()
    leaving, staying = (asyncio.create_task(temporal.health.is_well()) for _ in range(2))
    await _all_have_begun()

    leaving.cancel()
    await asyncio.wait({leaving})
    temporal.may_answer.set()

    assert await staying
    assert temporal.asked == 1


async def _all_have_begun() -> None:
    for _ in range(3):
        await asyncio.sleep(0)
