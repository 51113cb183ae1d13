"""Each action, granted once and refused once, asked for with `tablao` on a farm that runs.

test_actions_over_api.py walks through the whole tables.
"""

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.farm.action_tables import (
    BECOMES,
    GRANTED,
    REFUSED,
    REQUEUES,
    TASK_GRANTED,
    TASK_REFUSED,
    once_per_action,
)
from tests.farm.command_line import tablao
from tests.farm.custom_jobs import ScriptFarm
from workflows.domain.messages import JobAction, TaskAction
from workflows.domain.statuses import JobStatus, TaskStatus

if TYPE_CHECKING:
    from tests.e2e.conftest import StandingJob

Tasks = dict[TaskStatus, list[tuple[str, int]]]

VERBS = {
    JobAction.CANCEL: ["cancel"],
    JobAction.PAUSE: ["pause"],
    JobAction.RESUME: ["resume"],
    JobAction.REQUEUE: ["requeue"],
    JobAction.REQUEUE_FAILED: ["requeue", "--failed"],
}


@pytest.fixture(scope="module")
def tasks(farm: ScriptFarm) -> Tasks:
    return farm.tasks_that_are()


def task_at(farm: ScriptFarm, place: tuple[str, int]) -> str:
    job_id, index = place
    return str(next(t["id"] for t in farm.tasks(job_id) if t["index_in_job"] == index))


@pytest.mark.parametrize(("status", "action"), once_per_action(GRANTED))
def test_what_the_table_grants_is_done_and_said(
    farm: ScriptFarm, status: JobStatus, action: JobAction
) -> None:
    job_id, key = farm.job_that_is(status)
    started = farm.starts_of(key)

    said = tablao(farm, "job", *VERBS[action], job_id)

    assert said.exit_code == 0, said
    assert said.out.startswith(f"Job {job_id} is now ")
    assert farm.job(job_id)["status"] in BECOMES[status, action]
    if action in REQUEUES:
        farm.until_started(key, started + 1)


# Naming the status that a job or a task has already asks for nothing, and is granted.
@pytest.mark.parametrize(
    ("status", "action"),
    once_per_action(
        cell
        for cell in REFUSED
        if cell
        not in {
            (JobStatus.QUEUED, JobAction.RESUME),
            (JobStatus.PAUSE_REQUESTED, JobAction.PAUSE),
        }
    ),
)
def test_what_the_table_leaves_empty_is_refused_with_a_sentence(
    farm: ScriptFarm, standing_job: "StandingJob", status: JobStatus, action: JobAction
) -> None:
    job_id = standing_job(status)
    before = farm.job(job_id)

    said = tablao(farm, "job", *VERBS[action], job_id)

    assert (said.exit_code, said.out) == (1, "")
    assert said.err.startswith("Error: ")
    assert f'"{status}"' in said.err
    assert farm.job(job_id) == before


def test_pausing_a_job_that_is_about_to_pause_is_granted(
    farm: ScriptFarm, standing_job: "StandingJob"
) -> None:
    job_id = standing_job(JobStatus.PAUSE_REQUESTED)
    before = farm.job(job_id)

    said = tablao(farm, "job", "pause", job_id)

    assert said.exit_code == 0
    assert farm.job(job_id) == before


@pytest.mark.parametrize(
    ("status", "action"),
    once_per_action(
        cell
        for cell in TASK_REFUSED
        if cell
        not in {(TaskStatus.CANCELED, TaskAction.CANCEL), (TaskStatus.QUEUED, TaskAction.REQUEUE)}
    ),
)
def test_what_the_table_of_tasks_leaves_empty_is_refused(
    farm: ScriptFarm, tasks: Tasks, status: TaskStatus, action: TaskAction
) -> None:
    task_id = task_at(farm, tasks[status][0])
    before = farm.task(task_id)

    said = tablao(farm, "task", action, task_id)

    assert said.exit_code == 1
    assert f'"{status}"' in said.err
    assert farm.task(task_id)["status"] == before["status"]


def test_canceling_a_canceled_task_is_granted(farm: ScriptFarm, tasks: Tasks) -> None:
    task_id = task_at(farm, tasks[TaskStatus.CANCELED][0])

    said = tablao(farm, "task", "cancel", task_id)

    assert said.exit_code == 0
    assert farm.task(task_id)["status"] == "canceled"


@pytest.mark.parametrize(("status", "action"), once_per_action(TASK_GRANTED))
def test_what_the_table_of_tasks_grants_is_done_and_said(
    farm: ScriptFarm, tasks: Tasks, status: TaskStatus, action: TaskAction
) -> None:
    task_id = task_at(farm, tasks[status][1])
    updated = farm.task(task_id)["updated"]

    said = tablao(farm, "task", action, task_id)

    assert said.exit_code == 0, said
    assert said.out.startswith(f"Task {task_id} is now ")
    assert farm.task(task_id)["updated"] > updated


def test_the_process_ends_with_the_code_and_the_sentence(
    farm: ScriptFarm, standing_job: "StandingJob"
) -> None:
    job_id = standing_job(JobStatus.COMPLETED)
    argv = [sys.executable, "-m", "manager_api.cli.main", "job", "pause", job_id]

    result = subprocess.run(
        [*argv, "--manager", farm.url], capture_output=True, text=True, timeout=60, check=False
    )

    sentence = 'Error: a job that is "completed" cannot take the action "pause"\n'
    assert (result.returncode, result.stdout, result.stderr) == (1, "", sentence)


def test_the_log_of_failed_tasks_says_why(farm: ScriptFarm, standing_job: "StandingJob") -> None:
    said = tablao(farm, "job", "log", standing_job(JobStatus.FAILED), "--failed")

    assert said.exit_code == 0
    assert said.out.count("== script (failed, ") == 1
    assert "command exited abnormally with code 3" in said.out
