"""Run-or-attach with real shims: attaching, stopping, adopting, giving up."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.farm.ids import JOB
from tests.worker_host.farmhouse import Farmhouse
from worker_host.run_spec import RunRefused
from worker_host.run_table import RunTable
from worker_host.runs_folder import HostAlreadyRuns, RunsFolder
from workflows.domain.messages import OutcomeKind, RunRef

LONG = "echo ready; sleep 600"


async def begun(
    house: Farmhouse, table: RunTable, asked: RunRef, script: str = LONG
) -> asyncio.Task[Any]:
    """A run whose command is known to run."""
    running = asyncio.create_task(house.run(table, asked, house.shell(script)))
    await house.eventually(lambda: "> ready" in house.log(asked.key))
    return running


async def never_fetched(asked: RunRef) -> Any:
    raise AssertionError(f"{asked} was to be answered without its commands")


async def test_second_attachment_supersedes_the_first_and_gets_the_outcome(
    house: Farmhouse, table: RunTable
) -> None:
    first = await begun(house, table, house.ref())
    pid = house.shim(house.ref().key)["command"]["pid"]

    second = asyncio.create_task(house.run(table, house.ref(), never_fetched))

    assert (await first).kind is OutcomeKind.SUPERSEDED
    assert house.is_alive(pid)
    await table.stop(house.ref().key, "enough")
    assert (await second).kind is OutcomeKind.CANCELED


async def test_ended_run_answers_with_its_kept_outcome(house: Farmhouse, table: RunTable) -> None:
    outcome = await house.run(table, house.ref(), house.shell("exit 4"))

    assert await house.run(table, house.ref(), never_fetched) == outcome


async def test_run_stopped_before_it_began_never_begins(house: Farmhouse, table: RunTable) -> None:
    await table.stop(house.ref().key, "too late")

    outcome = await house.run(table, house.ref(), never_fetched)

    assert outcome.kind is OutcomeKind.CANCELED


async def test_tombstone_outlives_the_host(house: Farmhouse, table: RunTable) -> None:
    await table.stop(house.ref().key, "too late")
    await house.crash(table)

    table = await house.open()

    outcome = await house.run(table, house.ref(), never_fetched)
    assert outcome.kind is OutcomeKind.CANCELED


async def test_stop_reaches_a_run_that_waits_for_its_commands(
    house: Farmhouse, table: RunTable
) -> None:
    asked = asyncio.Event()

    async def fetch(_ref: RunRef) -> Any:
        asked.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(house.run(table, house.ref(), fetch))
    await asked.wait()
    await table.stop(house.ref().key, "enough")

    assert (await running).kind is OutcomeKind.CANCELED
    assert table.live() == []


async def test_refused_commands_are_a_refusal_and_leave_nothing(
    house: Farmhouse, table: RunTable
) -> None:
    async def fetch(_ref: RunRef) -> Any:
        raise RunRefused("the lease is not held")

    outcome = await house.run(table, house.ref(), fetch)

    assert (outcome.kind, outcome.reason) == (OutcomeKind.REFUSED, "the lease is not held")
    assert table.named() == []


async def test_failed_fetch_is_raised_and_may_be_tried_again(
    house: Farmhouse, table: RunTable
) -> None:
    async def fetch(_ref: RunRef) -> Any:
        raise ConnectionError("nobody answers")

    with pytest.raises(ConnectionError):
        await house.run(table, house.ref(), fetch)

    assert (await house.run(table, house.ref(), house.shell("true"))).kind is (
        OutcomeKind.COMPLETED
    )


async def test_sleeping_host_refuses_the_new_and_keeps_the_old(
    house: Farmhouse, table: RunTable
) -> None:
    running = await begun(house, table, house.ref(1))
    table.refuse("asleep")

    refused = await house.run(table, house.ref(2, slot=1), never_fetched)

    assert (refused.kind, refused.reason) == (OutcomeKind.REFUSED, "asleep")
    assert not running.done()


async def test_older_lease_is_refused_until_a_new_session(
    house: Farmhouse, table: RunTable
) -> None:
    await house.run(table, house.ref(1, generation=5), house.shell("true"))

    refused = await house.run(table, house.ref(2, generation=4), never_fetched)
    table.signed_on()
    taken = await house.run(table, house.ref(2, generation=4), house.shell("true"))

    assert refused.kind is OutcomeKind.REFUSED
    assert taken.kind is OutcomeKind.COMPLETED


async def test_next_attempt_stops_the_one_before(house: Farmhouse, table: RunTable) -> None:
    first = await begun(house, table, house.ref(attempt=1))
    pid = house.shim(house.ref(attempt=1).key)["command"]["pid"]

    second = house.ref(attempt=2, slot=1)
    outcome = await house.run(table, second, house.shell("true"))

    assert (await first).kind is OutcomeKind.CANCELED
    assert outcome.kind is OutcomeKind.COMPLETED
    assert not house.is_alive(pid)


async def test_newer_lease_takes_the_slot_from_an_older_one(
    house: Farmhouse, table: RunTable
) -> None:
    first = await begun(house, table, house.ref(1, generation=1))

    outcome = await house.run(table, house.ref(2, generation=2), house.shell("true"))

    assert (await first).kind is OutcomeKind.CANCELED
    assert outcome.kind is OutcomeKind.COMPLETED


async def test_same_lease_waits_for_the_slot(house: Farmhouse, table: RunTable) -> None:
    gate = house.directory / "gate"
    script = f"echo ready; while [ ! -e {gate} ]; do sleep 0.02; done"
    first = await begun(house, table, house.ref(1), script)
    second = asyncio.create_task(house.run(table, house.ref(2), house.shell("true")))
    await house.eventually(lambda: house.ref(2).key in table.live())
    assert not house.path(house.ref(2).key, "run.json").exists()

    gate.touch()

    assert (await first).kind is OutcomeKind.COMPLETED
    assert (await second).kind is OutcomeKind.COMPLETED


async def test_next_host_adopts_a_run_with_its_process(house: Farmhouse, table: RunTable) -> None:
    gate = house.directory / "gate"
    script = f"echo ready; while [ ! -e {gate} ]; do sleep 0.02; done"
    (await begun(house, table, house.ref(), script)).cancel()
    before = house.shim(house.ref().key)
    await house.crash(table)

    table = await house.open()

    assert table.live() == [house.ref().key]
    running = asyncio.create_task(house.run(table, house.ref(), never_fetched))
    assert house.shim(house.ref().key) == before
    gate.touch()
    assert (await running).kind is OutcomeKind.COMPLETED


async def test_next_host_keeps_the_outcome_of_a_run_that_ended_meanwhile(
    house: Farmhouse, table: RunTable
) -> None:
    gate = house.directory / "gate"
    script = f"echo ready; while [ ! -e {gate} ]; do sleep 0.02; done; exit 6"
    (await begun(house, table, house.ref(), script)).cancel()
    await house.crash(table)
    gate.touch()
    await house.eventually(house.path(house.ref().key, "outcome.json").exists)

    table = await house.open()

    outcome = await house.run(table, house.ref(), never_fetched)
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.reason.endswith("code 6")


async def test_next_host_calls_a_run_lost_that_nobody_executes(
    house: Farmhouse, table: RunTable
) -> None:
    (await begun(house, table, house.ref())).cancel()
    shim = house.shim(house.ref().key)
    await house.crash(table)
    house.kill(shim["pid"])

    table = await house.open()

    outcome = await house.run(table, house.ref(), never_fetched)
    assert outcome.kind is OutcomeKind.LOST
    assert not house.is_alive(shim["command"]["pid"])


async def test_pid_that_belongs_to_somebody_else_is_left_alone(
    house: Farmhouse, table: RunTable
) -> None:
    (await begun(house, table, house.ref())).cancel()
    shim = house.shim(house.ref().key)
    await house.crash(table)
    house.kill(shim["pid"])
    stranger = await asyncio.create_subprocess_exec("sleep", "600")
    shim["pid"] = stranger.pid
    house.write_shim(house.ref().key, shim)

    table = await house.open()
    outcome = await house.run(table, house.ref(), never_fetched)

    assert outcome.kind is OutcomeKind.LOST
    assert house.is_alive(stranger.pid)
    stranger.kill()
    await stranger.wait()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", f"{JOB}.9.1.1"),
        ("key", f"{JOB}/../../{JOB}.1.1.1"),
        ("lease_id", "../lease"),
        ("slot", -1),
    ],
)
async def test_a_directory_that_is_not_its_runs_is_dropped(
    house: Farmhouse, table: RunTable, field: str, value: Any
) -> None:
    await house.run(table, house.ref(), house.shell("true"))
    await house.crash(table)
    file = house.path(house.ref().key, "run.json")
    file.write_text(json.dumps({**json.loads(file.read_bytes()), field: value}))

    table = await house.open()

    assert table.named() == []
    assert not file.exists()


@pytest.mark.parametrize("job_id", ["../elsewhere", "..", "a/b", ""])
async def test_no_key_leads_out_of_the_runs_folder(house: Farmhouse, job_id: str) -> None:
    folder = RunsFolder(house.directory)
    key = replace(house.ref().key, job_id=job_id)

    for use in (folder.directory, folder.drop_tombstone, lambda k: folder.keep_tombstone(k, 0.0)):
        with pytest.raises(ValueError, match="not a UUID"):
            use(key)


async def test_two_hosts_cannot_share_a_directory(house: Farmhouse, table: RunTable) -> None:
    with pytest.raises(HostAlreadyRuns):
        await house.open()


async def test_run_stops_when_its_host_stays_away(house: Farmhouse) -> None:
    table = await house.open(orphan_after_s=0.5)
    (await begun(house, table, house.ref())).cancel()
    pid = house.shim(house.ref().key)["command"]["pid"]

    await house.crash(table)
    await house.eventually(house.path(house.ref().key, "outcome.json").exists)

    table = await house.open()
    assert (await house.run(table, house.ref(), never_fetched)).kind is OutcomeKind.LOST
    assert not house.is_alive(pid)


async def test_run_outlives_an_absence_shorter_than_that(house: Farmhouse) -> None:
    table = await house.open(orphan_after_s=30.0)
    (await begun(house, table, house.ref())).cancel()

    await house.crash(table)
    table = await house.open()

    assert table.live() == [house.ref().key]


async def test_unattached_run_stops_after_its_grace(house: Farmhouse) -> None:
    table = await house.open(unattached_grace_s=0.2)
    running = await begun(house, table, house.ref())
    running.cancel()

    await house.eventually(lambda: table.live() == [])

    outcome = await house.run(table, house.ref(), never_fetched)
    assert outcome.kind is OutcomeKind.CANCELED


async def test_grace_does_not_count_while_nobody_can_be_reached(house: Farmhouse) -> None:
    table = await house.open(unattached_grace_s=0.2)
    house.hooks.is_connected = False
    (await begun(house, table, house.ref())).cancel()

    with pytest.raises(TimeoutError):
        await house.eventually(lambda: table.live() == [], within_s=1.0)
    house.hooks.is_connected = True

    await house.eventually(lambda: table.live() == [])


async def test_closing_host_stops_its_runs_if_told_to(house: Farmhouse, table: RunTable) -> None:
    running = await begun(house, table, house.ref())
    pid = house.shim(house.ref().key)["command"]["pid"]

    await table.close(stop_runs=True)

    assert (await running).kind is OutcomeKind.CANCELED
    assert not house.is_alive(pid)


async def test_the_task_of_a_run_is_known_after_its_end(house: Farmhouse, table: RunTable) -> None:
    asked = house.ref()
    await house.run(table, asked, house.shell("true", task_id="task-1"))
    table.accepted(asked.key)
    await house.eventually(lambda: table.named() == [])

    assert await table.task_id(asked.key) == "task-1"


async def test_the_task_of_an_adopted_run_is_fetched(house: Farmhouse, table: RunTable) -> None:
    (await begun(house, table, house.ref())).cancel()
    await house.crash(table)
    table = await house.open()
    house.hooks.fetches[house.ref().key] = house.shell("true", task_id="task-1")

    assert await table.task_id(house.ref().key) == "task-1"


async def test_the_task_of_a_run_of_another_machine_is_not_known(
    house: Farmhouse, table: RunTable
) -> None:
    with pytest.raises(RunRefused):
        await table.task_id(house.ref().key)


async def test_each_end_of_a_run_is_told_to_the_host(house: Farmhouse, table: RunTable) -> None:
    async def refused(_ref: RunRef) -> Any:
        raise RunRefused("the lease is not held")

    await house.run(table, house.ref(1), house.shell("true"))
    await house.run(table, house.ref(2), refused)

    assert house.hooks.ended == 2
