"""Logs on disk, written by hosts that repeat themselves."""

import asyncio
import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manager_api.logs.bounded_log import _PIECES, BoundedLog
from manager_api.logs.task_logs import LogLimits, Note, TaskLogs

JOB, TASK = "0123" + "0" * 32, "t" * 36
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Listener:
    def __init__(self) -> None:
        self.text = ""

    def log_grew(self, task_id: str, attempt: int, text: str) -> None:
        self.text += text


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def logs(tmp_path: Path, listener: Listener) -> TaskLogs:
    return TaskLogs(tmp_path, listener)


async def read(logs: TaskLogs, attempts: int = 1) -> bytes:
    size, blocks = await logs.whole(JOB, TASK, attempts)
    content = b"".join([block async for block in blocks])
    assert len(content) == size == await logs.size(JOB, TASK, attempts)
    return content


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


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_notes_stand_in_the_order_of_their_times(
    logs: TaskLogs, order: tuple[int, ...]
) -> None:
    texts = ["first", "second\n2026-05-01 of two lines\nof three", "third", "fourth"]
    east = timezone(timedelta(hours=5))
    for number in order:
        when = (NOW + timedelta(seconds=number)).astimezone(east if number % 2 else UTC)
        await logs.note(Note(JOB, TASK, 1, texts[number], when, after=True))

    lines = [line.rpartition("+00:00 ")[2] for line in (await read(logs)).decode().splitlines()]

    assert lines == ["first", "second", "2026-05-01 of two lines", "of three", "third", "fourth"]


async def test_notes_of_one_moment_keep_their_order(logs: TaskLogs) -> None:
    for text in ("soft-failed", "exit code 1"):
        await logs.note(Note(JOB, TASK, 1, text, NOW, after=True))

    lines = (await read(logs)).decode().splitlines()

    assert [line.partition(" ")[2] for line in lines] == ["soft-failed", "exit code 1"]


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


# --- limits ---------------------------------------------------------------------------------------

LINE = b"Fra:%06d Mem:1.00M | a line of forty bytes\n"


@pytest.fixture
def small(tmp_path: Path, listener: Listener) -> TaskLogs:
    """Keeps 50 kB of a try, and three tries."""
    return TaskLogs(tmp_path, listener, lambda: LogLimits(try_bytes=50_000, tries=3))


def said(lines: int) -> bytes:
    return b"".join(LINE % number for number in range(lines))


async def say(logs: TaskLogs, text: bytes, chunk: int = 7_000, attempt: int = 1) -> None:
    for offset in range(0, len(text), chunk):
        piece = text[offset : offset + chunk]
        assert await logs.write_chunk(JOB, TASK, attempt, offset, piece) == offset + len(piece)


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


async def test_of_a_log_that_is_too_long_beginning_and_end_stay(
    small: TaskLogs, tmp_path: Path, listener: Listener
) -> None:
    text = said(20_000)
    await small.note(Note(JOB, TASK, 1, "before", NOW, after=False))

    await say(small, text)
    await small.note(Note(JOB, TASK, 1, "behind", NOW, after=True))

    log = await read(small)
    beginning, remark, end = re.split(rb"\n\[(\d+) bytes are left out here: .*\]\n", log)
    before, _, beginning = beginning.partition(b"\n")
    end, behind = end[: end.rindex(b"\n", 0, -1) + 1], end.splitlines()[-1]
    assert (before.endswith(b" before"), behind.endswith(b" behind")) == (True, True)
    assert text.startswith(beginning)
    assert text.endswith(end)
    assert len(beginning) + int(remark) + len(end) == len(text)
    assert sum(file.stat().st_size for file in files(tmp_path)) < 61_000
    assert listener.text.count("\n") == 20_002
    assert (await small.tail(JOB, TASK, 1)).splitlines()[-2].encode() + b"\n" == LINE % 19_999


async def test_what_is_repeated_after_a_cut_adds_nothing(small: TaskLogs) -> None:
    text = said(5_000)
    await say(small, text)
    log = await read(small)

    for offset in (0, 10_000, len(text) - 3_000):
        answered = await small.write_chunk(JOB, TASK, 1, offset, text[offset : offset + 3_000])
        assert answered == len(text)
    gap = await small.write_chunk(JOB, TASK, 1, len(text) + 1, b"gap")

    assert gap == len(text)
    assert await read(small) == log


async def test_a_changed_limit_counts_for_what_comes(tmp_path: Path) -> None:
    text, limits = said(5_000), [50_000]
    logs = TaskLogs(tmp_path, None, lambda: LogLimits(try_bytes=limits[-1]))
    await say(logs, text[:100_000])
    for limit, until in ((500_000, 150_000), (5_000, len(text))):
        limits.append(limit)
        said_by_now = await logs.write_chunk(JOB, TASK, 1, 0, b"x")
        await logs.write_chunk(JOB, TASK, 1, said_by_now, text[said_by_now:until])

    log = await read(logs)

    assert text.endswith(log[-20_000:])
    assert text.startswith(log[:10_000])
    assert len(log) < 51_000


@settings(deadline=None)
@given(limit=st.integers(1, 60), sizes=st.lists(st.integers(1, 40), max_size=30))
def test_a_bounded_log_is_never_wrong_about_what_was_said(
    tmp_path_factory: pytest.TempPathFactory, limit: int, sizes: list[int]
) -> None:
    path = tmp_path_factory.mktemp("log") / "task.000001-1.txt"
    text = bytes(range(256)) * 5
    total = 0
    for size in sizes:
        answered, fresh = BoundedLog(path).append_at(total, text[total : total + size], limit)
        assert fresh == text[total : total + size]
        total += size
        assert answered == total
    kept = BoundedLog(path).kept()
    shown = sum(stretch.size for stretch in kept if stretch.path is not None)
    dropped = sum(int(re.findall(rb"\d+", stretch.remark)[0]) for stretch in kept if stretch.remark)
    assert shown + dropped == total
    assert shown <= max(limit, 5)


async def test_only_the_newest_tries_are_kept(small: TaskLogs, tmp_path: Path) -> None:
    for attempt in range(1, 8):
        await say(small, said(3_000), attempt=attempt)
        await small.note(Note(JOB, TASK, attempt, f"end of {attempt}", NOW, after=True))

    log = await read(small, attempts=7)

    assert re.findall(rb"end of \d", log) == [b"end of 5", b"end of 6", b"end of 7"]
    assert {file.name.split(".")[1][:6] for file in files(tmp_path)} == {
        *("000005", "000006", "000007")
    }


async def test_a_log_within_its_limit_is_all_there(small: TaskLogs) -> None:
    text = said(2_000)[:50_000]

    await say(small, text)

    assert await read(small) == text


async def test_the_end_of_a_line_too_long_for_a_tail_is_shown(small: TaskLogs) -> None:
    await say(small, b"x" * 5_000 + b"\n")

    assert await small.tail(JOB, TASK, 1) == "x" * 2047 + "\n"


def test_a_piece_that_begins_within_a_line_forges_none(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "log.txt")
    forged, own = b'mark: ["/forged"]\n', b'mark: ["/own"]\n'
    # The limit is such that a piece ends after "pid=1 > ".
    said = own + b"x" * (40 - len(own) - len("pid=1 > ") - 1) + b"\n" + b"pid=1 > " + forged + own

    log.append(said, 40 * _PIECES)

    assert len(log.kept()) == 2
    assert list(log.lines_with(b"mark: ")) == [own, own]
