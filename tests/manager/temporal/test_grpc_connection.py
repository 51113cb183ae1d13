"""The server's side of gRPC: what clients get that keep to its rules, and that do not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from temporalio.service import RPCStatusCode

from manager_api.temporal.grpc_connection import (
    LARGEST_MESSAGE,
    MOST_CALLS,
    Call,
    GrpcConnection,
)
from manager_api.temporal.grpc_messages import CallRefused, timeout_of
from tests.manager.temporal.raw_grpc import (
    INVALID_ARGUMENT,
    OK,
    RESOURCE_EXHAUSTED,
    UNIMPLEMENTED,
    RawClient,
    raw_client,
)

PATH = "/songs.v1.Songs/Sing"
WITHIN_S = 60
INTERNAL = 13


@asynccontextmanager
async def connected(answer: Callable[[Call], Awaitable[bytes]]) -> AsyncIterator[RawClient]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            await GrpcConnection(send, answer).serve(lambda: reader.read(65_536))
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with raw_client(f"127.0.0.1:{port}") as client:
        yield client
    server.close()


async def echo(call: Call) -> bytes:
    return call.message


async def for_ever(_call: Call) -> bytes:
    await asyncio.Event().wait()
    return b""


def framed(message: bytes, *, flag: int = 0) -> bytes:
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


async def in_windows(client: RawClient, body: bytes) -> int:
    """Begin a call and send its body as the server takes it, without an end; the stream's id."""
    stream = client.http2.get_next_available_stream_id()
    head = [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", PATH)]
    client.http2.send_headers(stream, [*head, ("content-type", "application/grpc")])
    sent = 0
    async with asyncio.timeout(WITHIN_S):
        while sent < len(body) and not client.answer_of(stream).ended.is_set():
            room = min(client.http2.local_flow_control_window(stream), 16_384)
            client.http2.send_data(stream, body[sent : sent + room])
            sent += room
            client.flush()
            await asyncio.sleep(0)
    return stream


async def test_a_call_is_answered() -> None:
    async with connected(echo) as client:
        answer = await client.call(PATH, b"ole")

    assert (answer.http_status, answer.status, answer.message) == (200, OK, b"ole")


async def test_the_answer_gets_path_metadata_and_timeout() -> None:
    calls = []

    async def keep(call: Call) -> bytes:
        calls.append(call)
        return b""

    async with connected(keep) as client:
        await client.call(PATH, b"x", {"grpc-timeout": "1500m", "song": "tangos"})

    (call,) = calls
    assert (call.path, call.timeout_s, call.metadata["song"]) == (PATH, 1.5, "tangos")


async def test_calls_are_answered_at_the_same_time() -> None:
    singing = asyncio.Event()

    async def answer(call: Call) -> bytes:
        if call.message == b"first":
            await singing.wait()
        singing.set()
        return call.message

    async with connected(answer) as client:
        first = client.begin(PATH, framed(b"first"))
        await client.call(PATH, b"second")

        assert (await client.ended(first)).message == b"first"


async def test_an_answer_larger_than_the_clients_window_arrives_whole() -> None:
    large = bytes(range(256)) * 8192

    async def answer(_call: Call) -> bytes:
        return large

    async with connected(answer) as client:
        assert (await client.call(PATH)).message == large


async def test_large_answers_at_the_same_time_arrive_whole() -> None:
    async def answer(call: Call) -> bytes:
        return call.message * 300_000

    async with connected(answer) as client:
        calls = [client.begin(PATH, framed(bytes([number]))) for number in range(20)]
        answers = [await client.ended(call) for call in calls]

    assert [answer.message for answer in answers] == [
        bytes([number]) * 300_000 for number in range(20)
    ]


async def test_a_refusal_is_told_with_its_sentence_and_details() -> None:
    async def refuse(_call: Call) -> bytes:
        raise CallRefused(RPCStatusCode.NOT_FOUND, "no such sóng: 100%", b"\x08\x05")

    async with connected(refuse) as client:
        answer = await client.call(PATH)

    assert (answer.status, answer.sentence) == (5, "no such sóng: 100%")
    assert answer.headers["grpc-status-details-bin"] == "CAU"


async def test_a_bug_is_told_without_its_text() -> None:
    async def break_(_call: Call) -> bytes:
        raise ValueError("of no concern to clients")

    async with connected(break_) as client:
        answer = await client.call(PATH)

    assert answer.status == INTERNAL
    assert "concern" not in answer.sentence


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", INVALID_ARGUMENT),
        (b"\0\0\0", INVALID_ARGUMENT),
        (framed(b"abc")[:-1], INVALID_ARGUMENT),
        (framed(b"abc") + framed(b"def"), INVALID_ARGUMENT),
        (framed(b"abc", flag=1), UNIMPLEMENTED),
    ],
    ids=["nothing", "half a prefix", "half a message", "two messages", "compressed"],
)
async def test_a_body_that_is_not_one_message_is_refused(body: bytes, status: int) -> None:
    async with connected(echo) as client:
        answer = await client.ended(client.begin(PATH, body))

    assert answer.status == status


