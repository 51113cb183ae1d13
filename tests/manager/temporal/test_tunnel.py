"""Temporal is reached through the manager, bytes intact, by those who may."""

import asyncio
import contextlib
import hashlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from activities.connections.tunnel_client import TUNNEL_PATH, Tunnel, carry
from manager_api.temporal.binary_frames import FIRST_BYTES_S
from manager_api.temporal.server import TemporalServer
from manager_api.temporal.tunnel import tunnel_router

SECRET = "only-a-worker-knows"
CREDENTIALS = {"Authorization": f"Bearer {SECRET}"}
MIB = 1024 * 1024

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def is_worker(websocket: WebSocket) -> bool:
    return websocket.headers.get("authorization") == CREDENTIALS["Authorization"]


@asynccontextmanager
async def manager(
    target: str, port: int = 0, first_bytes_s: float = FIRST_BYTES_S
) -> AsyncIterator[str]:
    """A manager that tunnels to `target`; yields its `host:port`."""
    app = FastAPI()
    app.include_router(tunnel_router(lambda: target, is_worker, first_bytes_s=first_bytes_s))
    config = uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag only
            await asyncio.sleep(0.01)
    try:
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[str]:
    """Something to tunnel to, in Temporal's place."""
    handling: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(asyncio.CancelledError):
            await handler(reader, writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handling.add(asyncio.create_task(handle(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in handling:
            task.cancel()
        await asyncio.gather(*handling)


@asynccontextmanager
async def tunneled(target: str, headers: dict[str, str] = CREDENTIALS) -> AsyncIterator[Tunnel]:
    async with manager(target) as address, to_manager(address, headers) as tunnel:
        yield tunnel


def to_manager(
    address: str, headers: dict[str, str] = CREDENTIALS, *, patience: float = 0.0
) -> Tunnel:
    return Tunnel(f"http://{address}{TUNNEL_PATH}", headers=lambda: headers, patience=patience)


async def dial(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = address.split(":")
    return await asyncio.open_connection(host, int(port))


async def is_cut(address: str) -> bool:
    """Whether a connection through the tunnel is closed without a byte."""
    reader, writer = await dial(address)
    try:
        return await asyncio.wait_for(reader.read(1), 20) == b""
    except ConnectionResetError:
        return True
    finally:
        writer.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(MIB):
        writer.write(data)
        await writer.drain()


async def read_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@activity.defn(name="double")
async def double(number: int) -> int:
    return 2 * number


@workflow.defn(name="Doubling")
class DoublingWorkflow:
    @workflow.run
    async def run(self, number: int) -> int:
        return await workflow.execute_activity(
            double, number, start_to_close_timeout=timedelta(seconds=30)
        )


async def doubled(client: Client, number: int) -> int:
    """Run a workflow with an activity, everything over this client."""
    queue = f"doubling-{number}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[DoublingWorkflow],
        activities=[double],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        return await client.execute_workflow(
            DoublingWorkflow.run, number, id=queue, task_queue=queue
        )


async def connected(address: str) -> Client:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(RuntimeError):
                return await Client.connect(address)
            await asyncio.sleep(0.05)


async def test_a_worker_behind_the_tunnel_runs_a_workflow(
    temporal_server: TemporalServer,
) -> None:
    async with tunneled(temporal_server.address) as tunnel:
        client = await Client.connect(tunnel.address)

        assert await doubled(client, 21) == 42


async def test_new_connections_work_after_the_manager_restarted(
    temporal_server: TemporalServer,
) -> None:
    async with manager(temporal_server.address) as address:
        tunnel = to_manager(address)
        await tunnel.start()
        client = await Client.connect(tunnel.address)
        assert await doubled(client, 1) == 2

    assert await is_cut(tunnel.address)

    async with manager(temporal_server.address, port=int(address.split(":")[1])):
        assert await doubled(await connected(tunnel.address), 2) == 4
        # A client from before finds its way back by itself.
        assert await asyncio.wait_for(doubled(client, 3), 60) == 6
        await tunnel.close()


async def test_the_tunnel_may_be_opened_before_the_manager() -> None:
    async with listening(echo) as target:
        async with manager(target) as address:
            pass
        async with to_manager(address) as tunnel:
            assert await is_cut(tunnel.address)

            async with manager(target, port=int(address.split(":")[1])):
                reader, writer = await dial(tunnel.address)
                writer.write(b"hello")

                assert await reader.readexactly(5) == b"hello"


async def test_a_connection_waits_for_a_manager_that_is_away() -> None:
    async with listening(echo) as target:
        async with manager(target) as address:
            pass
        async with to_manager(address, patience=60) as tunnel:
            reader, writer = await dial(tunnel.address)
            writer.write(b"hello")

            async with manager(target, port=int(address.split(":")[1])):
                assert await reader.readexactly(5) == b"hello"
                writer.close()


async def test_a_connection_waits_for_a_temporal_that_is_being_started_again() -> None:
    async with listening(echo) as target:
        pass
    async with tunneled(target) as tunnel:
        reader, writer = await dial(tunnel.address)
        writer.write(b"hello")

        host, port = target.split(":")
        server = await asyncio.start_server(echo, host, int(port))

        assert await reader.readexactly(5) == b"hello"
        writer.close()
        server.close()


async def test_twenty_megabytes_arrive_intact_both_ways() -> None:
    sent = os.urandom(20 * MIB)
    async with listening(echo) as target, tunneled(target) as tunnel:
        reader, writer = await dial(tunnel.address)
        receiving = asyncio.create_task(reader.read())

        writer.write(sent)
        await writer.drain()
        writer.write_eof()
        received = await asyncio.wait_for(receiving, 60)

    assert hashlib.sha256(received).digest() == hashlib.sha256(sent).digest()


async def test_an_end_of_one_direction_leaves_the_other_open() -> None:
    async def answer_after_the_end(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"got " + await reader.read())

    async with listening(answer_after_the_end) as target, tunneled(target) as tunnel:
        reader, writer = await dial(tunnel.address)
        writer.write(b"everything")
        writer.write_eof()

        assert await asyncio.wait_for(reader.read(), 20) == b"got everything"


async def test_a_connection_dropped_by_the_client_is_dropped_at_temporal() -> None:
    dropped = asyncio.Event()

    async def wait_for_the_end(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionResetError):
            await reader.readexactly(1)
            await reader.read()
        dropped.set()

    async with listening(wait_for_the_end) as target, tunneled(target) as tunnel:
        _, writer = await dial(tunnel.address)
        writer.write(b"x")
        await writer.drain()
        writer.transport.abort()

        await asyncio.wait_for(dropped.wait(), 20)


async def test_a_half_ended_connection_notices_that_the_other_end_is_gone() -> None:
    frames = iter([b"last", b""])

    async def receive() -> bytes:
        for frame in frames:
            return frame
        raise WebSocketDisconnect(1006)

    async def send(data: bytes) -> None:
        assert not data, "nothing was said"

    async with listening(read_nothing) as target:
        reader, writer = await dial(target)

        with pytest.raises(WebSocketDisconnect):
            await asyncio.wait_for(carry(reader, writer, send, receive), 20)
        writer.close()


async def test_a_reader_that_does_not_read_stops_the_sender() -> None:
    tried = asyncio.Event()

    async def read_nothing_yet(
        _reader: asyncio.StreamReader, _writer: asyncio.StreamWriter
    ) -> None:
        await tried.wait()

    async with listening(read_nothing_yet) as target, tunneled(target) as tunnel:
        _, writer = await dial(tunnel.address)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 128 * MIB:
                writer.write(bytes(MIB))
                await asyncio.wait_for(writer.drain(), 2)
                sent += MIB

        assert sent < 64 * MIB
        await asyncio.wait_for(tunnel.close(), 5)
        tried.set()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guessed"}])
async def test_strangers_are_refused(headers: dict[str, str]) -> None:
    async with listening(echo) as target, manager(target) as address:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://{address}{TUNNEL_PATH}", additional_headers=headers)

        assert refused.value.response.status_code == 403
        async with to_manager(address, headers) as tunnel:
            assert await is_cut(tunnel.address)


async def test_a_temporal_that_is_away_is_said_to_be() -> None:
    async with listening(echo) as target:
        pass  # Now nobody listens there.
    async with manager(target) as address:
        url = f"ws://{address}{TUNNEL_PATH}"
        async with connect(url, additional_headers=CREDENTIALS) as websocket:
            with pytest.raises(ConnectionClosed) as closed:
                await websocket.recv()

            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (
                1011,
                "Temporal is unreachable",
            )
        async with to_manager(address) as tunnel:
            assert await is_cut(tunnel.address)


async def test_text_frames_are_refused() -> None:
    async with listening(echo) as target, manager(target) as address:
        url = f"ws://{address}{TUNNEL_PATH}"
        async with connect(url, additional_headers=CREDENTIALS) as websocket:
            await websocket.send("text")
            with pytest.raises(ConnectionClosed) as closed:
                await websocket.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1003


async def test_a_client_that_sends_nothing_is_given_up() -> None:
    async with listening(echo) as target, manager(target, first_bytes_s=0.1) as address:
        url = f"ws://{address}{TUNNEL_PATH}"
        async with connect(url, additional_headers=CREDENTIALS) as websocket, asyncio.timeout(60):
            with pytest.raises(ConnectionClosed) as closed:
                await websocket.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4408


async def test_closing_the_tunnel_closes_its_connections() -> None:
    async with listening(echo) as target, tunneled(target) as tunnel:
        address = tunnel.address
        reader, writer = await dial(address)
        writer.write(b"hello")
        await reader.readexactly(5)

        await tunnel.close()

        assert await asyncio.wait_for(reader.read(), 20) == b""
        with pytest.raises(OSError, match="Connect call failed"):
            await dial(address)


async def test_credentials_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "uvicorn")
    async with listening(echo) as target:
        async with tunneled(target) as tunnel:
            reader, writer = await dial(tunnel.address)
            writer.write(b"hello")
            await reader.readexactly(5)
        async with tunneled(target, {"Authorization": f"Bearer {SECRET}!"}) as tunnel:
            assert await is_cut(tunnel.address)

    assert "The tunnel to Temporal is interrupted: the manager does not let us pass" in caplog.text
    assert SECRET not in caplog.text
