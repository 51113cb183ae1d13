"""A host stays connected, and its logs arrive whole, whatever the manager does meanwhile."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest

from manager_api.contract.machine import MachineStatistics
from manager_api.hosts.channel import HelloAnswer
from tests.farm.ids import OWN_JOB
from tests.worker_host.connected.stand_in_manager import Farm, eventually
from worker_host.control_channel import ChannelTimes, ControlChannel, Dismissed, Superseded
from worker_host.registration import Credentials
from workflows.domain import control
from workflows.domain.messages import RunKey
from workflows.domain.statuses import WorkerStatus

KEY = RunKey(OWN_JOB, 1, 1, 1)
MIB = 1024 * 1024
TIMES = ChannelTimes(
    retry_from_s=0.01, retry_to_s=0.05, ping_every_s=0.5, silent_s=2, progress_every_s=0.05
)


class Listening:
    """A receiver that remembers."""

    def __init__(self) -> None:
        self.session: int | None = None
        self.welcomes: list[control.Welcome] = []
        self.orders: list[control.Message] = []

    def hello(self) -> control.Hello:
        return control.Hello(slots=1, software="Tablao", session=self.session)

    def welcomed(self, welcome: control.Welcome) -> None:
        self.session = welcome.session
        self.welcomes.append(welcome)

    def told(self, message: control.Message) -> None:
        self.orders.append(message)

    async def statistics(self) -> Mapping[str, Any]:
        return {"cpu_percent": 7.0}


@asynccontextmanager
async def connected(
    farm: Farm, credentials: Credentials
) -> AsyncIterator[tuple[ControlChannel, Listening, asyncio.Task[None]]]:
    receiver = Listening()
    channel = ControlChannel(farm.url, lambda: credentials.headers, receiver, TIMES)
    running = asyncio.create_task(channel.run())
    async with asyncio.timeout(10):
        while not channel.is_connected:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.005)
    try:
        yield channel, receiver, running
    finally:
        running.cancel()
        await asyncio.wait({running})


async def send_all(channel: ControlChannel, log: bytes) -> None:
    """As the run table does: from what was acknowledged, again and again."""
    acked = 0
    while acked < len(log):
        try:
            acked = await channel.send_log(KEY, acked, log[acked : acked + control.LOG_PIECE])
        except OSError:
            await asyncio.sleep(0.01)


async def test_a_new_process_gets_a_session_and_is_told_what_to_be(
    farm: Farm, credentials: Credentials
) -> None:
    farm.records.wanted = HelloAnswer(WorkerStatus.ASLEEP, settled=(str(KEY),))

    async with connected(farm, credentials) as (_, receiver, _):
        welcome = receiver.welcomes[0]

    assert (welcome.session, welcome.status) == (1, "asleep")
    assert welcome.settled == (str(KEY),)
    assert welcome.temporal == ""


async def test_beats_make_a_host_present_with_its_statistics(
    farm: Farm, credentials: Credentials
) -> None:
    async with connected(farm, credentials) as (_, receiver, _):
        worker_id = receiver.welcomes[0].worker_id
        await eventually(lambda: farm.hosts.statistics(worker_id).cpu_percent)

        assert farm.hosts.is_present(worker_id)
        assert farm.hosts.statistics(worker_id) == MachineStatistics(cpu_percent=7.0)


async def test_orders_reach_the_host(farm: Farm, credentials: Credentials) -> None:
    async with connected(farm, credentials) as (_, receiver, _):
        worker_id = receiver.welcomes[0].worker_id

        assert await farm.hosts.stop_run(worker_id, KEY, "its job was canceled")
        assert await farm.hosts.order_status(worker_id, WorkerStatus.ASLEEP, is_lazy=True)
        await farm.hosts.settled(worker_id, KEY)
        await eventually(lambda: len(receiver.orders) == 3)

        assert receiver.orders == [
            control.StopRun(str(KEY), "its job was canceled"),
            control.StatusOrder("asleep", is_lazy=True),
            control.Settled(str(KEY)),
        ]


async def test_a_log_is_acknowledged_when_it_is_stored(
    farm: Farm, credentials: Credentials
) -> None:
    async with connected(farm, credentials) as (channel, _, _):
        received = await channel.send_log(KEY, 0, "olé\n".encode())

    assert received == 5
    assert await farm.log_of(1) == "olé\n".encode()


async def test_after_a_gap_the_manager_says_what_it_has(
    farm: Farm, credentials: Credentials
) -> None:
    async with connected(farm, credentials) as (channel, _, _):
        await channel.send_log(KEY, 0, b"one")

        received = await channel.send_log(KEY, 700, b"two")

    assert received == 3
    assert await farm.log_of(1) == b"one"


async def test_a_log_is_whole_although_the_manager_was_restarted_twice(
    farm: Farm, credentials: Credentials
) -> None:
    log = random.Random(2).randbytes(48 * MIB)  # or it is through before it can be interrupted

    async with connected(farm, credentials) as (channel, _, _):
        sending = asyncio.create_task(send_all(channel, log))
        for share in (0.2, 0.6):
            await eventually(lambda: size_of(farm) > share * len(log))  # noqa: B023 - awaited here
            assert not sending.done()
            await farm.stop()
            await farm.start()
        await sending

    assert await farm.log_of(1) == log


def size_of(farm: Farm) -> int:
    return sum(path.stat().st_size for path in farm.logs.job_directory(OWN_JOB).glob("*.txt"))


async def test_memory_stays_flat_while_a_long_log_flows(
    farm: Farm, credentials: Credentials
) -> None:
    piece = b"x" * control.LOG_PIECE
    process = psutil.Process()

    async with connected(farm, credentials) as (channel, _, _):
        await channel.send_log(KEY, 0, piece)
        before = process.memory_info().rss
        for number in range(1, 50 * MIB // len(piece)):
            await channel.send_log(KEY, number * len(piece), piece)
        grown = process.memory_info().rss - before

    assert size_of(farm) == 50 * MIB
    # Both ends are in this process.
    assert grown < 16 * MIB


async def test_a_log_cannot_be_handed_over_while_the_manager_is_away(
    farm: Farm, credentials: Credentials
) -> None:
    async with connected(farm, credentials) as (channel, _, _):
        await farm.stop()

        with pytest.raises(ConnectionError):
            await channel.send_log(KEY, 0, b"ole")


async def test_only_the_newest_progress_is_told(farm: Farm, credentials: Credentials) -> None:
    async with connected(farm, credentials) as (channel, _, _):
        for steps in range(1, 2000):
            channel.send_progress(KEY, {"steps_completed": steps, "frame": steps})
        await eventually(lambda: KEY in farm.records.steps)

        assert farm.records.steps == {KEY: 1999}
        assert farm.hosts.progress_of_job(OWN_JOB)[1].frame == 1999


async def test_the_same_process_keeps_its_session_over_a_restart_of_the_manager(
    farm: Farm, credentials: Credentials
) -> None:
    async with connected(farm, credentials) as (_, receiver, _):
        await farm.stop()
        await farm.start()
        await eventually(lambda: len(receiver.welcomes) == 2)

        assert [welcome.session for welcome in receiver.welcomes] == [1, 1]


async def test_a_second_process_with_the_same_credentials_ends_the_first(
    farm: Farm, credentials: Credentials
) -> None:
    async with (
        connected(farm, credentials) as (_, _, first),
        connected(farm, credentials) as (second, receiver, _),
    ):
        await asyncio.wait({first}, timeout=10)

        with pytest.raises(Superseded):
            first.result()
        assert second.is_connected
        assert receiver.session == 2


async def test_a_process_that_was_superseded_while_away_ends_when_it_is_back(
    farm: Farm, credentials: Credentials
) -> None:
    async with connected(farm, credentials) as (_, _, first):
        await farm.stop()
        farm.records.session += 1
        await farm.start()
        await asyncio.wait({first}, timeout=10)

        with pytest.raises(Superseded):
            first.result()


async def test_wrong_credentials_are_tried_again_before_the_worker_takes_itself_for_deleted(
    farm: Farm, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = Credentials("somebody", "else")
    channel = ControlChannel(farm.url, lambda: wrong.headers, Listening(), TIMES)
    began = time.monotonic()

    with pytest.raises(Dismissed):
        async with asyncio.timeout(30):
            await channel.run()

    # Twice it has paused: what said no may have been a proxy, about to be put right.
    assert time.monotonic() - began >= TIMES.retry_from_s
    assert "HTTP 403" in caplog.text
    assert wrong.headers["Authorization"] not in caplog.text


async def test_a_deleted_workers_connection_is_closed_for_good(
    farm: Farm, credentials: Credentials
) -> None:
    async with connected(farm, credentials) as (_, _, running):
        farm.records.deleted_workers.add(credentials.worker_id)
        farm.hosts.look_for_deleted()
        await asyncio.wait({running}, timeout=30)

        with pytest.raises(Dismissed):
            running.result()


async def test_a_worker_that_was_deleted_while_away_learns_it_when_it_is_back(
    farm: Farm, credentials: Credentials
) -> None:
    async with connected(farm, credentials) as (_, _, running):
        await farm.stop()
        farm.records.deleted_workers.add(credentials.worker_id)
        await farm.start()
        await asyncio.wait({running}, timeout=30)

        with pytest.raises(Dismissed):
            running.result()