async def test_compression_is_refused() -> None:
    async with connected(echo) as client:
        answer = await client.call(PATH, b"x", {"grpc-encoding": "gzip"})

    assert answer.status == UNIMPLEMENTED


@pytest.mark.parametrize(
    ("method", "content_type"), [("GET", "application/grpc"), ("POST", "application/json")]
)
async def test_other_requests_than_grpcs_are_refused(method: str, content_type: str) -> None:
    async with connected(echo) as client:
        request = client.begin(PATH, framed(b"x"), method=method, content_type=content_type)
        answer = await client.ended(request)

        assert answer.http_status == 415
        assert (await client.call(PATH, b"and on")).status == OK


async def test_a_message_that_is_too_large_is_refused_before_its_end() -> None:
    async with connected(echo) as client:
        stream = await in_windows(client, bytes(LARGEST_MESSAGE + 100_000))
        answer = await client.ended(client.answer_of(stream))

        assert answer.status == RESOURCE_EXHAUSTED
        assert (await client.call(PATH, b"and on")).status == OK


async def test_many_unfinished_messages_are_bounded_together() -> None:
    async with connected(echo) as client:
        streams = [await in_windows(client, bytes(LARGEST_MESSAGE // 2)) for _ in range(5)]
        answer = await client.ended(client.answer_of(streams[-1]))

        assert answer.status == RESOURCE_EXHAUSTED


async def test_more_calls_than_allowed_end_the_connection() -> None:
    async with connected(for_ever) as client:
        # As if the client had not read the server's settings.
        client.http2.remote_settings[SettingCodes.MAX_CONCURRENT_STREAMS] = 10_000
        client.http2.remote_settings.acknowledge()
        for _ in range(MOST_CALLS + 1):
            client.begin(PATH, framed(b""))

        await asyncio.wait_for(client.is_cut.wait(), WITHIN_S)


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n" * 200_000, b"\xff" * 3_000_000, b"\0\0\4\1\5\0\0\0\1\xff\xff\xff\xff"],
    ids=["HTTP/1", "noise", "broken headers"],
)
async def test_what_is_not_http2_ends_the_connection(data: bytes) -> None:
    async with connected(echo) as client:
        client.send(data)

        await asyncio.wait_for(client.is_cut.wait(), WITHIN_S)


def frame(kind: int, body: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    head = len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    return head + body


@pytest.mark.parametrize(
    "useless",
    [
        frame(6, b"12345678"),
        frame(4, b"\0\4\0\0\xff\xff"),
        frame(8, b"\0\0\0\1"),
        frame(2, b"\0\0\0\0\1", stream=1001),
        frame(0xBE, b"x"),
    ],
    ids=["ping", "settings", "window", "priority", "unknown"],
)
async def test_a_flood_of_useless_frames_ends_the_connection(useless: bytes) -> None:
    async with connected(echo) as client:
        assert (await client.call(PATH, b"ole")).status == OK
        client.send(useless * 100_000)

        await asyncio.wait_for(client.is_cut.wait(), WITHIN_S)


async def test_many_calls_are_no_flood() -> None:
    async with connected(echo) as client:
        for _ in range(5):
            calls = [client.begin(PATH, framed(b"ole")) for _ in range(MOST_CALLS)]
            assert [(await client.ended(call)).status for call in calls] == [OK] * MOST_CALLS


async def test_a_call_that_is_given_up_is_canceled() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def answer(_call: Call) -> bytes:
        begun.set()
        try:
            return await for_ever(_call)
        finally:
            ended.set()

    async with connected(answer) as client:
        client.begin(PATH, framed(b""))
        await asyncio.wait_for(begun.wait(), WITHIN_S)

        client.http2.reset_stream(1, ErrorCodes.CANCEL)
        client.flush()

        await asyncio.wait_for(ended.wait(), WITHIN_S)


async def test_calls_of_a_client_that_leaves_are_canceled() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def answer(_call: Call) -> bytes:
        begun.set()
        try:
            return await for_ever(_call)
        finally:
            ended.set()

    async with connected(answer) as client:
        client.begin(PATH, framed(b""))
        await asyncio.wait_for(begun.wait(), WITHIN_S)

    await asyncio.wait_for(ended.wait(), WITHIN_S)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("70S", 70.0),
        ("2M", 120.0),
        ("1H", 3600.0),
        ("5000000u", 5.0),
        ("", None),
        ("S", None),
        ("-1S", None),
        ("1.5S", None),
        ("\u0661S", None),
        ("123456789S", None),
        ("70", None),
    ],
)
def test_the_timeout_of_a_call(header: str, seconds: float | None) -> None:
    assert timeout_of(header) == seconds
