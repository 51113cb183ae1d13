"""Tasks that hang, take too long, or wait for a worker that hangs, on a farm of two workers.

The tests run in the order of this file; in the last one, the second worker hangs for ever.
"""

from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest

from tests.farm.command_line import tablao
from tests.farm.custom_jobs import ScriptFarm, script
from tests.farm.processes import wait_until

#: What only the first try of a task does.
FIRST_TRY = 'mkdir "$OUT/{key}" 2>/dev/null && {{ {what}; }}; exit 0'
SETTINGS = {
    "TABLAO_SILENT_AFTER": "2s",
    "TABLAO_SILENCE_CHECK_S": "0.2",
    "TABLAO_OTHER_WORKER_WAIT": "5s",
}


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptFarm]:
    with ScriptFarm(tmp_path_factory.mktemp("times") / "farm", SETTINGS) as farm:
        farm.start_host("host1")
        farm.start_host("host2")
        farm.until_awake(2)
        yield farm


def at_first(key: str, what: str) -> str:
    return FIRST_TRY.format(key=key, what=what)


def only_task(farm: ScriptFarm, job_id: str) -> str:
    [task] = farm.tasks(job_id)
    return str(task["id"])


def tries(farm: ScriptFarm, task_id: str) -> dict[str, str]:
    answer: httpx.Response = farm.http.get(f"/api/tablao/v1/tasks/{task_id}/tries")
    found: dict[str, str] = answer.json()
    return found


def failed_by(farm: ScriptFarm, task_id: str) -> list[str]:
    return [worker["name"] for worker in farm.task(task_id)["failed_by_workers"]]


def test_a_silent_task_is_shown_as_stuck_until_it_goes_on(farm: ScriptFarm) -> None:
    # A pipe that nothing writes to: no CPU time at all.
    wait = 'mkfifo "$OUT/go-on"; read line < "$OUT/go-on"; '
    wait += 'until [ -e "$OUT/end" ]; do echo again; sleep 0.2; done'
    job_id = farm.insert(script(wait))
    task_id = only_task(farm, job_id)

    since = wait_until(lambda: tries(farm, task_id).get("silent_since"), 60)
    shown = tablao(farm, "job", "show", job_id).out
    (farm.out / "go-on").write_text("go on\n")
    wait_until(lambda: tries(farm, task_id).get("silent_since") is None, 60)
    (farm.out / "end").touch()

    farm.until_job_is(job_id, "completed")
    assert datetime.fromisoformat(since).tzinfo is not None
    assert f"active, stuck since {since}" in shown
    assert failed_by(farm, task_id) == []


def test_a_silent_task_is_tried_elsewhere_where_its_job_says_so(farm: ScriptFarm) -> None:
    job_id = farm.insert(script(at_first("hangs", "sleep 1000")), metadata={"when_silent": "stop"})

    farm.until_job_is(job_id, "completed")

    task_id = only_task(farm, job_id)
    [first] = failed_by(farm, task_id)
    assert farm.task(task_id)["worker"]["name"] != first
    log = farm.log(task_id)
    assert "Stopped: it was stopped, because it had no output and no CPU time for" in log


def test_a_task_that_takes_too_long_is_tried_elsewhere(farm: ScriptFarm) -> None:
    busy = at_first("long", "while true; do echo busy; sleep 0.1; done")

    job_id = farm.insert(script(busy), metadata={"longest_run": "2s"})

    farm.until_job_is(job_id, "completed")
    task_id = only_task(farm, job_id)
    assert len(failed_by(farm, task_id)) == 1
    assert "because a run of this task may take 2 s at most" in farm.log(task_id)


def test_ten_jobs_that_failed_on_the_free_worker_do_not_wait_for_one_that_hangs(
    farm: ScriptFarm,
) -> None:
    hanging = farm.insert(script("sleep 1000"), tag=farm.tag_worker("host2"))
    wait_until(lambda: farm.job(hanging)["status"] == "active", 60)

    jobs = [farm.insert(script(at_first(f"job-{n}", "exit 3"))) for n in range(10)]

    for job_id in jobs:
        farm.until_job_is(job_id, "completed")
        task = farm.task(only_task(farm, job_id))
        assert [worker["name"] for worker in task["failed_by_workers"]] == ["host1"]
        assert task["worker"]["name"] == "host1"
    assert farm.job(hanging)["status"] == "active"
