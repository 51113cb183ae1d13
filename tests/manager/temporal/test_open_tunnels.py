"""Tunnels of workers end when their worker loses its right to them, and are bounded."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from activities.connections.tunnel_client import KEY_HEADER
from manager_api.temporal.open_tunnels import MOST_OF_WORKER, OpenTunnels
from tests.manager.temporal.proxied import (
    KEY,
    Manager,
    headers_of,
    managed,
    new_worker_id,
    tunnel,
)
from tests.manager.temporal.raw_grpc import PERMISSION_DENIED, SERVICE, raw_client

WITHIN_S = 60
#: These tests need no Temporal.
NOWHERE = "127.0.0.1:1"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"


@pytest.fixture
async def manager() -> AsyncIterator[Manager]:
    async with managed(NOWHERE) as manager:
        yield manager


@asynccontextmanager
async def opened(manager: Manager, worker_id: str) -> AsyncIterator[ClientConnection]:
    url = manager.url.replace("http", "ws", 1)
    async with connect(url, additional_headers=headers_of(worker_id)) as websocket:
        await websocket.send(PREFACE)
        await websocket.recv()
        yield websocket


async def reason_of_end(websocket: ClientConnection) -> str:
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(_read_on(websocket), WITHIN_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    return closed.value.rcvd.reason


async def _read_on(websocket: ClientConnection) -> None:
    while True:
        await websocket.recv()


async def test_all_tunnels_of_one_worker_are_closed_at_once(manager: Manager) -> None:
    worker_id, other_id = new_worker_id(), new_worker_id()
    async with (
        opened(manager, worker_id) as first,
        opened(manager, worker_id) as second,
        opened(manager, other_id) as other,
    ):
        manager.tunnels.open.close_worker(worker_id)

        assert await reason_of_end(first) == "the worker may not use it any more"
        assert await reason_of_end(second) == "the worker may not use it any more"
        await (await other.ping())


async def test_a_tunnel_ends_when_its_credentials_become_void(manager: Manager) -> None:
    worker_id, other_id = new_worker_id(), new_worker_id()
    checking = asyncio.create_task(manager.tunnels.open.run())
    async with opened(manager, worker_id) as void, opened(manager, other_id) as other:
        manager.void.add(worker_id)
        manager.tunnels.open.check_soon()

        assert await reason_of_end(void) == "the worker may not use it any more"
        await (await other.ping())
    checking.cancel()


async def test_credentials_are_checked_without_being_asked_to() -> None:
    asked = asyncio.Event()
    tunnels = OpenTunnels(lambda _: _is_void(asked), check_every_s=0.01)
    checking = asyncio.create_task(tunnels.run())

    with tunnels.opened("carmen", None) as tunnel:  # type: ignore[arg-type] # only passed on
        await asyncio.wait_for(tunnel.ended.wait(), WITHIN_S)

    assert asked.is_set()
    checking.cancel()


async def test_the_credentials_of_all_tunnels_are_asked_for_together() -> None:
    everyone_asks = asyncio.Barrier(3)

    async def worker_of(_: object) -> None:
        await everyone_asks.wait()

    tunnels = OpenTunnels(worker_of, check_every_s=0.01)
    checking = asyncio.create_task(tunnels.run())
    with (
        tunnels.opened("carmen", None) as first,  # type: ignore[arg-type] # only passed on
        tunnels.opened("paco", None) as second,  # type: ignore[arg-type]
        tunnels.opened("lola", None) as third,  # type: ignore[arg-type]
    ):
        for tunnel in (first, second, third):
            await asyncio.wait_for(tunnel.ended.wait(), WITHIN_S)
    checking.cancel()


async def _is_void(asked: asyncio.Event) -> None:
    asked.set()


async def test_one_tunnel_too_many_ends_the_oldest(manager: Manager) -> None:
    worker_id = new_worker_id()
    async with AsyncExitStack() as stack:
        first, *others = [
            await stack.enter_async_context(opened(manager, worker_id))
            for _ in range(MOST_OF_WORKER + 1)
        ]

        assert await reason_of_end(first) == "the worker has opened others"
        for other in others:
            await (await other.ping())


async def test_another_user_of_the_machine_cannot_crowd_out_the_host(manager: Manager) -> None:
    worker_id = new_worker_id()
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(tunnel(manager, worker_id))
        host = await stack.enter_async_context(raw_client(line.address))
        # The call is refused, but it shows the key.
        assert (await host.call(f"{SERVICE}/ListWorkflowExecutions")).status == PERMISSION_DENIED

        crowd = [
            await stack.enter_async_context(opened(manager, worker_id))
            for _ in range(MOST_OF_WORKER + 1)
        ]

        assert await reason_of_end(crowd[0]) == "the worker has opened others"
        assert (await host.call(f"{SERVICE}/ListWorkflowExecutions")).status == PERMISSION_DENIED


@pytest.mark.parametrize("key", ["", "short"])
async def test_a_host_that_is_too_old_to_have_a_key_is_refused(
    manager: Manager, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    headers = {**headers_of(new_worker_id()), KEY_HEADER: key}
    manager.persons = True

    with pytest.raises(InvalidStatus) as refused:
        await connect(manager.url.replace("http", "ws", 1), additional_headers=headers)

    assert refused.value.response.status_code == 403
    assert "a host is too old for this manager" in caplog.text


async def test_refused_calls_are_logged_once_for_a_tunnel(
    manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with (
        tunnel(manager, new_worker_id()) as line,
        raw_client(line.address) as client,
    ):
        for _ in range(3):
            await client.call(f"{SERVICE}/ListWorkflowExecutions")

    assert caplog.text.count("a call by a worker's tunnel was refused") == 1
    assert KEY not in caplog.text
