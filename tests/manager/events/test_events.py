"""The live stream: in order, nothing missed, nothing twice."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import websockets

from manager_api.database import events
from manager_api.database.engine import utc_now
from manager_api.database.loops import begin
from manager_api.events.live import LiveEvents
from tests.manager.api_calls import eventually

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


async def tell(farm: "Farm", *topics: str) -> None:
    """Stores an event for each topic, in a transaction of its own."""
    for topic in topics:
        async with farm.parts.database.writing() as session:
            events.append(session, topic, {"said": topic})


async def received(connection: Any, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        return [json.loads(await connection.recv()) for _ in range(count)]


async def newest(farm: "Farm") -> int:
    async with farm.parts.database.reading() as session:
        return await events.newest_id(session)


def address(served: str, query: str = "") -> str:
    return f"ws://{served}/api/tablao/v1/events{query}"


async def read_all(farm: "Farm") -> None:
    """Returns once the manager's reader has read what is stored."""
    last = await newest(farm)
    async with asyncio.timeout(30):
        while farm.parts.events.newest < last:  # noqa: ASYNC110 -- nothing says so but the number
            await asyncio.sleep(0.01)


async def live(connection: Any, farm: "Farm") -> None:
    """Returns once the connection is sent what happens from now on."""
    async with asyncio.timeout(10):
        while True:
            farm.parts.events.tell("/here", {})
            try:
                await asyncio.wait_for(connection.recv(), 0.05)
            except TimeoutError:
                continue
            return


async def test_a_client_is_told_what_happens_from_now_on(served: str, farm: "Farm") -> None:
    await tell(farm, "/before")

    async with websockets.connect(address(served, "?topics=/jobs,/here")) as connection:
        await live(connection, farm)
        await tell(farm, "/jobs", "/workers", "/jobs/7", "/jobsonly")
        first, second = await received(connection, 2)

    assert (first["topic"], second["topic"]) == ("/jobs", "/jobs/7")
    assert first["payload"] == {"said": "/jobs"}
    assert second["id"] == first["id"] + 2


async def test_a_client_that_was_away_is_told_what_it_missed(served: str, farm: "Farm") -> None:
    await tell(farm, "/one", "/two", "/three")
    last = await newest(farm)

    async with websockets.connect(address(served, f"?since={last - 2}")) as connection:
        two, three = await received(connection, 2)
        await tell(farm, "/four")
        [four] = await received(connection, 1)

    assert [each["topic"] for each in (two, three, four)] == ["/two", "/three", "/four"]


async def test_resuming_in_the_middle_of_things_neither_misses_nor_doubles(
    served: str, farm: "Farm"
) -> None:
    async def busy() -> None:
        for _ in range(200):
            await tell(farm, "/jobs")

    before = await newest(farm)
    talking = asyncio.create_task(busy())
    got: list[int] = [before]
    while got[-1] < before + 200:
        query = f"?since={got[-1]}&topics=/jobs"
        async with websockets.connect(address(served, query)) as connection:
            some = await received(connection, min(17, 201 - len(got)))
            got += [each["id"] for each in some]
    await talking

    assert got == list(range(before, before + 201))


async def test_many_missed_events_come_in_order(served: str, farm: "Farm") -> None:
    async with farm.parts.database.writing() as session:
        for _ in range(1800):
            events.append(session, "/jobs", {})

    async with websockets.connect(address(served, "?since=0")) as connection:
        got = [each["id"] for each in await received(connection, 1800)]

    assert got == sorted(set(got))


async def test_what_was_pruned_is_said_to_be_missed(served: str, farm: "Farm") -> None:
    await tell(farm, "/one", "/two")
    last = await newest(farm)
    async with farm.parts.database.writing() as session:
        await events.prune(session, utc_now() + timedelta(hours=1))
    await tell(farm, "/three")
    await read_all(farm)

    async with websockets.connect(address(served, f"?since={last - 1}")) as connection:
        [missed] = await received(connection, 1)
        await tell(farm, "/four")
        [four] = await received(connection, 1)

    assert (missed["topic"], missed["id"]) == ("/missed", last + 1)
    assert four["topic"] == "/four"


async def test_a_client_from_the_future_of_a_restored_database_is_told_so(
    served: str, farm: "Farm"
) -> None:
    await tell(farm, "/one")

    async with websockets.connect(address(served, "?since=999999")) as connection:
        [missed] = await received(connection, 1)

    assert missed["topic"] == "/missed"


