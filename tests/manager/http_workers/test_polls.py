"""Asking for a task over HTTP: who is given what, and who has to wait."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from manager_api.contract.worker_tasks import AssignedTask
from manager_api.database.engine import DatabaseBusy, utc_now
from manager_api.database.tables import HttpRunState, WorkerRow
from manager_api.http_workers.polls import HttpPolls
from manager_api.keeper.store import SqlKeeperStore
from manager_api.workers.service import WorkerService
from tests.manager.api_calls import Fits, Register, Submit, eventually
from tests.manager.http_workers.http_farm import AtWork, HttpFarm
from tests.manager.stand_in_farm import SECRET, Credentials, Farm
from workflows.domain.farm_facts import WorkerFacts
from workflows.domain.statuses import WorkerStatus

Make = Callable[..., Awaitable[Any]]
POLL = "/api/v3/worker/task"


def _workers(farm: Farm) -> WorkerService:
    return WorkerService(farm.parts.database, 1.0)


async def facts(farm: Farm, worker_id: str) -> WorkerFacts:
    store = SqlKeeperStore(farm.parts.database, farm.parts.http_runs.presence.is_present)
    workers = (await store.snapshot(lambda _: False)).workers
    return next(worker for worker in workers if worker.id == worker_id)


async def test_an_offered_task_is_handed_out_as_flamenco_describes_tasks(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork, fits: Fits
) -> None:
    task = at_work.task

    fits("AssignedTask", task)
    assert (task["job"], task["status"], task["task_type"]) == (
        at_work.key.job_id,
        "active",
        "misc",
    )
    assert task["commands"] == [
        {"name": "echo", "parameters": {"message": "olé"}, "total_step_count": 0}
    ]
    assert await http_farm.state(at_work.key) is HttpRunState.RUNNING
    log = await api.get(f"/api/v3/tasks/{task['uuid']}/logtail")
    assert f"Task assigned to worker carmen ({at_work.auth.id})" in log.text


async def test_asking_again_gets_the_same_task_from_its_beginning(
    api: httpx.AsyncClient, at_work: AtWork
) -> None:
    again = await api.post(POLL, auth=at_work.auth)

    assert (again.status_code, again.json()) == (200, at_work.task)


async def test_a_worker_that_asks_again_without_reporting_fails_its_task(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    again = await api.post(POLL, auth=at_work.auth)
    third = await api.post(POLL, auth=at_work.auth)

    assert (again.status_code, third.status_code) == (200, 204)
    assert await http_farm.outcome(at_work.key) == (
        "failed",
        "its worker was given it 2 times and asked for a task again each time",
    )


async def test_asking_again_is_no_sign_of_life(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    before = await http_farm.run(at_work.key)

    await api.post(POLL, auth=at_work.auth)

    after = await http_farm.run(at_work.key)
    assert before is not None
    assert after is not None
    assert (before.touched, before.handed_out) == (after.touched, after.handed_out - 1)


async def test_with_nothing_to_do_the_answer_comes_after_a_while(
    api: httpx.AsyncClient, awake: Make
) -> None:
    auth = await awake()

    answer = await api.post(POLL, auth=auth)

    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_task_that_is_offered_meanwhile_ends_the_waiting(
    farm: Farm, api: httpx.AsyncClient, http_farm: HttpFarm, awake: Make, submit: Submit,
) -> None:  # fmt: skip
    auth, job = await awake(), await submit()
    farm.parts.configuration.settings = farm.parts.settings.model_copy(update={"http_poll_s": 30.0})
    asking = asyncio.create_task(api.post(POLL, auth=auth))
    await eventually(lambda: _is_polling(farm, auth.id))

    await http_farm.offer(await http_farm.lend(auth.id, job["id"]))
    answer = await asyncio.wait_for(asking, 20)

    assert answer.json()["job"] == job["id"]
    assert not (await facts(farm, auth.id)).is_polling


async def _is_polling(farm: Farm, worker_id: str) -> bool:
    return (await facts(farm, worker_id)).is_polling


async def test_a_worker_is_http_with_a_session_of_its_own_from_its_first_word_on(
    farm: Farm, api: httpx.AsyncClient, awake: Make, register: Register
) -> None:
    silent, speaking = await register("silent"), await awake("speaking")

    assert not (await facts(farm, silent.id)).is_http
    seen = await facts(farm, speaking.id)
    assert (seen.is_http, seen.session, seen.slots) == (True, 1, 1)
    assert (seen.is_present, seen.is_polling) == (True, False)


@pytest.mark.parametrize("is_lazy", [True, False])
async def test_a_requested_status_comes_before_any_task(
    farm: Farm, api: httpx.AsyncClient, http_farm: HttpFarm, awake: Make, submit: Submit,
    fits: Fits, is_lazy: bool,
) -> None:  # fmt: skip
    auth, job = await awake(), await submit()
    key, _ = await http_farm.offer(await http_farm.lend(auth.id, job["id"]))
    await _workers(farm).request_status(auth.id, WorkerStatus.ASLEEP, is_lazy=is_lazy)

    answer = await api.post(POLL, auth=auth)

    assert (answer.status_code, answer.json()) == (423, {"status_requested": "asleep"})
    fits("WorkerStateChange", answer.json())
    assert await http_farm.outcome(key) == ("refused", 'its worker is to become "asleep"')


async def test_who_is_not_awake_is_told_so(api: httpx.AsyncClient, awake: Make) -> None:
    auth = await awake()
    await api.post("/api/v3/worker/state-changed", json={"status": "asleep"}, auth=auth)

    answer = await api.post(POLL, auth=auth)

    assert answer.status_code == 409
    assert answer.json()["message"] == 'worker is in state "asleep" and so is not given tasks'


async def test_a_worker_whose_word_that_it_is_awake_was_lost_is_awake_when_it_asks(
    api: httpx.AsyncClient, http_farm: HttpFarm, awake: Make, sign_on: dict[str, Any]
) -> None:
    auth = await awake()
    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=auth)
    session = (await http_farm.worker(auth.id)).session

    answer = await api.post(POLL, auth=auth)

    assert answer.status_code == 204
    worker = await http_farm.worker(auth.id)
    assert (worker.status, worker.session) == (WorkerStatus.AWAKE, session)


async def test_a_question_that_waits_says_nothing_for_a_process_that_signs_on(
    farm: Farm, api: httpx.AsyncClient, http_farm: HttpFarm, awake: Make,
    sign_on: dict[str, Any],
) -> None:  # fmt: skip
    auth, asking = await _asking(farm, api, awake)

    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=auth)

    assert (await asyncio.wait_for(asking, 20)).status_code == 409
    assert (await http_farm.worker(auth.id)).status is WorkerStatus.STARTING


async def _asking(
    farm: Farm, api: httpx.AsyncClient, awake: Make
) -> tuple[Credentials, "asyncio.Task[httpx.Response]"]:
    auth: Credentials = await awake()
    farm.parts.configuration.settings = farm.parts.settings.model_copy(update={"http_poll_s": 30.0})
    asking = asyncio.create_task(api.post(POLL, auth=auth))
    await eventually(lambda: _is_polling(farm, auth.id))
    return auth, asking


async def test_whoever_waits_for_an_answer_is_heard_of_all_the_time(
    farm: Farm, api: httpx.AsyncClient, http_farm: HttpFarm, awake: Make
) -> None:
    auth, asking = await _asking(farm, api, awake)
    http_farm.runs.presence.take_unstored()

    await eventually(lambda: _is_heard(http_farm, auth.id))

    assert not asking.done()
    asking.cancel()


async def _is_heard(http_farm: HttpFarm, worker_id: str) -> bool:
    return worker_id in http_farm.runs.presence.take_unstored()


async def test_whoever_hangs_up_and_asks_again_keeps_what_is_offered(
    farm: Farm, http_farm: HttpFarm, awake: Make, submit: Submit
) -> None:
    auth, job = await awake(), await submit()
    polls = HttpPolls(
        http_farm.runs, farm.parts.logs, farm.parts.configuration.variables, 20.0, 1.0
    )
    hung_up, waits = asyncio.Event(), asyncio.Event()

    async def gone_when_told() -> bool:
        return hung_up.is_set()

    async def there() -> bool:
        waits.set()
        return False

    first = asyncio.create_task(polls.next_task(auth.id, gone_when_told))
    second = asyncio.create_task(polls.next_task(auth.id, there))
    await asyncio.wait_for(waits.wait(), 20)
    hung_up.set()
    assert await asyncio.wait_for(first, 20) is None

    assert (await facts(farm, auth.id)).is_polling
    await http_farm.offer(await http_farm.lend(auth.id, job["id"]))
    assert isinstance(await asyncio.wait_for(second, 20), AssignedTask)


async def test_without_the_secret_there_is_no_task(api: httpx.AsyncClient, awake: Make) -> None:
    auth = await awake()

    answer = await api.post(POLL, auth=httpx.BasicAuth(auth.id, f"{SECRET}!"))

    assert answer.status_code == 403
    assert answer.json()["message"].startswith("security requirements failed: authorization failed")


async def test_a_worker_that_was_given_up_works_again_when_it_asks(
    farm: Farm, api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await farm.set_worker(at_work.auth.id, status=WorkerStatus.ERROR)

    answer = await api.post(POLL, auth=at_work.auth)

    assert answer.status_code == 204
    row = await http_farm.worker(at_work.auth.id)
    assert (row.status, row.session) == (WorkerStatus.AWAKE, 2)
    assert row.live_runs == [str(at_work.key)]
    assert await http_farm.outcome(at_work.key) == ("refused", "its worker was not heard from")


async def test_one_that_asks_for_its_state_instead_is_asleep(
    farm: Farm, api: httpx.AsyncClient, awake: Make
) -> None:
    auth = await awake()
    await farm.set_worker(auth.id, status=WorkerStatus.ERROR)

    answer = await api.get("/api/v3/worker/state", auth=auth)

    assert answer.status_code == 204
    assert (await facts(farm, auth.id)).status is WorkerStatus.ASLEEP


async def test_a_worker_whose_word_that_it_sleeps_was_lost_is_asleep_when_it_asks_for_its_state(
    farm: Farm, api: httpx.AsyncClient, awake: Make
) -> None:
    auth = await awake()

    answer = await api.get("/api/v3/worker/state", auth=auth)

    assert answer.status_code == 204
    assert (await facts(farm, auth.id)).status is WorkerStatus.ASLEEP


async def test_a_pending_request_is_the_answer_to_the_question_for_the_state(
    farm: Farm, api: httpx.AsyncClient, awake: Make, fits: Fits
) -> None:
    auth = await awake()
    await _workers(farm).request_status(auth.id, WorkerStatus.ASLEEP, is_lazy=True)

    asked = await api.get("/api/v3/worker/state", auth=auth)
    await api.post("/api/v3/worker/state-changed", json={"status": "asleep"}, auth=auth)
    done = await api.get("/api/v3/worker/state", auth=auth)

    fits("WorkerStateChange", asked.json())
    assert (asked.status_code, asked.json()) == (200, {"status_requested": "asleep"})
    assert done.status_code == 204


@pytest.mark.parametrize("status", ["", "dancing", None])
async def test_an_unknown_status_is_refused(
    api: httpx.AsyncClient, awake: Make, status: str | None
) -> None:
    auth = await awake()

    answer = await api.post("/api/v3/worker/state-changed", json={"status": status}, auth=auth)

    assert answer.status_code == 400
    assert set(answer.json()) == {"message"}


async def test_leaving_awake_gives_the_task_back(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await api.post("/api/v3/worker/state-changed", json={"status": "asleep"}, auth=at_work.auth)

    assert await http_farm.outcome(at_work.key) == ("refused", "its worker is asleep")


async def test_signing_off_gives_the_task_back(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await api.post("/api/v3/worker/sign-off", auth=at_work.auth)

    assert await http_farm.outcome(at_work.key) == ("refused", "its worker signed off")


async def test_signing_on_anew_loses_what_the_last_process_ran(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork, sign_on: dict[str, Any]
) -> None:
    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=at_work.auth)
    await http_farm.delivery.deliver()
    _, told_when_asked_again = await http_farm.offer(at_work.lease, activity="2")

    row = await http_farm.worker(at_work.auth.id)
    assert (row.session, row.live_runs) == (2, [str(at_work.key)])
    assert not http_farm.temporal.completed
    assert told_when_asked_again is not None
    assert str(told_when_asked_again.kind) == "lost"


async def test_what_was_only_offered_survives_a_new_sign_on(
    api: httpx.AsyncClient,
    http_farm: HttpFarm,
    awake: Make,
    submit: Submit,
    sign_on: dict[str, Any],
) -> None:
    auth, job = await awake(), await submit()
    key, _ = await http_farm.offer(await http_farm.lend(auth.id, job["id"]))

    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=auth)
    await api.post("/api/v3/worker/state-changed", json={"status": "awake"}, auth=auth)
    answer = await api.post(POLL, auth=auth)

    assert answer.status_code == 200
    assert (await http_farm.worker(auth.id)).live_runs == [str(key)]


async def test_every_question_counts_as_seen(
    api: httpx.AsyncClient, http_farm: HttpFarm, awake: Make
) -> None:
    auth: Credentials = await awake()
    before = utc_now()

    await api.get("/api/v3/worker/state", auth=auth)
    await http_farm.runs.store_heard()

    last_seen = (await http_farm.worker(auth.id)).last_seen
    assert last_seen is not None
    assert last_seen >= before


async def test_a_database_that_is_busy_for_a_moment_costs_no_worker_its_identity(
    farm: Farm, api: httpx.AsyncClient, awake: Make, sign_on: dict[str, Any]
) -> None:
    auth, credentials, busy = await awake(), farm.parts.credentials, [True, True]
    check = credentials.check

    async def check_when_free(authorization: str) -> WorkerRow:
        if busy:
            busy.pop()
            raise DatabaseBusy("for a moment")
        return await check(authorization)

    credentials.check = check_when_free  # type: ignore[method-assign] # a hiccup on demand
    answer = await api.post("/api/v3/worker/sign-on", json=sign_on, auth=auth)

    assert (answer.status_code, busy) == (200, [])
