"""Each cell of the two tables of actions, asked for over HTTP on a farm that runs."""

from typing import TYPE_CHECKING

import pytest

from tests.farm.action_tables import (
    BECOMES,
    GRANTED,
    REFUSED,
    REQUEUES,
    TASK_GRANTED,
    TASK_REFUSED,
)
from tests.farm.custom_jobs import ScriptFarm
from workflows.domain.messages import JobAction, TaskAction
from workflows.domain.statuses import JobStatus, TaskStatus

if TYPE_CHECKING:
    from tests.e2e.conftest import StandingJob

Tasks = dict[TaskStatus, list[tuple[str, int]]]

#: How Flamenco's clients ask: by naming a status. "Requeue failed" is no word of theirs.
ASKED_WITH = {
    JobAction.CANCEL: JobStatus.CANCEL_REQUESTED,
    JobAction.PAUSE: JobStatus.PAUSE_REQUESTED,
    JobAction.RESUME: JobStatus.QUEUED,
    JobAction.REQUEUE: JobStatus.REQUEUEING,
}
TASK_ASKED_WITH = {TaskAction.CANCEL: TaskStatus.CANCELED, TaskAction.REQUEUE: TaskStatus.QUEUED}


@pytest.fixture(scope="module")
def tasks(farm: ScriptFarm) -> Tasks:
    return farm.tasks_that_are()


def set_status(farm: ScriptFarm, kind: str, id_: str, status: str) -> tuple[int, str]:
    body = {"status": status, "reason": "asked by a test"}
    answer = farm.http.post(f"/api/v3/{kind}/{id_}/setstatus", json=body)
    return answer.status_code, answer.json()["message"] if answer.content else ""


def task_at(farm: ScriptFarm, place: tuple[str, int]) -> str:
    job_id, index = place
    return str(next(t["id"] for t in farm.tasks(job_id) if t["index_in_job"] == index))


@pytest.mark.parametrize(("status", "action"), GRANTED)
def test_what_the_table_grants_is_done(
    farm: ScriptFarm, status: JobStatus, action: JobAction
) -> None:
    job_id, key = farm.job_that_is(status)
    started = farm.starts_of(key)

    if action in ASKED_WITH:
        answer = set_status(farm, "jobs", job_id, ASKED_WITH[action])
    else:
        answer = farm.act(job_id, action)

    # What was granted can be read at once.
    assert answer == (204, "")
    assert farm.job(job_id)["status"] in BECOMES[status, action]
    if action in REQUEUES:
        farm.until_started(key, started + 1)


@pytest.mark.parametrize(("status", "action"), REFUSED)
def test_what_the_table_leaves_empty_is_refused_and_changes_nothing(
    farm: ScriptFarm, standing_job: "StandingJob", status: JobStatus, action: JobAction
) -> None:
    job_id = standing_job(status)
    before = farm.job(job_id)

    code, sentence = farm.act(job_id, action)

    assert code == 422
    assert f'"{status}"' in sentence
    assert f'"{action}"' in sentence
    assert farm.job(job_id) == before


@pytest.mark.parametrize(("status", "action"), [cell for cell in REFUSED if cell[1] in ASKED_WITH])
def test_naming_a_status_is_refused_just_so(
    farm: ScriptFarm, standing_job: "StandingJob", status: JobStatus, action: JobAction
) -> None:
    job_id = standing_job(status)
    before = farm.job(job_id)

    code, sentence = set_status(farm, "jobs", job_id, ASKED_WITH[action])

    # Naming the status that a job has already asks for nothing.
    assert code == (204 if ASKED_WITH[action] == status else 422), sentence
    assert code == 204 or f'"{status}"' in sentence
    assert farm.job(job_id) == before


@pytest.mark.parametrize("status", ["active", "completed", "failed", "canceled", "paused"])
def test_statuses_that_only_come_by_themselves_cannot_be_named(
    farm: ScriptFarm, standing_job: "StandingJob", status: str
) -> None:
    code, sentence = set_status(farm, "jobs", standing_job(JobStatus.QUEUED), status)

    assert code == 422
    assert f'"{status}"' in sentence


@pytest.mark.parametrize(("status", "action"), TASK_REFUSED)
def test_what_the_table_of_tasks_leaves_empty_is_refused(
    farm: ScriptFarm, tasks: Tasks, status: TaskStatus, action: TaskAction
) -> None:
    task_id = task_at(farm, tasks[status][0])

    code, sentence = farm.act_on_task(task_id, action)

    assert code == 422
    assert f'"{status}"' in sentence
    assert farm.task(task_id)["status"] == status


@pytest.mark.parametrize(("status", "action"), TASK_GRANTED)
def test_what_the_table_of_tasks_grants_is_done(
    farm: ScriptFarm, tasks: Tasks, status: TaskStatus, action: TaskAction
) -> None:
    task_id = task_at(farm, tasks[status][1])
    updated = farm.task(task_id)["updated"]

    answer = set_status(farm, "tasks", task_id, TASK_ASKED_WITH[action])

    assert answer == (204, "")
    after = farm.task(task_id)
    if action is TaskAction.CANCEL:
        assert after["status"] == "canceled"
    else:
        assert after["updated"] > updated