@pytest.mark.parametrize("lost", [0, 1, 50])
async def test_a_client_from_before_a_restore_is_told_so(
    served: str, farm: "Farm", lost: int
) -> None:
    """Also when so many events were lost that new ones would have their ids by now."""
    await tell(farm, "/one")
    heard = await newest(farm) + lost
    async with farm.parts.database.writing() as session:
        await events.mark_restore(session)
    await farm.parts.events.skip_to_newest()
    await tell(farm, *["/two"] * 60)
    await read_all(farm)

    async with websockets.connect(address(served, f"?since={heard}")) as connection:
        [missed] = await received(connection, 1)
        await tell(farm, "/three")
        [three] = await received(connection, 1)

    assert missed["topic"] == "/missed"
    assert (three["topic"], three["id"]) == ("/three", missed["id"] + 1)


async def test_a_client_that_changes_to_a_manager_that_is_behind_misses_and_repeats_nothing(
    farm: "Farm",
) -> None:
    other = LiveEvents(farm.parts.database)
    await other.skip_to_newest()
    await tell(farm, "/one", "/two")
    last = await newest(farm)
    with other.subscribed() as subscription:
        messages = subscription.messages(last)
        first = asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0)  # it asks now, while the other manager has not read the events
        async with AsyncExitStack() as stack:
            await begin(stack, {"live events": other})
            await tell(farm, "/three")
            async with asyncio.timeout(10):
                got = json.loads(await first)

    assert (got["id"], got["topic"]) == (last + 1, "/three")


async def test_log_chunks_are_live_only(served: str, farm: "Farm") -> None:
    async with websockets.connect(address(served, "?topics=/tasklog/t,/here")) as connection:
        await live(connection, farm)
        await farm.parts.logs.write_chunk("0" * 36, "t", 1, 0, b"uno")
        await farm.parts.logs.write_chunk("0" * 36, "other", 1, 0, b"dos")
        await farm.parts.logs.write_chunk("0" * 36, "t", 1, 3, b"tres")
        chunks = await received(connection, 2)

    assert [chunk["payload"]["log"] for chunk in chunks] == ["uno", "tres"]
    assert {chunk["id"] for chunk in chunks} == {None}


async def test_a_client_that_does_not_take_its_events_is_dropped(served: str, farm: "Farm") -> None:
    connecting = websockets.connect(address(served, "?topics=/big,/here"), max_queue=1)
    async with connecting as connection:
        await live(connection, farm)
        for _ in range(3000):
            farm.parts.events.tell("/big", {"text": "x" * 20_000})
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await received(connection, 4000)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4408


async def test_a_page_from_elsewhere_is_not_let_in(served: str) -> None:
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(address(served), origin="https://elsewhere.example")  # type: ignore[arg-type] # a NewType of str


@pytest.mark.parametrize("query", ["?since=x", "?since=-1"])
async def test_a_since_that_is_no_id_is_refused(served: str, query: str) -> None:
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(address(served, query))


async def test_old_events_are_pruned(farm: "Farm") -> None:
    async def is_gone() -> bool:
        async with farm.parts.database.reading() as session:
            return await events.oldest_id(session) == 0

    await tell(farm, "/old")
    stream = LiveEvents(farm.parts.database, kept_s=0.01)

    async with AsyncExitStack() as stack:
        await begin(stack, {"live events": stream})
        await eventually(is_gone)


async def test_the_farms_status_is_told(served: str, farm: "Farm") -> None:
    async with websockets.connect(address(served, "?topics=/status,/here")) as connection:
        await live(connection, farm)
        async with httpx.AsyncClient(base_url=f"http://{served}") as client:
            await client.post(
                "/api/v3/worker/register-worker",
                json={"name": "c", "secret": "s", "platform": "linux", "supported_task_types": []},
            )
            workers = (await client.get("/api/v3/worker-mgt/workers")).json()["workers"]
            await client.post(
                f"/api/v3/worker-mgt/workers/{workers[0]['id']}/setstatus",
                json={"status": "awake", "is_lazy": False},
            )
        [status] = await received(connection, 1)

    assert (status["topic"], status["payload"]) == ("/status", {"status": "idle"})


async def test_a_listener_that_fails_does_not_end_the_stream(
    served: str, farm: "Farm", caplog: pytest.LogCaptureFixture
) -> None:
    def fail(topic: str, payload: Any) -> None:
        raise RuntimeError("a bug")

    farm.parts.events.react(fail)

    async with websockets.connect(address(served, "?topics=/jobs,/here")) as connection:
        await live(connection, farm)
        await tell(farm, "/jobs/1", "/jobs/2")
        first, second = await received(connection, 2)

    assert (first["topic"], second["topic"]) == ("/jobs/1", "/jobs/2")
    assert "an event was not understood" in caplog.text
