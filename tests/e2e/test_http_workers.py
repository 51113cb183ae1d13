"""Workers that speak HTTP on a farm of real processes: what befalls their tasks, and them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.chaos.one_job import continued_as_new
from tests.farm.custom_jobs import ScriptFarm, script
from tests.farm.http_worker import HttpWorkerClient
from tests.farm.processes import wait_until

WORKER_TIMEOUT_S = 10
SETTINGS = {
    "TABLAO_HTTP_POLL_S": "2",
    "TABLAO_WORKER_TIMEOUT": f"{WORKER_TIMEOUT_S}s",
    "TABLAO_TASK_TIMEOUT": "1h",
    "TABLAO_BLOCKLIST_THRESHOLD": "2",
    # Continue-as-new after some twenty tasks.
    "TABLAO_HISTORY_EVENTS": "100",
}
COMPLETED = {"taskStatus": "completed", "activity": "Completed"}


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptFarm]:
    """Without a single host."""
    with ScriptFarm(tmp_path_factory.mktemp("farm") / "farm", SETTINGS) as farm:
        yield farm


class Worker(HttpWorkerClient):
    """Does nothing but what a test tells it to."""

    def task(self, *, at_most: int = 40) -> dict[str, Any]:
        """Asks until it is given one."""
        for _ in range(at_most):
            answer = self.ask_for_task()
            if answer.status_code == 200:
                return dict(answer.json())
            assert answer.status_code == 204, answer.text
        raise AssertionError("no task came")

    def complete(self, task: dict[str, Any]) -> None:
        assert self.update(task["uuid"], **COMPLETED) == 204

    def until_stopped(self, task: dict[str, Any]) -> str:
        """Why it may not go on."""

        def refusal() -> str:
            answer = self.may_i_run(task["uuid"])
            return "" if answer["mayKeepRunning"] else str(answer["reason"])

        return wait_until(refusal, 60)


@contextmanager
def working(farm: ScriptFarm, name: str) -> Iterator[Worker]:
    """A worker that takes only tasks of a type with its own name."""
    worker = Worker(farm.url, name, (name,))
    worker.register()
    worker.sign_on()
    worker.state_changed("awake")
    yield worker
    worker.sign_off()
    worker.close()


def attempts(farm: ScriptFarm, job_id: str) -> list[tuple[int, int]]:
    """(attempt, failures) of each task, by index."""
    query = "select attempt, failures from tasks where job_id = ? order by index_in_job"
    return [(int(row[0]), int(row[1])) for row in farm.query(query, job_id)]


def test_a_run_goes_on_when_its_jobs_history_is_continued(farm: ScriptFarm) -> None:
    with working(farm, "steady") as steady, working(farm, "busy") as busy:
        held = script("true", task_type="steady")
        job_id = farm.insert(held, *[script("true", task_type="busy")] * 45)
        task = steady.task()

        for _ in range(45):
            busy.complete(busy.task())
            assert steady.may_i_run(task["uuid"])["mayKeepRunning"]
        histories = wait_until(lambda: continued_as_new(farm, job_id))
        steady.complete(task)
        farm.until_job_is(job_id, "completed")

    assert histories >= 1
    assert attempts(farm, job_id) == [(1, 0)] * 46


def test_a_canceled_task_is_stopped_and_can_be_requeued(farm: ScriptFarm) -> None:
    with working(farm, "canceled") as worker:
        job_id = farm.insert(*[script("true", task_type="canceled")] * 2)
        first = worker.task()
        assert farm.act_on_task(first["uuid"], "cancel") == (204, "")
        reason = worker.until_stopped(first)

        second = worker.task()
        assert farm.act_on_task(first["uuid"], "requeue") == (204, "")
        worker.complete(second)
        again = worker.task()
        worker.complete(again)
        farm.until_job_is(job_id, "completed")

    assert reason == 'task is in non-runnable status "canceled"'
    assert second["uuid"] != first["uuid"]
    assert again["uuid"] == first["uuid"]
    assert attempts(farm, job_id) == [(2, 0), (1, 0)]


def test_a_canceled_job_ends_when_its_worker_has_stopped(farm: ScriptFarm) -> None:
    with working(farm, "stopped") as worker:
        job_id = farm.insert(script("true", task_type="stopped"))
        task = worker.task()
        farm.done(job_id, "cancel")
        worker.until_stopped(task)

        assert worker.ask_for_task().status_code == 204
        farm.until_job_is(job_id, "canceled")


def test_a_silent_workers_task_is_done_by_another_and_nobody_is_blamed(farm: ScriptFarm) -> None:
    with working(farm, "silent") as silent:
        job_id = farm.insert(script("true", task_type="silent"))
        lost = silent.task()
        farm.until_worker_is("silent", "error")
        farm.until_task_is(job_id, 1, "queued")
        may = silent.may_i_run(lost["uuid"])

        again = silent.task()
        silent.complete(again)
        farm.until_job_is(job_id, "completed")

    assert not may["mayKeepRunning"]
    assert again["uuid"] == lost["uuid"]
    assert attempts(farm, job_id) == [(2, 0)]


def test_a_worker_that_signs_on_anew_gets_its_task_from_the_beginning(farm: ScriptFarm) -> None:
    with working(farm, "anew") as worker:
        job_id = farm.insert(*[script("true", task_type="anew")] * 2)
        before = worker.task()

        assert worker.sign_on() == "awake"
        worker.state_changed("awake")
        after = worker.task()
        worker.complete(after)
        worker.complete(worker.task())
        farm.until_job_is(job_id, "completed")

    assert after["uuid"] == before["uuid"]
    assert attempts(farm, job_id) == [(2, 0), (1, 0)]


def test_a_worker_that_fails_too_often_is_blocked_and_goes_on_elsewhere(farm: ScriptFarm) -> None:
    with working(farm, "clumsy") as clumsy:
        rest = [script("true", task_type="clumsy")] * 30
        job_id = farm.insert(*rest)
        for _ in range(2):
            task = clumsy.task()
            failed = {"taskStatus": "failed", "activity": "Failed: dropped it"}
            assert clumsy.update(task["uuid"], **failed) == 204
        farm.until_job_is(job_id, "failed")
        other = farm.insert(script("true", task_type="clumsy"))
        clumsy.complete(clumsy.task())
        farm.until_job_is(other, "completed")

    query = "select task_type from job_blocks where job_id = ?"
    assert farm.query(query, job_id) == [("clumsy",)]
    assert "no more workers left" in farm.job(job_id)["activity"]


def test_a_worker_told_to_sleep_at_once_gives_its_task_back(farm: ScriptFarm) -> None:
    with working(farm, "sleepy") as worker:
        job_id = farm.insert(script("true", task_type="sleepy"))
        task = worker.task()
        farm.ask_worker("sleepy", "asleep", is_lazy=False)
        reason = worker.until_stopped(task)

        asked = worker.ask_for_task()
        worker.state_changed("asleep")
        farm.until_task_is(job_id, 1, "queued")
        state_asleep = worker.state()
        farm.ask_worker("sleepy", "awake", is_lazy=False)
        state_awake = worker.state()
        worker.state_changed("awake")
        worker.complete(worker.task())
        farm.until_job_is(job_id, "completed")

    assert reason == "worker status change requested"
    assert (asked.status_code, asked.json()) == (423, {"status_requested": "asleep"})
    assert (state_asleep, state_awake) == ("", "awake")
    assert attempts(farm, job_id) == [(2, 0)]


def test_a_worker_told_to_sleep_later_ends_its_task_first(farm: ScriptFarm) -> None:
    with working(farm, "tired") as worker:
        job_id = farm.insert(*[script("true", task_type="tired")] * 2)
        task = worker.task()
        farm.ask_worker("tired", "asleep", is_lazy=True)

        assert worker.may_i_run(task["uuid"])["mayKeepRunning"]
        worker.complete(task)
        farm.until_task_is(job_id, 1, "completed")
        assert worker.ask_for_task().status_code == 423
        worker.state_changed("asleep")

        assert farm.until_task_is(job_id, 2, "queued")
        assert farm.worker("tired")["status"] == "asleep"
        farm.done(job_id, "cancel")


def test_an_offer_to_a_worker_that_hung_up_is_taken_by_another(farm: ScriptFarm) -> None:
    with working(farm, "fickle") as fickle, working(farm, "fickle") as other:
        with pytest.raises(httpx.ReadTimeout):
            fickle.ask_for_task(patience_s=0.5)
        job_id = farm.insert(script("true", task_type="fickle"))

        other.complete(other.task())
        farm.until_job_is(job_id, "completed")

    assert attempts(farm, job_id)[0][1] == 0


def test_signing_off_in_the_middle_of_a_task_gives_it_back(farm: ScriptFarm) -> None:
    with working(farm, "leaving") as worker:
        job_id = farm.insert(script("true", task_type="leaving"))
        worker.task()

        worker.sign_off()
        farm.until_task_is(job_id, 1, "queued")
        resumed = worker.sign_on()
        worker.state_changed("awake")
        worker.complete(worker.task())
        farm.until_job_is(job_id, "completed")

    assert resumed == "awake"
    assert attempts(farm, job_id) == [(2, 0)]


def test_nothing_is_kept_of_runs_that_are_settled(farm: ScriptFarm) -> None:
    wait_until(lambda: farm.rows("http_runs") == 0, 60)
