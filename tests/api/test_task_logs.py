"""Logs on disk, written by hosts that repeat themselves."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manager_api.task_logs import Note, TaskLogs

JOB, TASK = "0123" + "0" * 32, "t" * 36
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Listener:
    def __init__(self) -> None:
        self.text = ""

    def log_grew(self, task_id: str, text: str) -> None:
        self.text += text


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def logs(tmp_path: Path, listener: Listener) -> TaskLogs:
    return TaskLogs(tmp_path, listener)


async def read(logs: TaskLogs, attempts: int = 1) -> bytes:
    size = await logs.size(JOB, TASK, attempts)
    return b"".join([block async for block in logs.stream(JOB, TASK, attempts, size)])


async def test_a_repeated_chunk_adds_nothing(logs: TaskLogs, listener: Listener) -> None:
    assert await logs.write_chunk(JOB, TASK, 1, 0, b"uno dos ") == 8
    assert await logs.write_chunk(JOB, TASK, 1, 0, b"uno dos ") == 8
    assert await logs.write_chunk(JOB, TASK, 1, 4, b"dos tres") == 12

    assert await read(logs) == b"uno dos tres"
    assert listener.text == "uno dos tres"


async def test_a_gap_is_refused_with_what_is_there(logs: TaskLogs) -> None:
    await logs.write_chunk(JOB, TASK, 1, 0, b"uno")

    assert await logs.write_chunk(JOB, TASK, 1, 5, b"tres") == 3
    assert await read(logs) == b"uno"


@given(data=st.binary(max_size=200), order=st.lists(st.integers(0, 9), max_size=40))
def test_whatever_comes_in_whatever_order_the_log_is_a_beginning_of_what_was_said(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, order: list[int]
) -> None:
    logs = TaskLogs(tmp_path_factory.mktemp("logs"))
    size = max(1, len(data) // 7)

    async def scenario() -> None:
        for each in order:
            chunk = data[each * size : each * size + 2 * size]
            received = await logs.write_chunk(JOB, TASK, 1, each * size, chunk)
            assert received <= len(data)
        assert data.startswith(await read(logs))

    asyncio.run(scenario())


async def test_a_character_cut_in_two_is_told_whole(logs: TaskLogs, listener: Listener) -> None:
    heel, rest = "¡olé! 💃".encode()[:-2], "💃".encode()[-2:]

    await logs.write_chunk(JOB, TASK, 1, 0, heel)
    await logs.write_chunk(JOB, TASK, 1, len(heel), rest)

    assert listener.text == "¡olé! 💃"


async def test_attempts_follow_each_other_each_on_a_new_line(logs: TaskLogs) -> None:
    await logs.write_chunk(JOB, TASK, 2, 0, b"second")
    await logs.write_chunk(JOB, TASK, 1, 0, b"first")

    assert await read(logs, attempts=2) == b"first\nsecond"


async def test_notes_stay_outside_of_the_hosts_bytes(logs: TaskLogs) -> None:
    await logs.write_chunk(JOB, TASK, 1, 0, b"Fra:1\n")
    await logs.note(Note(JOB, TASK, 1, "behind", NOW, after=True))
    await logs.note(Note(JOB, TASK, 1, "before", NOW, after=False))
    await logs.write_chunk(JOB, TASK, 1, 6, b"Fra:2")

    before, *host, behind = (await read(logs)).decode().splitlines()

    assert before.endswith(" before")
    assert host == ["Fra:1", "Fra:2"]
    assert behind.endswith(" behind")


async def test_the_same_note_is_written_once(logs: TaskLogs) -> None:
    for _ in range(2):
        await logs.note(Note(JOB, TASK, 1, "one\u2028 note", NOW, after=True))

    assert (await read(logs)).count(b"note") == 1


async def test_an_attempt_is_assigned_once(logs: TaskLogs) -> None:
    await logs.assigned(JOB, TASK, 1, "carmen", "id", NOW)
    await logs.assigned(JOB, TASK, 1, "carmen", "id", datetime(2026, 5, 2, tzinfo=UTC))

    assert (await read(logs)).count(b"assigned") == 1


async def test_a_small_logs_tail_is_all_of_it(logs: TaskLogs) -> None:
    await logs.write_chunk(JOB, TASK, 1, 0, b"a" * 1000 + b"\n")
    await logs.write_chunk(JOB, TASK, 2, 0, b"b" * 1000)

    assert await logs.tail(JOB, TASK, 2) == "a" * 1000 + "\n" + "b" * 1000


async def test_a_tail_reaches_over_attempts(logs: TaskLogs) -> None:
    await logs.write_chunk(JOB, TASK, 1, 0, b"first line\n" + b"a" * 3000 + b"\nend of first\n")
    await logs.write_chunk(JOB, TASK, 2, 0, b"b" * 1000)

    assert await logs.tail(JOB, TASK, 2) == "end of first\n" + "b" * 1000


async def test_a_line_longer_than_the_tail_is_cut(logs: TaskLogs) -> None:
    await logs.write_chunk(JOB, TASK, 1, 0, b"x" * 10_000_000)

    assert await logs.tail(JOB, TASK, 1) == "x" * 2048


async def test_a_log_ahead_of_the_database_is_found(logs: TaskLogs) -> None:
    await logs.write_chunk(JOB, TASK, 2, 0, b"attempt two")

    assert await read(logs, attempts=1) == b"attempt two"


async def test_two_writers_of_one_log_do_not_mix(logs: TaskLogs) -> None:
    data = bytes(range(256)) * 400

    await asyncio.gather(
        *(logs.write_chunk(JOB, TASK, 1, 0, data[:size]) for size in range(0, len(data), 10_000))
    )

    assert data.startswith(await read(logs))
