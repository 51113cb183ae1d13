"""Real child processes that do what children should not."""

import asyncio
import os
import signal
from typing import Any

import psutil

from tests.worker_host.farmhouse import Farmhouse
from worker_host.run_table import RunTable
from workflows.domain.messages import Outcome, OutcomeKind


async def test_exit_code_decides_whatever_was_printed(house: Farmhouse, table: RunTable) -> None:
    asked = house.ref()

    outcome = await house.run(table, asked, house.shell("echo all is well; exit 3"))

    assert outcome == Outcome(OutcomeKind.FAILED, "command exited abnormally with code 3")
    assert "> all is well\n" in house.log(asked.key)


async def test_log_has_command_line_and_prefixed_output(house: Farmhouse, table: RunTable) -> None:
    asked = house.ref()

    await house.run(table, asked, house.shell("echo one; echo two >&2; printf three"))

    pid = house.shim(asked.key)["command"]["pid"]
    assert house.log(asked.key) == (
        "going to run:\n\n/bin/sh -c 'echo one; echo two >&2; printf three'\n"
        f"pid={pid} > one\npid={pid} > two\npid={pid} > three\n"
    )


async def test_program_that_does_not_exist_fails_and_the_log_says_so(
    house: Farmhouse, table: RunTable
) -> None:
    asked = house.ref()

    outcome = await house.run(table, asked, house.commands(("exec", {"exe": "/no/such"})))

    assert outcome == Outcome(OutcomeKind.FAILED, 'program not found: "/no/such"')
    assert 'program not found: "/no/such"\n' in house.log(asked.key)


async def test_stop_kills_a_command_that_ignores_sigterm(house: Farmhouse, table: RunTable) -> None:
    asked = house.ref()
    script = "trap '' TERM; echo ready; while true; do sleep 1; done"
    running = asyncio.create_task(house.run(table, asked, house.shell(script)))
    await house.eventually(lambda: "> ready" in house.log(asked.key))

    await table.stop(asked.key, "Stopped by the test")

    assert await running == Outcome(OutcomeKind.CANCELED, "Stopped by the test")
    assert not house.is_alive(house.shim(asked.key)["command"]["pid"])


async def test_stop_lets_a_command_end_well(house: Farmhouse, table: RunTable) -> None:
    asked = house.ref()
    script = "trap 'echo tidy; exit 0' TERM; echo ready; while true; do sleep 0.05; done"
    running = asyncio.create_task(house.run(table, asked, house.shell(script)))
    await house.eventually(lambda: "> ready" in house.log(asked.key))

    await table.stop(asked.key, "Stopped by the test")

    assert (await running).kind is OutcomeKind.CANCELED
    assert "> tidy\n" in house.log(asked.key)


async def test_child_that_holds_the_pipe_does_not_hold_the_run(
    house: Farmhouse, table: RunTable
) -> None:
    asked = house.ref()

    async with asyncio.timeout(10):
        outcome = await house.run(table, asked, house.shell("sleep 600 & echo $!"))

    assert outcome.kind is OutcomeKind.COMPLETED
    assert not house.is_alive(_printed_pid(house.log(asked.key)))


async def test_daemonised_grandchild_dies_with_its_run(house: Farmhouse, table: RunTable) -> None:
    asked = house.ref()
    script = "setsid sh -c 'setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $!'"

    outcome = await house.run(table, asked, house.shell(script))

    assert outcome.kind is OutcomeKind.COMPLETED
    assert not house.is_alive(_printed_pid(house.log(asked.key)))


async def test_much_output_takes_little_memory(house: Farmhouse, table: RunTable) -> None:
    asked = house.ref()
    script = "yes 'a line of some sixty characters, as Blender prints many of them' | head -c 200M"
    running = asyncio.create_task(house.run(table, asked, house.shell(script)))
    await house.eventually(lambda: house.path(asked.key, "shim.json").exists())
    shim = psutil.Process(house.shim(asked.key)["pid"])
    largest = 0

    while not running.done():
        largest = max(largest, _rss(shim))
        await asyncio.wait({running}, timeout=0.02)

    assert running.result().kind is OutcomeKind.COMPLETED
    assert house.path(asked.key, "log").stat().st_size > 200 * 1024 * 1024
    assert 0 < largest < 60 * 1024 * 1024


async def test_endless_line_is_split_between_characters(house: Farmhouse, table: RunTable) -> None:
    asked = house.ref()
    script = "import sys; sys.stdout.write('x' + 'ä' * 5_000_000)"

    await house.run(table, asked, house.python(script))

    lines = house.log(asked.key).splitlines()[3:]
    prefix = f"pid={house.shim(asked.key)['command']['pid']} > "
    assert max(len(line.encode()) for line in lines) <= 40 * 1024 + len(prefix)
    assert "".join(line.removeprefix(prefix) for line in lines) == "x" + "ä" * 5_000_000


async def test_bytes_that_are_not_utf8_are_replaced(house: Farmhouse, table: RunTable) -> None:
    asked = house.ref()

    await house.run(table, asked, house.shell(r"printf 'gr\374n\n'"))

    assert "> gr\N{REPLACEMENT CHARACTER}n\n" in house.log(asked.key)


async def test_command_sees_no_virtual_environment_and_no_input(
    house: Farmhouse, table: RunTable, monkeypatch: Any
) -> None:
    asked = house.ref()
    script = 'echo "[$PYTHONPATH$VIRTUAL_ENV] [$EXTRA] $PATH"; cat; echo end of input'

    await house.run(table, asked, house.shell(script, environment={"EXTRA": "mine"}))

    assert "> [] [mine] " in house.log(asked.key)
    assert ".venv" not in house.log(asked.key).splitlines()[3]
    assert "> end of input\n" in house.log(asked.key)


async def test_killed_shim_takes_its_command_along_and_the_run_is_lost(
    house: Farmhouse, table: RunTable
) -> None:
    asked = house.ref()
    script = "setsid sleep 600 & echo $!; sleep 600"
    running = asyncio.create_task(house.run(table, asked, house.shell(script)))
    await house.eventually(lambda: "> " in house.log(asked.key))
    shim = house.shim(asked.key)

    os.kill(shim["pid"], signal.SIGKILL)

    assert (await running).kind is OutcomeKind.LOST
    assert not house.is_alive(shim["command"]["pid"])
    assert not house.is_alive(_printed_pid(house.log(asked.key)))


async def test_shim_server_that_was_killed_is_started_again(
    house: Farmhouse, table: RunTable
) -> None:
    await house.run(table, house.ref(1), house.shell("true"))
    servers = [p for p in psutil.Process().children() if "--serve" in p.cmdline()]
    for server in servers:
        server.kill()

    outcome = await house.run(table, house.ref(2), house.shell("true"))

    assert servers
    assert outcome.kind is OutcomeKind.COMPLETED


def _printed_pid(log: str) -> int:
    first_line = next(line for line in log.splitlines() if line.startswith("pid="))
    return int(first_line.partition("> ")[2])


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
