"""Socket.IO 2 as Flamenco's web app speaks it: by a client of that age, and frame by frame."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import socketio  # type: ignore[import-untyped] # it publishes no types
import websockets

from manager_api.database import events
from manager_api.events.lifecycle import tell_lifecycle
from manager_api.web.flamenco import socket_io as served_socket_io
from tests.manager.api_calls import eventually

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

JOB = "11111111-1111-4111-8111-111111111111"
TASK = "33333333-3333-4333-8333-333333333333"
QUERY = "/socket.io/?EIO=3&transport=websocket"


@pytest.fixture
async def raw(served: str) -> AsyncIterator[Any]:
    """A connection that has been welcomed."""
    async with websockets.connect(f"ws://{served}{QUERY}") as connection:
        assert (await frame(connection))[0] == "0"
        assert await frame(connection) == "40"
        yield connection


async def frame(connection: Any) -> str:
    async with asyncio.timeout(30):
        return str(await connection.recv())


async def frames(connection: Any, count: int) -> list[str]:
    return [await frame(connection) for _ in range(count)]


async def subscribe(connection: Any, kind: str, uuid: str = "", op: str = "subscribe") -> str:
    request = {"op": op, "type": kind, "uuid": uuid}
    await connection.send(f"427{json.dumps(['/subscription', request])}")
    answer = await frame(connection)
    assert answer.startswith("437"), answer
    [said] = json.loads(answer[3:])
    return str(said)


async def tell(farm: "Farm", *topics: str) -> None:
    async with farm.parts.database.writing() as session:
        for topic in topics:
            events.append(session, topic, {"said": topic})


async def test_the_opening_says_the_times_of_flamenco(served: str) -> None:
    async with websockets.connect(f"ws://{served}{QUERY}") as connection:
        opening, connected = await frame(connection), await frame(connection)

    session = json.loads(opening[1:])
    assert opening[0] == "0"
    assert connected == "40"
    assert session.pop("sid")
    assert session == {"upgrades": [], "pingInterval": 30000, "pingTimeout": 60000}


@pytest.mark.parametrize(
    ("kind", "uuid", "topics"),
    [
        ("allJobs", "", {"/jobs": "/jobs"}),
        ("allWorkers", "", {"/workers": "/workers"}),
        ("allWorkerTags", "", {"/workertags": "/workertags"}),
        ("allLastRendered", "", {"/last-rendered": "/last-rendered"}),
        (
            "job",
            JOB,
            {f"/jobs/{JOB}": "/task", f"/jobs/{JOB}/last-rendered": "/last-rendered"},
        ),
    ],
)
async def test_a_subscription_brings_its_rooms_and_no_others(
    raw: Any, farm: "Farm", kind: str, uuid: str, topics: dict[str, str]
) -> None:
    others = {"/jobs", "/workers", "/workertags", "/last-rendered", f"/jobs/{TASK}"} - set(topics)

    said = await subscribe(raw, kind, uuid)
    await tell(farm, *others, *topics, "/lifecycle")
    got = await frames(raw, len(topics) + 1)

    wanted = [[name, {"said": topic}] for topic, name in topics.items()]
    assert said == "ok"
    assert [json.loads(each[2:]) for each in got] == [
        *wanted,
        ["/lifecycle", {"said": "/lifecycle"}],
    ]


async def test_a_log_is_told_to_those_who_asked_for_it(raw: Any, farm: "Farm") -> None:
    await subscribe(raw, "tasklog", TASK)

    await farm.parts.logs.write_chunk(JOB, JOB, 1, 0, b"somebody else's")
    await farm.parts.logs.write_chunk(JOB, TASK, 1, 0, b"Fra:1")
    got = await frame(raw)

    assert json.loads(got[2:]) == ["/tasklog", {"task_id": TASK, "log": "Fra:1", "attempt": 1}]


async def test_after_unsubscribing_nothing_comes(raw: Any, farm: "Farm") -> None:
    await subscribe(raw, "job", JOB)

    said = await subscribe(raw, "job", JOB, op="unsubscribe")
    await tell(farm, f"/jobs/{JOB}", f"/jobs/{JOB}/last-rendered", "/lifecycle")

    assert said == "ok"
    assert (await frame(raw)).startswith('42["/lifecycle"')


@pytest.mark.parametrize("uuid", ["", "7", "not-a-uuid", f"{JOB}/last-rendered"])
async def test_a_bad_uuid_is_refused_in_flamencos_words(raw: Any, uuid: str) -> None:
    assert await subscribe(raw, "job", uuid) == "invalid UUID, ignoring request"


@pytest.mark.parametrize(
    "request_",
    [None, 7, [], {}, {"op": "subscribe"}, {"op": "own", "type": "allJobs"},
     {"op": "subscribe", "type": "allSecrets"}, {"op": "subscribe", "type": ["allJobs"]},
     {"op": "subscribe", "type": "job", "uuid": 7}],
)  # fmt: skip
async def test_what_is_no_subscription_is_acknowledged_with_a_sentence(
    raw: Any, request_: Any
) -> None:
    await raw.send(f"420{json.dumps(['/subscription', request_])}")

    answer = await frame(raw)

    assert answer.startswith("430")
    assert json.loads(answer[3:])[0].endswith("ignoring request")


@pytest.mark.parametrize(
    "garbage",
    ["", "9", "42", "42[", "42{}", "42[]", "42[7]", '42["/subscription"]', '42["/chat",{}]',
     "42" + "[" * 100_000, "40/admin", "451-[]", "41x", "é", b"\x04binary"],
    ids=lambda value: repr(value[:12]),
)  # fmt: skip
async def test_garbage_is_passed_over(raw: Any, garbage: str | bytes) -> None:
    await raw.send(garbage)
    await raw.send("2after")

    assert await frame(raw) == "3after"


async def test_pings_are_answered(raw: Any) -> None:
    await raw.send("2")
    await raw.send("2probe")

    assert [await frame(raw), await frame(raw)] == ["3", "3probe"]


async def test_the_server_pings_by_itself(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served_socket_io, "PING_EVERY_S", 0.05)

    async with websockets.connect(f"ws://{served}{QUERY}") as connection:
        got = await frames(connection, 4)

    assert got[2:] == ["2", "2"]


async def test_a_client_that_says_nothing_is_left(
    served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_socket_io, "SILENT_S", 0.1)

    async with websockets.connect(f"ws://{served}{QUERY}") as connection:
        with pytest.raises(websockets.ConnectionClosed):
            await frames(connection, 10)


async def test_a_client_that_says_good_bye_is_let_go(raw: Any) -> None:
    await raw.send("1")

    with pytest.raises(websockets.ConnectionClosed):
        await frame(raw)


async def test_a_client_that_lets_events_pile_up_is_dropped(served: str, farm: "Farm") -> None:
    async with websockets.connect(f"ws://{served}{QUERY}", max_queue=1) as connection:
        await frame(connection)
        for _ in range(3000):
            farm.parts.events.tell("/lifecycle", {"text": "x" * 20_000})

        with pytest.raises(websockets.ConnectionClosed):
            await frames(connection, 4000)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_polling_is_answered_503(api: httpx.AsyncClient, method: str) -> None:
    answer = await api.request(method, "/socket.io/?EIO=3&transport=polling")

    assert answer.status_code == 503
    assert answer.json() == {"code": 503, "message": "only the transport websocket is served here"}


async def test_a_page_from_elsewhere_is_not_let_in(served: str) -> None:
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(f"ws://{served}{QUERY}", origin="https://elsewhere.example")  # type: ignore[arg-type] # a NewType of str


async def test_a_real_client_of_that_age_is_served(served: str, farm: "Farm") -> None:
    client, got = socketio.Client(reconnection=False), []
    for name in ("/jobs", "/task", "/lifecycle"):
        client.on(name, lambda payload, name=name: got.append((name, payload)))

    async def subscribe(**request: str) -> str:
        return str(await asyncio.to_thread(client.call, "/subscription", request))

    async def has_all() -> bool:
        return len(got) == 3

    await asyncio.to_thread(client.connect, f"http://{served}", transports=["websocket"])
    answers = [
        await subscribe(op="subscribe", type="allJobs"),
        await subscribe(op="subscribe", type="job", uuid=JOB),
        await subscribe(op="subscribe", type="job", uuid="x"),
    ]
    await tell(farm, "/jobs", f"/jobs/{JOB}")
    await tell_lifecycle(farm.parts.database, "manager-shutdown")
    await eventually(has_all)
    await asyncio.to_thread(client.disconnect)

    assert answers == ["ok", "ok", "invalid UUID, ignoring request"]
    assert got == [
        ("/jobs", {"said": "/jobs"}),
        ("/task", {"said": f"/jobs/{JOB}"}),
        ("/lifecycle", {"type": "manager-shutdown"}),
    ]
