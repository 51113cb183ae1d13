"""HTTP workers whose program hangs, or takes too long."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from manager_api.database.engine import utc_now
from manager_api.database.tables import HttpRunState
from tests.manager.http_workers.http_farm import AtWork, HttpFarm
from workflows.domain.run_times import FarmTimes, RunLimits, WhenSilent

STOPS = FarmTimes(limits=RunLimits(timedelta(minutes=30), WhenSilent.STOP, timedelta()))
HOUR = FarmTimes(limits=RunLimits(timedelta(), WhenSilent.SHOW, timedelta(hours=1)))


async def test_a_worker_that_only_asks_whether_it_may_go_on_is_stuck(
    http_farm: HttpFarm, at_work: AtWork
) -> None:
    await http_farm.hang(at_work.key, timedelta(minutes=31))

    await http_farm.keeping.look()

    run = await http_farm.run(at_work.key)
    assert run is not None
    assert (await http_farm.task(at_work.key)).silent_since == run.reported
    assert run.state is HttpRunState.RUNNING


async def test_a_report_ends_its_being_stuck(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await http_farm.hang(at_work.key, timedelta(minutes=31))
    await http_farm.keeping.look()
    was_stuck = (await http_farm.task(at_work.key)).silent_since

    await api.post(at_work.task_url, json={"log": "Fra:7"}, auth=at_work.auth)
    await http_farm.keeping.look()

    assert was_stuck
    assert (await http_farm.task(at_work.key)).silent_since is None


@pytest.mark.parametrize(
    ("minutes", "metadata"), [(29, {}), (31, {"silent_after": "1h"}), (31, {"silent_after": "0"})]
)
async def test_a_worker_that_has_time_is_not_stuck(
    http_farm: HttpFarm, at_work: AtWork, minutes: int, metadata: dict[str, str]
) -> None:
    await http_farm.set_job(at_work.key.job_id, job_metadata=metadata)
    await http_farm.hang(at_work.key, timedelta(minutes=minutes))

    await http_farm.keeping.look()

    assert (await http_farm.task(at_work.key)).silent_since is None


async def test_time_in_which_no_manager_listened_is_no_silence(
    http_farm: HttpFarm, at_work: AtWork
) -> None:
    await http_farm.hang(at_work.key, timedelta(minutes=31))
    http_farm.runs.presence.listening_since = utc_now()

    await http_farm.keeping.look()

    assert (await http_farm.task(at_work.key)).silent_since is None


async def test_a_silent_run_fails_where_this_is_set(http_farm: HttpFarm, at_work: AtWork) -> None:
    http_farm.times = STOPS
    await http_farm.hang(at_work.key, timedelta(minutes=31))

    await http_farm.keeping.look()

    assert await http_farm.outcome(at_work.key) == (
        "failed",
        "it was stopped, because its worker reported nothing for 31 min",
    )


async def test_the_worker_of_a_silent_run_is_told_to_stop(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    http_farm.times = STOPS
    await http_farm.hang(at_work.key, timedelta(minutes=31))
    await http_farm.keeping.look()

    answer = await api.get(f"{at_work.task_url}/may-i-run", auth=at_work.auth)

    assert answer.json()["mayKeepRunning"] is False


@pytest.mark.parametrize(
    ("minutes", "metadata", "outcome"),
    [
        (59, {}, ("", "")),
        (
            61,
            {},
            (
                "failed",
                "it was stopped after 1 h 1 min, because a run of this task may take 1 h at most",
            ),
        ),
        (61, {"longest_run": "2h"}, ("", "")),
        (61, {"longest_run": "0"}, ("", "")),
    ],
)
async def test_a_run_that_takes_too_long_fails_though_it_reports(
    http_farm: HttpFarm,
    at_work: AtWork,
    minutes: int,
    metadata: dict[str, str],
    outcome: tuple[str, str],
) -> None:
    http_farm.times = HOUR
    await http_farm.set_job(at_work.key.job_id, job_metadata=metadata)
    await http_farm.set_task(at_work.key, started_at=utc_now() - timedelta(minutes=minutes))

    await http_farm.keeping.look()

    assert await http_farm.outcome(at_work.key) == outcome


async def test_a_run_that_is_to_stop_is_not_failed_for_its_time(
    http_farm: HttpFarm, at_work: AtWork
) -> None:
    http_farm.times = HOUR
    await http_farm.set_task(at_work.key, started_at=utc_now() - timedelta(hours=2))
    await http_farm.runs.stop_run(at_work.auth.id, at_work.key, "its job gave it up")

    await http_farm.keeping.look()

    assert await http_farm.outcome(at_work.key) == ("", "")


async def test_an_offer_takes_no_time(http_farm: HttpFarm, at_work: AtWork) -> None:
    http_farm.times = replace(HOUR, limits=RunLimits(longest_run=timedelta(seconds=1)))
    await http_farm.set_job(at_work.key.job_id, job_metadata={})
    key, _ = await http_farm.offer(at_work.lease, attempt=2, activity="2")
    await http_farm.set_task(key, started_at=utc_now() - timedelta(hours=2))

    await http_farm.keeping.look()

    assert await http_farm.outcome(key) == ("", "")
