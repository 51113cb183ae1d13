"""Runs of HTTP workers outlive silence, restarts and continue-as-new; nothing is kept for ever."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from manager_api.database.engine import utc_now
from manager_api.database.tables import HttpRunState
from manager_api.http_workers import keeping
from manager_api.http_workers.keeping import Answer, HttpRunKeeping, OutcomeDelivery
from manager_api.http_workers.presence import HttpPresence
from manager_api.http_workers.registry import HttpRuns
from tests.manager.api_calls import Submit
from tests.manager.http_workers.http_farm import AtWork, HttpFarm
from tests.manager.stand_in_farm import Farm
from workflows.domain.http_workers import Patience
from workflows.domain.messages import OutcomeKind
from workflows.domain.statuses import TaskStatus, WorkerStatus

Make = Callable[..., Awaitable[Any]]
POLL = "/api/v3/worker/task"
#: Longer than the time-outs of tasks and workers.
LONG = timedelta(minutes=11)


async def test_the_newest_activity_is_the_one_that_hears_the_outcome(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    _, known = await http_farm.offer(at_work.lease, activity="after a continue-as-new")

    await api.post(at_work.task_url, json={"taskStatus": "completed"}, auth=at_work.auth)
    await http_farm.delivery.deliver()

    assert known is None
    assert [told[1] for told in http_farm.temporal.completed] == ["after a continue-as-new"]


async def test_an_outcome_that_came_between_two_activities_is_told_to_the_second(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    http_farm.temporal.answer = Answer.GONE
    await api.post(at_work.task_url, json={"taskStatus": "completed"}, auth=at_work.auth)
    await http_farm.delivery.deliver()

    _, known = await http_farm.offer(at_work.lease, activity="2")

    assert known is not None
    assert known.kind is OutcomeKind.COMPLETED


async def test_another_manager_delivers_what_a_killed_one_has_stored(
    farm: Farm, api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await api.post(at_work.task_url, json={"taskStatus": "completed"}, auth=at_work.auth)

    await OutcomeDelivery(farm.parts.database, http_farm.temporal).deliver()

    assert len(http_farm.temporal.completed) == 1


async def test_another_manager_beats_for_what_goes_on(
    farm: Farm, http_farm: HttpFarm, at_work: AtWork
) -> None:
    runs = HttpRuns(farm.parts.database, Patience)

    await HttpRunKeeping(runs, http_farm.temporal, lambda: 1.0).heartbeat()

    assert http_farm.temporal.beaten == ["1"]


async def test_what_temporal_says_is_canceled_is_stopped(
    http_farm: HttpFarm, at_work: AtWork
) -> None:
    http_farm.temporal.answer = Answer.CANCELED

    await http_farm.keeping.heartbeat()

    row = await http_farm.run(at_work.key)
    assert row is not None
    assert (row.state, row.stop_reason) == (HttpRunState.RUNNING, "its job stopped it")


async def test_a_run_that_was_not_begun_ends_at_once_when_it_is_stopped(
    http_farm: HttpFarm, awake: Make, submit: Submit
) -> None:
    auth, job = await awake(), await submit()
    key, _ = await http_farm.offer(await http_farm.lend(auth.id, job["id"]))

    await http_farm.runs.stop_run(auth.id, key, "its job gave it up")

    assert await http_farm.outcome(key) == ("canceled", "its job gave it up")


async def test_a_run_of_a_worker_that_is_gone_ends_at_once_when_it_is_stopped(
    farm: Farm, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await farm.set_worker(at_work.auth.id, status=WorkerStatus.ERROR)

    await http_farm.runs.stop_run(at_work.auth.id, at_work.key, "its job gave it up")

    assert await http_farm.outcome(at_work.key) == ("canceled", "its job gave it up")


async def test_a_run_that_nobody_asks_for_is_stopped_after_its_grace(
    http_farm: HttpFarm, at_work: AtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    http_farm.temporal.answer = Answer.GONE
    await http_farm.keeping.heartbeat()
    await http_farm.keeping.look()
    row = await http_farm.run(at_work.key)
    assert row is not None
    assert not row.stop_reason

    monkeypatch.setattr(keeping, "UNATTACHED_GRACE_S", -1.0)
    await http_farm.keeping.look()

    row = await http_farm.run(at_work.key)
    assert row is not None
    assert row.stop_reason == "no activity waits for it any more"


async def test_a_task_that_nothing_is_said_of_fails_like_any_other(
    http_farm: HttpFarm, at_work: AtWork
) -> None:
    await http_farm.silence(at_work.key, LONG)

    await http_farm.keeping.look()

    assert await http_farm.outcome(at_work.key) == (
        "failed",
        "timed out: its worker reported nothing for 10 min",
    )


async def test_a_task_that_its_worker_asked_about_just_now_does_not_time_out(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await http_farm.silence(at_work.key, LONG)
    await api.get(f"{at_work.task_url}/may-i-run", auth=at_work.auth)

    await http_farm.keeping.look()

    assert await http_farm.state(at_work.key) is HttpRunState.RUNNING


async def test_nobody_is_missed_by_a_manager_that_has_just_started(
    http_farm: HttpFarm, at_work: AtWork
) -> None:
    await http_farm.silence(at_work.key, LONG)
    http_farm.runs.presence.listening_since = utc_now()

    await http_farm.keeping.look()

    assert await http_farm.state(at_work.key) is HttpRunState.RUNNING


@pytest.mark.parametrize("setting", ["task_timeout", "worker_timeout"])
async def test_a_time_out_of_zero_misses_nobody(
    farm: Farm, http_farm: HttpFarm, at_work: AtWork, setting: str
) -> None:
    without = farm.parts.settings.model_copy(update={setting: timedelta()})
    farm.parts.configuration.settings = without
    await http_farm.silence(at_work.key, timedelta(days=3))

    await http_farm.keeping.look()

    assert await http_farm.state(at_work.key) is HttpRunState.RUNNING
    assert http_farm.runs.presence.is_present("anybody", utc_now() - timedelta(days=3))


async def test_a_task_whose_worker_does_not_come_for_it_goes_to_another_unblamed(
    http_farm: HttpFarm, awake: Make, submit: Submit
) -> None:
    auth, job = await awake(), await submit()
    key, _ = await http_farm.offer(await http_farm.lend(auth.id, job["id"]))
    await http_farm.silence(key, timedelta(minutes=2))

    await http_farm.keeping.look()

    assert await http_farm.outcome(key) == ("refused", "its worker did not fetch it")


def test_a_worker_is_present_for_as_long_as_the_setting_says() -> None:
    start = utc_now()
    now = [start]
    presence = HttpPresence(
        lambda: Patience(worker=timedelta(minutes=1)), lambda: now[0], lambda: now[0].timestamp()
    )

    now[0] = start + timedelta(seconds=59)
    assert presence.is_present("silent", None)
    presence.heard("speaking")
    now[0] = start + timedelta(seconds=61)
    elsewhere = start + timedelta(seconds=30)

    assert not presence.is_present("silent", None)
    assert not presence.is_present("silent", start - timedelta(days=1))
    assert presence.is_present("speaking", None)
    assert presence.is_present("heard by another manager", elsewhere)


async def test_what_is_recorded_is_forgotten_and_not_before(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await api.post(at_work.task_url, json={"taskStatus": "completed"}, auth=at_work.auth)
    await http_farm.delivery.deliver()
    await http_farm.keeping.look()
    before = await http_farm.run(at_work.key)

    await http_farm.set_task(at_work.key, status=TaskStatus.COMPLETED)
    await http_farm.keeping.look()

    assert before is not None
    assert await http_farm.run(at_work.key) is None
    again = await api.post(at_work.task_url, json={"taskStatus": "completed"}, auth=at_work.auth)
    assert again.status_code == 204


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"status": WorkerStatus.ASLEEP}, "the worker is asleep"),
        ({"status": WorkerStatus.OFFLINE}, "the worker is offline"),
        ({"deleted_at": utc_now()}, "the worker was deleted"),
        (
            {"status_requested": WorkerStatus.ASLEEP, "is_lazy_request": True},
            'the worker was requested to be "asleep"',
        ),
    ],
)
async def test_nothing_is_offered_to_a_worker_that_will_not_take_it(
    farm: Farm,
    http_farm: HttpFarm,
    awake: Make,
    submit: Submit,
    values: dict[str, Any],
    reason: str,
) -> None:
    auth, job = await awake(), await submit()
    lease = await http_farm.lend(auth.id, job["id"])
    await farm.set_worker(auth.id, **values)

    key, outcome = await http_farm.offer(lease)

    assert outcome is not None
    assert (outcome.kind, outcome.reason) == (OutcomeKind.REFUSED, reason)
    assert await http_farm.run(key) is None


async def test_a_run_of_an_older_lease_is_refused(
    http_farm: HttpFarm, awake: Make, submit: Submit
) -> None:
    auth, job = await awake(), await submit()
    older = await http_farm.lend(auth.id, job["id"])
    await http_farm.lend(auth.id, job["id"])

    _, outcome = await http_farm.offer(older)

    assert outcome is not None
    assert outcome.kind is OutcomeKind.REFUSED


async def test_a_newer_run_takes_the_place_of_one_that_was_dropped(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    newer, _ = await http_farm.offer(
        await http_farm.lend(at_work.auth.id, at_work.key.job_id), index=2
    )

    asked = await api.get(f"{at_work.task_url}/may-i-run", auth=at_work.auth)
    polled = await api.post(POLL, auth=at_work.auth)

    assert not asked.json()["mayKeepRunning"]
    assert (await http_farm.outcome(at_work.key))[0] == "canceled"
    assert await http_farm.state(newer) is HttpRunState.RUNNING
    assert polled.json()["uuid"] != at_work.task["uuid"]
