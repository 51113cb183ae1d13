"""Failing tasks on farms of one, two and four workers; who goes first; who sleeps.

One farm that grows: the tests run in the order of this file.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.farm.command_line import tablao
from tests.farm.custom_jobs import NOBODYS, ScriptFarm, holding, script
from tests.farm.histories import until_recalled
from tests.farm.processes import wait_until

#: Writes down which host tried which task.
TRIED = 'echo "start $HOST_NAME:{key} $$ 0" >> "$LEDGER"; '

FarmOf = Callable[[int], ScriptFarm]


@pytest.fixture(scope="module")
def farm_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarmOf]:
    """The farm with so many workers, `host1` and so on."""
    with ScriptFarm(tmp_path_factory.mktemp("small") / "farm") as farm:

        def grown(count: int) -> ScriptFarm:
            for number in range(len(farm.hosts) + 1, count + 1):
                farm.start_host(f"host{number}")
            farm.until_awake(count)
            assert len(farm.hosts) == count, "the farm does not shrink"
            return farm

        yield grown


def failing(key: str, where: str = "*") -> str:
    """A script that notes who tried it, and fails on hosts that match a pattern of the shell."""
    return TRIED.format(key=key) + f"case $HOST_NAME in {where}) exit 3;; esac"


def tries(farm: ScriptFarm, key: str) -> Counter[str]:
    """How often each host tried a task."""
    tried = (text.split(":") for text, _ in farm.started() if text.endswith(f":{key}"))
    return Counter(host for host, _ in tried)


def failed_by(farm: ScriptFarm, task_id: str) -> set[str]:
    return {worker["name"] for worker in farm.task(task_id)["failed_by_workers"]}


def task_ids(farm: ScriptFarm, job_id: str) -> list[str]:
    tasks = sorted(farm.tasks(job_id), key=lambda task: int(task["index_in_job"]))
    return [str(task["id"]) for task in tasks]


# --- one worker ----------------------------------------------------------------------------------


def test_alone_a_worker_tries_again_up_to_the_limit(farm_of: FarmOf) -> None:
    farm = farm_of(1)

    job_id = farm.insert(script(failing("alone")))

    job = farm.until_job_is(job_id, "failed")
    assert tries(farm, "alone") == {"host1": 3}
    assert "1 of 1 tasks failed" in job["activity"]
    task_id = task_ids(farm, job_id)[0]
    assert farm.task(task_id)["status"] == "failed"
    assert failed_by(farm, task_id) == {"host1"}
    log = farm.log(task_id)
    assert "command exited abnormally with code 3" in log


def test_alone_a_worker_may_succeed_at_its_second_try(farm_of: FarmOf) -> None:
    farm = farm_of(1)
    once = TRIED.format(key="once") + 'mkdir "$OUT/first-try" || exit 0; exit 3'

    job_id = farm.insert(script(once))

    farm.until_job_is(job_id, "completed")
    assert tries(farm, "once") == {"host1": 2}


def test_a_job_whose_workers_are_all_blocklisted_fails_and_says_so(farm_of: FarmOf) -> None:
    farm = farm_of(1)

    job_id = farm.insert(*(script(failing(f"blocked{n}")) for n in range(40)))

    job = farm.until_job_is(job_id, "failed")
    assert 'no more workers left to run tasks of type "misc"' in job["activity"]
    # Blocked at the third task it failed, not at the second and not at the fourth.
    assert sum(tries(farm, f"blocked{n}")["host1"] for n in range(40)) == 3
    assert {task["status"] for task in farm.tasks(job_id)} == {"canceled"}
    assert tablao(farm, "job", "log", job_id, "--failed").out.count("== script (canceled, ") == 3


def test_a_worker_blocked_for_one_job_works_for_the_next(farm_of: FarmOf) -> None:
    farm = farm_of(1)

    job_id = farm.insert(script(TRIED.format(key="next")))

    farm.until_job_is(job_id, "completed")


def test_a_later_job_of_higher_priority_goes_first_but_interrupts_nothing(
    farm_of: FarmOf,
) -> None:
    farm = farm_of(1)
    low = farm.insert(script(holding("low1")), script(TRIED.format(key="low2")), priority=10)
    farm.until_started("low1")
    high = farm.insert(script(TRIED.format(key="high")), priority=90)
    until_recalled(farm, low, 1)

    farm.release("low1")

    farm.until_job_is(high, "completed")
    farm.until_job_is(low, "completed")
    order = [text for text, _ in farm.started() if text in {"low1", "host1:low2", "host1:high"}]
    assert order == ["low1", "host1:high", "host1:low2"]
    assert [text for text, _ in farm.ended() if text == "low1"] == ["low1"]


def test_a_raised_priority_counts_for_a_job_that_waits(farm_of: FarmOf) -> None:
    farm = farm_of(1)
    running = farm.insert(script(holding("raise1")), script(TRIED.format(key="raise2")))
    farm.until_started("raise1")
    later = farm.insert(script(TRIED.format(key="raised")), priority=10)
    farm.until_begun(later)

    answer = farm.http.post(f"/api/v3/jobs/{later}/setpriority", json={"priority": 99})
    until_recalled(farm, running, 1)
    farm.release("raise1")

    assert answer.status_code == 204
    for job_id in (later, running):
        farm.until_job_is(job_id, "completed")
    order = [text for text, _ in farm.started() if text in {"host1:raise2", "host1:raised"}]
    assert order == ["host1:raised", "host1:raise2"]


def test_a_worker_sent_to_sleep_finishes_its_task_first(farm_of: FarmOf) -> None:
    farm = farm_of(1)
    job_id = farm.insert(script(holding("lazy1")), script(TRIED.format(key="lazy2")))
    farm.until_started("lazy1")

    farm.ask_worker("host1", "asleep", is_lazy=True)
    assert farm.worker("host1")["status"] == "awake"
    # Or it might have begun the next one before its job was told.
    until_recalled(farm, job_id, 1)
    farm.release("lazy1")
    farm.until_worker_is("host1", "asleep")

    assert [text for text, _ in farm.ended() if text == "lazy1"] == ["lazy1"]
    assert tries(farm, "lazy2") == {}
    assert farm.job(job_id)["status"] == "active"
    farm.ask_worker("host1", "awake", is_lazy=False)
    farm.until_job_is(job_id, "completed")
    assert tries(farm, "lazy2") == {"host1": 1}


def test_a_worker_sent_to_sleep_now_leaves_its_task_to_others_unblamed(farm_of: FarmOf) -> None:
    farm = farm_of(1)
    job_id = farm.insert(script(holding("now")))
    farm.until_started("now")

    farm.ask_worker("host1", "asleep", is_lazy=False)
    farm.until_worker_is("host1", "asleep")

    task = farm.until_task_is(job_id, 1, "queued")
    assert failed_by(farm, task["id"]) == set()
    assert [text for text, _ in farm.ended() if text == "now"] == []
    farm.ask_worker("host1", "awake", is_lazy=False)
    farm.until_started("now", 2)
    farm.release("now")
    farm.until_job_is(job_id, "completed")


def test_pausing_waits_for_active_tasks(farm_of: FarmOf) -> None:
    farm = farm_of(1)
    job_id = farm.insert(script(holding("paused1")), script(TRIED.format(key="paused2")))
    farm.until_started("paused1")

    farm.done(job_id, "pause")
    assert farm.job(job_id)["status"] == "pause-requested"
    farm.release("paused1")

    farm.until_job_is(job_id, "paused")
    assert [task["status"] for task in farm.tasks(job_id)] == ["completed", "paused"]
    farm.done(job_id, "resume")
    farm.until_job_is(job_id, "completed")
    assert farm.starts_of("paused1") == 1


def test_a_soft_failure_does_not_unpause_a_pausing_job(farm_of: FarmOf) -> None:
    farm = farm_of(1)
    job_id = farm.insert(script(f"{holding('soft')}; exit 3"), script("true"))
    farm.until_started("soft")
    farm.done(job_id, "pause")

    farm.release("soft")

    farm.until_job_is(job_id, "paused")
    assert {task["status"] for task in farm.tasks(job_id)} == {"paused"}
    assert failed_by(farm, task_ids(farm, job_id)[0]) == {"host1"}
    farm.done(job_id, "cancel")
    farm.until_job_is(job_id, "canceled")


# --- two workers ---------------------------------------------------------------------------------


def test_of_two_the_other_one_tries_what_one_failed(farm_of: FarmOf) -> None:
    farm = farm_of(2)

    job_id = farm.insert(*(script(failing(f"other{n}", "host1")) for n in range(2)))

    farm.until_job_is(job_id, "completed")
    for n in range(2):
        tried = tries(farm, f"other{n}")
        assert tried["host2"] == 1
        assert tried["host1"] <= 1


def test_with_two_a_task_that_fails_everywhere_fails_at_the_limit(farm_of: FarmOf) -> None:
    farm = farm_of(2)

    job_id = farm.insert(script(failing("both")))

    farm.until_job_is(job_id, "failed")
    tried = tries(farm, "both")
    assert sum(tried.values()) == 3
    assert set(tried) == {"host1", "host2"}
    assert failed_by(farm, task_ids(farm, job_id)[0]) == {"host1", "host2"}


def test_a_worker_is_blocklisted_at_its_third_failed_task_and_the_other_does_the_rest(
    farm_of: FarmOf,
) -> None:
    farm = farm_of(2)

    # Long enough for both to get a share.
    scripts = (script(failing(f"share{n}", "host1") + "; sleep 0.3") for n in range(20))
    job_id = farm.insert(*scripts)

    farm.until_job_is(job_id, "completed")
    by_first = sum(tries(farm, f"share{n}")["host1"] for n in range(20))
    assert by_first == 3
    assert sum(tries(farm, f"share{n}")["host2"] for n in range(20)) == 20


# --- four workers --------------------------------------------------------------------------------


def test_with_four_a_failing_task_is_tried_by_three_different_workers(farm_of: FarmOf) -> None:
    farm = farm_of(4)

    job_id = farm.insert(script(failing("four")))

    farm.until_job_is(job_id, "failed")
    tried = tries(farm, "four")
    assert sorted(tried.values()) == [1, 1, 1]
    assert failed_by(farm, task_ids(farm, job_id)[0]) == set(tried)


def test_one_failed_task_of_many_does_not_stop_the_others(farm_of: FarmOf) -> None:
    farm = farm_of(4)

    job_id = farm.insert(script(failing("one")), *(script("true") for _ in range(20)))

    job = farm.until_job_is(job_id, "failed")
    assert Counter(task["status"] for task in farm.tasks(job_id)) == {"completed": 20, "failed": 1}
    assert "nothing is left to run, 1 of 21 tasks failed" in job["activity"]
    farm.done(job_id, "requeue-failed")
    wait_until(lambda: sum(tries(farm, "one").values()) == 6, 90)


def test_a_tenth_of_failed_tasks_ends_a_job_and_what_it_runs(farm_of: FarmOf) -> None:
    farm = farm_of(4)

    rest = [script("true", task_type=NOBODYS) for _ in range(8)]
    held_then_failing = f"{holding('tenth')}; {failing('tenth')}"
    job_id = farm.insert(script(holding("rest")), script(held_then_failing), *rest)
    farm.until_started("rest")
    farm.release("tenth")

    job = farm.until_job_is(job_id, "failed")
    assert "1 of 10 tasks failed" in job["activity"]
    statuses = Counter(task["status"] for task in farm.tasks(job_id))
    assert statuses == {"failed": 1, "canceled": 9}
    wait_until(lambda: farm.shim_pids() == [], 60)
    assert [text for text, _ in farm.ended() if text == "rest"] == []


def test_a_job_of_higher_priority_gets_all_workers_after_their_tasks(farm_of: FarmOf) -> None:
    farm = farm_of(4)
    low = farm.insert(*(script(holding("all-low")) for _ in range(8)), priority=10)
    farm.until_started("all-low", 4)
    high = farm.insert(*(script(holding("all-high")) for _ in range(4)), priority=90)
    until_recalled(farm, low, 4)

    farm.release("all-low")
    farm.until_started("all-high", 4)

    # Nobody ran a second one of the lower job in between, and nothing was interrupted.
    assert farm.starts_of("all-low") == 4
    assert [text for text, _ in farm.ended()].count("all-low") == 4
    farm.release("all-high")
    farm.until_job_is(high, "completed")
    farm.until_job_is(low, "completed")
    assert farm.starts_of("all-low") == 8


def test_workers_of_a_tag_alone_serve_its_jobs(farm_of: FarmOf) -> None:
    farm = farm_of(4)
    tag = farm.tag_worker("host3")

    job_id = farm.insert(*(script(TRIED.format(key=f"tag{n}")) for n in range(5)), tag=tag)

    farm.until_job_is(job_id, "completed")
    assert [tries(farm, f"tag{n}") for n in range(5)] == [{"host3": 1}] * 5
