"""What a worker says of its task over HTTP, and whether it may go on."""

import shutil
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from manager_api.database.engine import DatabaseBusy
from manager_api.database.tables import HttpRunState
from manager_api.http_workers.keeping import Answer
from manager_api.jobs import task_store as tasks
from manager_api.runs import http_reports
from manager_api.runs import http_store as http_runs
from manager_api.workers import store as workers
from manager_api.workers.service import WorkerService
from tests.manager.api_calls import Fits
from tests.manager.http_workers.http_farm import AtWork, HttpFarm
from tests.manager.stand_in_farm import Farm
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, TaskAction
from workflows.domain.statuses import TaskStatus, WorkerStatus

Make = Callable[..., Awaitable[Any]]


async def say(api: httpx.AsyncClient, at_work: AtWork, **said: Any) -> httpx.Response:
    return await api.post(at_work.task_url, json=said, auth=at_work.auth)


def at_first_busy(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    real, calls = getattr(module, name), []

    async def busy_once(*args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        if len(calls) == 1:
            raise DatabaseBusy("for a moment")
        return await real(*args, **kwargs)

    monkeypatch.setattr(module, name, busy_once)


async def ask(api: httpx.AsyncClient, at_work: AtWork) -> dict[str, Any]:
    answer = await api.get(f"{at_work.task_url}/may-i-run", auth=at_work.auth)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_completing_is_kept_and_then_delivered_to_the_jobs_workflow(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    answer = await say(api, at_work, taskStatus="completed", activity="Completed")
    await http_farm.delivery.deliver()

    assert (answer.status_code, answer.content) == (204, b"")
    assert http_farm.temporal.completed == [
        (str(at_work.key), "1", Outcome(OutcomeKind.COMPLETED, "Completed"))
    ]


async def test_an_outcome_is_delivered_once_temporal_is_back(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await say(api, at_work, taskStatus="completed")
    http_farm.temporal.answer = Answer.AWAY
    await http_farm.delivery.deliver()
    http_farm.temporal.answer = Answer.GOES_ON

    await http_farm.delivery.deliver()
    await http_farm.delivery.deliver()

    assert len(http_farm.temporal.completed) == 1


async def test_failing_says_why_without_saying_failed_twice(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await say(
        api, at_work, taskStatus="failed", activity="Failed: no such file", log="no such file"
    )

    assert await http_farm.outcome(at_work.key) == ("failed", "no such file")


async def test_a_reason_without_end_is_clipped(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await say(api, at_work, taskStatus="failed", activity="x" * 100_000)

    assert await http_farm.outcome(at_work.key) == ("failed", "x" * 500)


async def test_activity_log_and_steps_are_there_at_once(
    api: httpx.AsyncClient, at_work: AtWork
) -> None:
    await say(api, at_work, taskStatus="active", activity="Started")
    await say(api, at_work, activity="Progress", log="compás\n", steps_completed=1)
    await say(api, at_work, log="without an end of line")
    await say(api, at_work, log="and the next")

    task = (await api.get(f"/api/v3/tasks/{at_work.task['uuid']}")).json()
    log = (await api.get(f"/api/v3/tasks/{at_work.task['uuid']}/logtail")).text
    job = (await api.get(f"/api/v3/jobs/{at_work.key.job_id}")).json()
    assert (task["status"], task["activity"], task["steps_completed"]) == ("active", "Progress", 1)
    assert log.endswith("compás\nwithout an end of line\nand the next\n")
    assert job["steps_completed"] == 1


async def test_what_a_program_wrote_never_costs_the_end_of_its_task(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    body = rb'{"taskStatus": "failed", "activity": "Failed: \ud800\u0000", "log": "a\u0000b"}'
    headers = {"Content-Type": "application/json"}

    answer = await api.post(at_work.task_url, content=body, headers=headers, auth=at_work.auth)

    log = (await api.get(f"/api/v3/tasks/{at_work.task['uuid']}/logtail")).text
    assert answer.status_code == 204
    assert await http_farm.outcome(at_work.key) == ("failed", "?\N{REPLACEMENT CHARACTER}")
    assert log.endswith("a\N{REPLACEMENT CHARACTER}b\n")


async def test_a_log_that_cannot_be_kept_never_costs_the_end_of_its_task(
    farm: Farm, api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    directory = farm.parts.logs.job_directory(at_work.key.job_id)
    shutil.rmtree(directory)
    directory.touch()  # where a folder must be: a disk that takes nothing

    answer = await say(api, at_work, taskStatus="failed", activity="Failed: ay", log="ay")

    assert answer.status_code == 204
    assert await http_farm.outcome(at_work.key) == ("failed", "ay")


async def test_a_busy_database_delays_what_is_said_only_once(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A stock worker that is answered an error does not say it again.
    at_first_busy(monkeypatch, http_reports, "reported_task")
    at_first_busy(monkeypatch, tasks, "task")
    at_first_busy(monkeypatch, http_reports, "heard_of")
    at_first_busy(monkeypatch, http_runs, "run_to_change")
    at_first_busy(monkeypatch, workers, "existing_worker_to_change")

    completed = await say(api, at_work, taskStatus="completed", log="olé")
    asleep = await api.post(
        "/api/v3/worker/state-changed", json={"status": "asleep"}, auth=at_work.auth
    )
    at_first_busy(monkeypatch, workers, "existing_worker_to_change")
    off = await api.post("/api/v3/worker/sign-off", auth=at_work.auth)

    assert [answer.status_code for answer in (completed, asleep, off)] == [204, 204, 204]
    assert (await http_farm.outcome(at_work.key))[0] == "completed"
    assert (await http_farm.worker(at_work.auth.id)).status is WorkerStatus.OFFLINE
    log = await api.get(f"/api/v3/tasks/{at_work.task['uuid']}/logtail")
    assert log.text.count("olé") == 1


@pytest.mark.parametrize(("said", "stored"), [(99, 1), (-5, 0)])
async def test_steps_stay_between_none_and_all(
    api: httpx.AsyncClient, at_work: AtWork, said: int, stored: int
) -> None:
    answer = await say(api, at_work, steps_completed=said)

    task = (await api.get(f"/api/v3/tasks/{at_work.task['uuid']}")).json()
    assert (answer.status_code, task["steps_completed"]) == (204, stored)


async def test_the_first_outcome_counts_and_a_repetition_does_no_harm(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await say(api, at_work, taskStatus="completed")

    again = await say(api, at_work, taskStatus="completed")
    late = await say(api, at_work, taskStatus="failed", activity="Failed: after all", log="late")

    assert (again.status_code, late.status_code) == (204, 204)
    assert await http_farm.outcome(at_work.key) == ("completed", "")


@pytest.mark.parametrize("status", ["soft-failed", "paused"])
async def test_a_worker_cannot_say_what_only_the_farm_says(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork, status: str
) -> None:
    answer = await say(api, at_work, taskStatus=status, activity="nothing of it is kept")

    task = (await api.get(f"/api/v3/tasks/{at_work.task['uuid']}")).json()
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert task["activity"] != "nothing of it is kept"
    assert await http_farm.state(at_work.key) is HttpRunState.RUNNING


@pytest.mark.parametrize("said", [{"taskStatus": "dancing"}, {"steps_completed": "3"}, {"log": 3}])
async def test_an_update_of_a_wrong_shape_is_refused(
    api: httpx.AsyncClient, at_work: AtWork, said: dict[str, Any]
) -> None:
    answer = await say(api, at_work, **said)

    assert (answer.status_code, set(answer.json())) == (400, {"message"})


async def test_a_worker_that_cancels_its_task_cancels_it_for_the_farm(
    farm: Farm, api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    answer = await say(api, at_work, taskStatus="canceled", activity="not today")

    [(job_id, change)] = farm.control.changes
    assert answer.status_code == 204
    assert (job_id, change.task, change.task_action) == (at_work.key.job_id, 1, TaskAction.CANCEL)
    assert await http_farm.outcome(at_work.key) == ("canceled", "not today")


async def test_a_task_given_back_ends_the_lease(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await say(api, at_work, taskStatus="queued")

    assert await http_farm.outcome(at_work.key) == ("refused", "its worker gave it back")


async def test_nobody_elses_task_is_changed(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork, awake: Make
) -> None:
    other = await awake("other")

    answer = await api.post(at_work.task_url, json={"taskStatus": "completed"}, auth=other)

    assert (answer.status_code, answer.json()["code"]) == (409, 409)
    assert await http_farm.state(at_work.key) is HttpRunState.RUNNING


async def test_a_task_that_was_given_to_another_since_is_not_its_any_more(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork, awake: Make
) -> None:
    await api.post("/api/v3/worker/state-changed", json={"status": "asleep"}, auth=at_work.auth)
    other = await awake("other")
    await http_farm.offer(await http_farm.lend(other.id, at_work.key.job_id), attempt=2)

    answer = await say(api, at_work, taskStatus="completed")

    assert answer.status_code == 409
    assert (await ask(api, at_work))["reason"] == "task not assigned to this worker"


async def test_unknown_tasks_and_bad_ids_are_told_apart(
    api: httpx.AsyncClient, at_work: AtWork, unknown_id: str
) -> None:
    url = "/api/v3/worker/task"

    unknown = await api.post(f"{url}/{unknown_id}", json={}, auth=at_work.auth)
    bad = await api.post(f"{url}/..%2F..%2Fetc", json={}, auth=at_work.auth)
    not_an_id = await api.post(f"{url}/1", json={}, auth=at_work.auth)

    assert (unknown.status_code, unknown.json()["code"]) == (404, 404)
    assert bad.status_code == 404
    assert (not_an_id.status_code, not_an_id.json()["message"]) == (400, "task ID not valid")


# --- may-i-run ------------------------------------------------------------------------------------


async def test_it_may_go_on_and_saying_so_touches_the_task(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork, fits: Fits
) -> None:
    before = await http_farm.run(at_work.key)

    answer = await ask(api, at_work)
    await http_farm.runs.store_heard()

    fits("MayKeepRunning", answer)
    assert answer == {"mayKeepRunning": True, "reason": "", "statusChangeRequested": False}
    after = await http_farm.run(at_work.key)
    assert before is not None
    assert after is not None
    assert after.touched > before.touched


@pytest.mark.parametrize(("is_lazy", "may"), [(True, True), (False, False)])
async def test_only_an_immediate_request_stops_it(
    farm: Farm, api: httpx.AsyncClient, at_work: AtWork, is_lazy: bool, may: bool
) -> None:
    service = WorkerService(farm.parts.database, 1.0)
    await service.request_status(at_work.auth.id, WorkerStatus.ASLEEP, is_lazy=is_lazy)

    answer = await ask(api, at_work)

    assert (answer["mayKeepRunning"], answer["statusChangeRequested"]) == (may, not may)
    assert answer["reason"] == ("" if may else "worker status change requested")


async def test_a_run_that_its_job_gave_up_ends_when_its_worker_asks_for_more(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await http_farm.runs.stop_run(at_work.auth.id, at_work.key, "its job gave it up")
    await http_farm.set_task(at_work.key, status=TaskStatus.CANCELED)
    asked = await ask(api, at_work)
    before = await http_farm.state(at_work.key)

    polled = await api.post("/api/v3/worker/task", auth=at_work.auth)
    await http_farm.delivery.deliver()

    assert (asked["mayKeepRunning"], asked["reason"]) == (
        False,
        'task is in non-runnable status "canceled"',
    )
    assert before is HttpRunState.RUNNING
    assert polled.status_code == 204
    [(_, _, outcome)] = http_farm.temporal.completed
    assert outcome == Outcome(OutcomeKind.CANCELED, "its job gave it up")


async def test_a_run_that_ended_before_it_was_stopped_counts_as_it_ended(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await http_farm.runs.stop_run(at_work.auth.id, at_work.key, "its job gave it up")

    await say(api, at_work, taskStatus="completed")

    assert (await http_farm.outcome(at_work.key))[0] == "completed"


async def test_of_an_unknown_task_nothing_may_run(
    api: httpx.AsyncClient, at_work: AtWork, unknown_id: str
) -> None:
    url = f"/api/v3/worker/task/{unknown_id}/may-i-run"

    unknown = await api.get(url, auth=at_work.auth)
    bad = await api.get("/api/v3/worker/task/1/may-i-run", auth=at_work.auth)

    assert unknown.json() == {
        "mayKeepRunning": False, "reason": "Task not found", "statusChangeRequested": False,
    }  # fmt: skip
    assert (bad.status_code, bad.json()["code"]) == (400, 400)


async def test_a_task_that_waits_may_not_run(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    second = RunKey(at_work.key.job_id, 2, 1, 1)
    await http_farm.set_task(second, worker_id=at_work.auth.id)
    tasks = (await api.get(f"/api/v3/jobs/{second.job_id}/tasks")).json()["tasks"]

    url = f"/api/v3/worker/task/{tasks[1]['id']}/may-i-run"
    answer = (await api.get(url, auth=at_work.auth)).json()

    assert answer["reason"] == 'task is in non-runnable status "queued"'


@pytest.mark.parametrize(
    ("log", "reason", "fault"),
    [
        (
            # Far above the end, which the log's tail does not have any more.
            "pid=7 > Error: Cannot render, no camera\n" + "pid=7 > and more\n" * 1000,
            "Error: Cannot render, no camera. "
            "The scene has no camera: add one, or make one active.",
            "scene",
        ),
        (
            "pid=7 > Error: Cannot render, no camera\npid=7 > Blender quit\n",
            "Error: Cannot render, no camera. "
            "The scene has no camera: add one, or make one active.",
            "scene",
        ),
        (
            "pid=7 > No space left on device\n",
            "A disk is full: free some space. (No space left on device)",
            "",
        ),
        ("pid=7 > Saved: '/out/f1.png'\n", "exit code 1", ""),
    ],
)
async def test_a_cause_in_the_log_is_the_reason(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork, log: str, reason: str, fault: str
) -> None:
    await say(api, at_work, log=log)

    await say(api, at_work, taskStatus="failed", activity="exit code 1")
    await http_farm.delivery.deliver()

    [(_, _, outcome)] = http_farm.temporal.completed
    assert (outcome.kind, outcome.reason, outcome.fault) == (OutcomeKind.FAILED, reason, fault)


LIBRARY = "pid=7 > Warning: Cannot find lib '/lib.blend'\n"
PREVIEW = {"name": "frames-to-video", "parameters": {"mayFail": True}}


@pytest.mark.parametrize(
    ("status", "fails", "kind"),
    [("completed", "", "completed"), ("completed", "yes", "failed"), ("failed", "", "failed")],
)
async def test_warnings_in_the_log_come_with_the_outcome(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork, status: str, fails: str, kind: str
) -> None:
    await http_farm.set_job(at_work.key.job_id, job_metadata={"fail_on_warnings": fails})
    await say(api, at_work, log=LIBRARY * 2)

    await say(api, at_work, taskStatus=status, activity="so it ended")
    await http_farm.delivery.deliver()

    [(_, _, outcome)] = http_farm.temporal.completed
    assert outcome.kind == kind
    assert outcome.warnings == (('a library is missing: "/lib.blend"', 2),)
    assert (outcome.fault == "scene") is bool(fails)


async def test_a_preview_that_fails_is_a_warning(
    api: httpx.AsyncClient, http_farm: HttpFarm, at_work: AtWork
) -> None:
    await http_farm.set_task(at_work.key, commands=[PREVIEW])

    await say(api, at_work, taskStatus="failed", activity="Failed: exit code 1")
    await http_farm.delivery.deliver()

    [(_, _, outcome)] = http_farm.temporal.completed
    assert outcome.kind is OutcomeKind.COMPLETED
    assert outcome.warnings == (("there is no preview video: exit code 1", 1),)
