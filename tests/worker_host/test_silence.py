"""Runs that show no sign of life, and runs that take too long."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psutil
import pytest

from tests.farm.ids import OWN_JOB
from tests.worker_host.farmhouse import Farmhouse, Fetch
from worker_host.processes.watch import RunClock
from worker_host.run_table import RunTable
from worker_host.silence import SilenceWatch
from worker_host.statistics import cpu_time_of_tree
from workflows.domain.messages import OutcomeKind, RunKey
from workflows.domain.run_times import RunTimes

EVERY_S = 5.0


@dataclass
class Run:
    key: RunKey = field(default_factory=lambda: RunKey(OWN_JOB, 1, 1, 1))
    pid: int = 1
    times: RunTimes = field(default_factory=lambda: RunTimes(silent_after_s=60))
    log_size: int = 0


class Machine:
    """A machine with runs, whose clock and CPU times the test sets."""

    def __init__(self, *runs: Run) -> None:
        self.runs: Sequence[Run] = runs
        self.now = 0.0
        self.cpu_s = {run.pid: 0.0 for run in runs}
        self.silent: dict[int, datetime | None] = {}
        self.silent_s: dict[int, float] = {}
        self._watch = SilenceWatch(self._tell, lambda: self.now, self.cpu_s.__getitem__)

    def _tell(self, key: RunKey, since: datetime | None, silent_s: float) -> None:
        self.silent[key.index], self.silent_s[key.index] = since, silent_s

    async def looks(self, times: int, *, passing_s: float = EVERY_S, cpu_s: float = 0.0) -> None:
        """Measure, with so much CPU time of all runs before each time."""
        for _ in range(times):
            self.now += passing_s
            for pid in self.cpu_s:
                self.cpu_s[pid] += cpu_s
            await self._watch.look(self.runs, EVERY_S)


async def test_a_run_without_output_and_cpu_time_is_silent_since_its_last_sign_of_life() -> None:
    machine = Machine(Run())
    await machine.looks(1)

    await machine.looks(11)
    before = machine.silent[1]
    await machine.looks(1)

    assert before is None
    assert machine.silent[1] is not None
    assert machine.silent_s[1] == 60


@pytest.mark.parametrize(
    ("cpu_s", "is_silent"), [(0.0, True), (0.04, True), (0.06, False), (5.0, False)]
)
async def test_less_than_a_hundredth_of_a_core_is_no_sign_of_life(
    cpu_s: float, is_silent: bool
) -> None:
    machine = Machine(Run())

    await machine.looks(20, cpu_s=cpu_s)

    assert (machine.silent[1] is not None) is is_silent


async def test_output_ends_a_silence() -> None:
    run = Run()
    machine = Machine(run)
    await machine.looks(20)
    was_silent = machine.silent[1] is not None

    run.log_size += 1
    await machine.looks(1)

    assert was_silent
    assert (machine.silent[1], machine.silent_s[1]) == (None, 0)


async def test_a_process_that_ends_is_a_sign_of_life() -> None:
    machine = Machine(Run())
    machine.cpu_s[1] = 100
    await machine.looks(20)

    machine.cpu_s[1] = 40
    await machine.looks(1)

    assert machine.silent[1] is None


async def test_time_in_which_the_host_stood_still_does_not_count() -> None:
    machine = Machine(Run())
    await machine.looks(1)

    await machine.looks(5, passing_s=3600)

    assert machine.silent[1] is None
    assert machine.silent_s[1] == 5 * 2 * EVERY_S


async def test_each_run_has_a_silence_and_a_limit_of_its_own() -> None:
    busy = Run(RunKey(OWN_JOB, 1, 1, 1), pid=1)
    patient = Run(RunKey(OWN_JOB, 2, 1, 1), pid=2, times=RunTimes(silent_after_s=600))
    unwatched = Run(RunKey(OWN_JOB, 3, 1, 1), pid=3, times=RunTimes(silent_after_s=0))
    silent = Run(RunKey(OWN_JOB, 4, 1, 1), pid=4)
    machine = Machine(busy, patient, unwatched, silent)

    for size in range(20):
        busy.log_size = size
        await machine.looks(1)

    assert {index for index, since in machine.silent.items() if since} == {4}
    assert 3 not in machine.silent


async def test_a_run_that_ended_is_forgotten() -> None:
    run = Run()
    machine = Machine(run)
    await machine.looks(20)
    machine.runs = ()
    await machine.looks(1)

    machine.runs = (run,)
    await machine.looks(1)

    assert machine.silent_s[1] == 0


def test_a_pause_counts_up_to_a_limit() -> None:
    clock = RunClock(100, longest_pause_s=5)

    for now in (101, 103, 3603, 3604):
        clock.tick(now)

    assert clock.run_s == 1 + 2 + 5 + 1


# --- real processes -------------------------------------------------------------------------------


async def test_the_cpu_time_of_grandchildren_counts_while_they_live_and_afterwards(
    house: Farmhouse, table: RunTable
) -> None:
    asked = house.ref()
    script = "(sh -c 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done'; echo done); sleep 600"
    running = asyncio.create_task(house.run(table, asked, house.shell(script)))
    await house.eventually(lambda: "> done" in house.log(asked.key), within_s=60)

    spent = cpu_time_of_tree(table.pids()[asked.key])

    assert spent > 0.1
    await table.stop(asked.key, "the test is over")
    assert (await running).kind is OutcomeKind.CANCELED


async def test_a_silent_run_is_shown_until_it_says_something(
    house: Farmhouse, tmp_path: Any
) -> None:
    table, asked = await house.open(silence_check_s=0.05), house.ref()
    go_on = tmp_path / "go on"
    script = f"until [ -e '{go_on}' ]; do sleep 0.2; done; echo again; sleep 600"
    times = RunTimes(silent_after_s=0.5)
    running = asyncio.create_task(house.run(table, asked, _waits(house, script, times)))
    await house.eventually(lambda: table.progress(asked.key).get("silent_since"), within_s=60)
    shown = dict(house.hooks.progress[-1])

    go_on.touch()

    await house.eventually(lambda: table.progress(asked.key)["silent_since"] is None, within_s=60)
    assert datetime.fromisoformat(shown["silent_since"]).tzinfo is not None
    assert not running.done()
    await table.stop(asked.key, "the test is over")
    assert (await running).kind is OutcomeKind.CANCELED


@pytest.mark.parametrize("script", ["sleep 600", "trap '' TERM; sleep 600", "kill -STOP $$"])
async def test_a_silent_run_is_stopped_as_failed_where_this_is_set(
    house: Farmhouse, script: str
) -> None:
    table, asked = await house.open(silence_check_s=0.05), house.ref()
    times = RunTimes(silent_after_s=0.4, stops_silent=True)

    outcome = await house.run(table, asked, _waits(house, script, times))

    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.reason.startswith(
        "it was stopped, because it had no output and no CPU time for 0."
    )
    assert f"Stopped: {outcome.reason}\n" in house.log(asked.key)
    assert not house.is_alive(house.shim(asked.key)["command"]["pid"])


async def test_the_end_of_a_silent_run_outlives_its_host(house: Farmhouse) -> None:
    table, asked = await house.open(silence_check_s=0.05, stop_grace_s=60), house.ref()
    times = RunTimes(silent_after_s=0.4, stops_silent=True)
    script = "trap 'echo stopping; sleep 0.5; exit' TERM; while true; do sleep 0.3; done"
    running = asyncio.create_task(house.run(table, asked, _waits(house, script, times)))
    await house.eventually(lambda: "> stopping" in house.log(asked.key), within_s=60)
    await house.crash(table)
    running.cancel()

    next_table = await house.open()
    outcome = await next_table.run_or_attach(asked)

    assert outcome.kind is OutcomeKind.FAILED
    assert "no output and no CPU time" in outcome.reason


async def test_a_run_that_takes_too_long_is_stopped_as_failed(
    house: Farmhouse, table: RunTable
) -> None:
    asked = house.ref()
    times = RunTimes(longest_s=0.5)
    script = "while true; do echo busy; sleep 0.02; done"

    outcome = await house.run(table, asked, _waits(house, script, times))

    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.reason.startswith("it was stopped after 0.")
    assert outcome.reason.endswith("because a run of this task may take 0.5 s at most")
    assert f"Stopped: {outcome.reason}\n" in house.log(asked.key)
    assert not psutil.pid_exists(house.shim(asked.key)["command"]["pid"])


async def test_the_longest_time_counts_for_all_commands_of_a_task(
    house: Farmhouse, table: RunTable
) -> None:
    asked, step = house.ref(), ("exec", {"exe": "/bin/sleep", "args": ["0.1"]})
    commands = house.commands(*[step] * 100, times=RunTimes(longest_s=0.6))

    outcome = await house.run(table, asked, commands)

    assert outcome.kind is OutcomeKind.FAILED
    assert "may take 0.6 s at most" in outcome.reason


async def test_the_longest_time_outlives_its_host(house: Farmhouse) -> None:
    table, asked = await house.open(), house.ref()
    script = "echo began; sleep 600"
    fetch = _waits(house, script, RunTimes(longest_s=1.5))
    running = asyncio.create_task(house.run(table, asked, fetch))
    await house.eventually(lambda: "> began" in house.log(asked.key))
    await house.crash(table)
    running.cancel()

    outcome = await (await house.open()).run_or_attach(asked)

    assert outcome.kind is OutcomeKind.FAILED
    assert "may take 1.5 s at most" in outcome.reason


def _waits(house: Farmhouse, script: str, times: RunTimes) -> Fetch:
    return house.shell(script, times=times)
