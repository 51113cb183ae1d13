"""Half a request is not waited for for ever, and one address cannot have all connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from manager_api.web.connections import LimitedConnection, limited_connection

POST = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n"
)
WEBSOCKET = UPGRADE + b"\r\n"


class Impatient(LimitedConnection):
    head_s, body_s = 0.3, 0.3


class Patient(LimitedConnection):
    """Does not lose its patience while a test lasts."""

    head_s, body_s = 600.0, 600.0
    most_of_address = 3


class LookedAt(Patient):
    """Is looked at by the test."""

    newest: ClassVar["LookedAt | None"] = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        LookedAt.newest = self


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a POST after its body, and a GET before; takes a WebSocket and keeps it."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await asyncio.Event().wait()
    if scope["method"] == "POST":
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            return
    headers = [(b"content-length", b"4")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"done"})


@asynccontextmanager
async def serving(protocol: type[Any]) -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, http=protocol, ws="websockets-sansio", lifespan="off")
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


async def answer_to(port: int, sent: bytes, drip: bytes = b"") -> bytes:
    """All that is answered until the connection is closed. A drip is sent all the time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)

    async def dripping() -> None:
        while True:
            writer.write(drip)
            await asyncio.sleep(0.05)

    asyncio_task = asyncio.create_task(dripping())
    try:
        async with asyncio.timeout(60):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        asyncio_task.cancel()
        writer.close()


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, LookedAt]:
    """A connection, and the server's end of it."""
    LookedAt.newest = None
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await until(lambda: LookedAt.newest is not None)
    assert LookedAt.newest is not None
    return reader, writer, LookedAt.newest


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 -- no event says so
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("sent", "drip", "answer"),
    [
        (b"", b"", b""),
        (b"GET / HT", b"", b"HTTP/1.1 408"),
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n", b"HTTP/1.1 408"),
        (b"", b"\r\n", b"HTTP/1.1 408"),
        (POST % 100, b"", b"HTTP/1.1 408"),
        (POST % 100_000, b" ", b"HTTP/1.1 408"),
        (POST % 2 + b"{}", b"", b"HTTP/1.1 200"),
        (b"GET / HTTP/1.1\r\ncontent-length: 100000\r\n\r\n", b" ", b"HTTP/1.1 200"),
        (b"GET / HTTP/1.1\r\n\r\nGET /", b"", b"HTTP/1.1 200"),
        # What is not body does not count as body, however much of it comes.
        (CHUNKED + b"0\r\n", b"a: " + b"b" * 1000 + b"\r\n", b"HTTP/1.1 408"),
        (CHUNKED + b"0\r\na: ", b"b" * 1000, b"HTTP/1.1 408"),
        (CHUNKED + b"1", b";a=" + b"b" * 1000, b"HTTP/1.1 408"),
        (CHUNKED, b"0" * 1000, b"HTTP/1.1 408"),
        (CHUNKED + b"2\r\n{}\r\n0\r\na: b\r\n\r\n", b"", b"HTTP/1.1 200"),
    ],
)
async def test_a_request_that_does_not_come_is_given_up(
    sent: bytes, drip: bytes, answer: bytes
) -> None:
    # Again, if the machine stood still before anything was sent.
    async with serving(Impatient) as port, asyncio.timeout(60):
        while not (await answer_to(port, sent, drip)).startswith(answer):
            pass


async def test_a_large_body_has_the_time_that_it_takes() -> None:
    async with serving(LookedAt) as port:
        reader, writer, end = await connected(port)
        writer.write(POST % (4 * 1024))
        await until(lambda: end._is_in_body)
        for _ in range(3):
            writer.write(bytes(1024))
            await until(lambda: end._body_bytes >= 1024)
            end._look_at_body()
        writer.write(bytes(1024))

        assert (await asyncio.wait_for(reader.readline(), 60)).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_websocket_may_be_silent() -> None:
    async with serving(LookedAt) as port:
        reader, writer, end = await connected(port)
        before = end._look
        writer.write(WEBSOCKET)
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)

        assert before is not None
        assert end._look is None
        writer.close()


async def test_a_head_without_end_is_refused() -> None:
    async with serving(Patient) as port:
        answer = await answer_to(port, b"GET / HTTP/1.1\r\na: " + b"a" * 100_000)

    assert answer.startswith(b"HTTP/1.1 431")
    assert b'"code":431' in answer


@pytest.mark.parametrize(
    ("fields", "drip"),
    [
        (b"content-length: 100\r\n", b""),
        (b"content-length: 100000\r\n", b" "),
        (b"transfer-encoding: chunked\r\n", b"1\r\na\r\n"),
        (b"a: b\r\n" * 300, b""),
        (b"a: " + b"b" * 20_000 + b"\r\n", b""),
    ],
)
async def test_a_websocket_that_cannot_begin_is_refused(fields: bytes, drip: bytes) -> None:
    async with serving(Patient) as port:
        answer = await answer_to(port, UPGRADE + fields + b"\r\n", drip)

    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("begun", [b"0\r\na: ", b"1;a=", b"1\r\na\r\n0\r\n" + b"a: b\r\n" * 20])
async def test_a_trailer_without_end_is_refused(begun: bytes) -> None:
    async with serving(Patient) as port:
        answer = await answer_to(port, CHUNKED + begun, b"a" * 10_000)

    assert answer.startswith(b"HTTP/1.1 431")


async def test_a_body_of_many_chunks_is_no_trailer() -> None:
    head = CHUNKED.replace(b"host:", b"connection: close\r\nhost:")
    async with serving(Patient) as port:
        answer = await answer_to(port, head + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200")


async def test_an_address_has_a_number_of_connections() -> None:
    async with serving(Patient) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for reader, writer in held:
            writer.write(WEBSOCKET)
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)

        refused = await answer_to(port, b"")
        held[0][1].close()
        async with asyncio.timeout(60):
            while not (await answer_to(port, POST % 0)).startswith(b"HTTP/1.1 200"):  # noqa: ASYNC110 -- no event says so
                await asyncio.sleep(0.05)

        assert refused.startswith(b"HTTP/1.1 429")
        for _, writer in held:
            writer.close()


async def test_all_addresses_together_leave_files_for_the_manager() -> None:
    protocol = type("Few", (Patient,), {"most_of_all": 2})
    async with serving(protocol) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in held:
            writer.write(WEBSOCKET)
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)

        assert (await answer_to(port, b"")).startswith(b"HTTP/1.1 503")
        for _, writer in held:
            writer.close()


async def test_a_proxy_has_the_connections_of_all_its_clients() -> None:
    proxies = {"127.0.0.1": True, "127.0.0.2": False}
    for address, is_proxy in proxies.items():
        protocol = limited_connection(1, lambda peer: proxies[peer])
        async with serving(protocol) as port:
            held = [
                await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
                for _ in range(3)
            ]
            for _, writer in held:
                writer.write(POST % 0)
            heads = [await asyncio.wait_for(reader.readline(), 60) for reader, _ in held]
            for _, writer in held:
                writer.close()

        refused = [head.startswith(b"HTTP/1.1 429") for head in heads]
        assert refused == [False, not is_proxy, not is_proxy]


async def test_no_limit_is_none() -> None:
    async with serving(limited_connection(0)) as port:
        answers = [asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        for _, writer in await asyncio.gather(*answers):
            writer.close()
