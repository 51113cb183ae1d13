"""What a TD's script may do to a job through `tablao tunnel`, with Temporal's plain client.

Every open job's workflow answers; the workflow of an ended one is closed, so that its requeueing
goes by HTTP or `tablao` (docs/scripting.md). Each action is granted once and refused once here;
test_actions_over_api.py walks through the whole tables.
"""

import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from tests.farm.action_tables import (
    BECOMES,
    GRANTED,
    REFUSED,
    REQUEUES,
    TASK_GRANTED,
    TASK_REFUSED,
    once_per_action,
)
from tests.farm.custom_jobs import NOBODYS, ScriptFarm, script
from workflows.domain.messages import JobAction, TaskAction
from workflows.domain.statuses import ENDED, JobStatus, TaskStatus

if TYPE_CHECKING:
    from tests.e2e.conftest import StandingJob

Tasks = dict[TaskStatus, list[tuple[str, int]]]

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "td_script.py"
ask = runpy.run_path(str(SCRIPT))["ask"]

UPDATES: dict[JobAction, tuple[str, dict[str, Any]]] = {
    JobAction.CANCEL: ("cancel", {}),
    JobAction.PAUSE: ("pause", {}),
    JobAction.RESUME: ("resume", {}),
    JobAction.REQUEUE: ("requeue", {}),
    JobAction.REQUEUE_FAILED: ("requeue", {"failed_only": True}),
}
TASK_UPDATES = {TaskAction.CANCEL: "cancel_task", TaskAction.REQUEUE: "requeue_task"}


@pytest.fixture(scope="module")
def tunnel(farm: ScriptFarm) -> Iterator[str]:
    """The address at which `tablao tunnel` shows the farm's Temporal."""
    argv = [sys.executable, "-m", "manager_api.cli.main", "tunnel", "--port", "0"]
    process = subprocess.Popen(
        [*argv, "--manager", farm.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.communicate(timeout=30)


@pytest.fixture(scope="module")
def tasks(farm: ScriptFarm) -> Tasks:
    return farm.tasks_that_are()


async def refusal(tunnel: str, job_id: str, update: str, **more: Any) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await ask(tunnel, job_id, update, **more)
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "Refused"
    return failed.value.cause.message


@pytest.mark.parametrize(
    ("status", "action"), once_per_action(cell for cell in GRANTED if cell[0] not in ENDED)
)
async def test_an_update_does_what_the_table_grants(
    farm: ScriptFarm, tunnel: str, status: JobStatus, action: JobAction
) -> None:
    job_id, key = farm.job_that_is(status)
    started = farm.starts_of(key)
    update, more = UPDATES[action]

    answer, view = await ask(tunnel, job_id, update, **more)

    assert answer in BECOMES[status, action]
    assert sum(view["tasks"].values()) == len(farm.tasks(job_id))
    # Who is answered finds it in the database, too.
    assert farm.job(job_id)["status"] in BECOMES[status, action]
    if action in REQUEUES:
        farm.until_started(key, started + 1)


@pytest.mark.parametrize(
    ("status", "action"), once_per_action(cell for cell in REFUSED if cell[0] not in ENDED)
)
async def test_an_update_that_the_table_does_not_grant_is_refused(
    farm: ScriptFarm,
    tunnel: str,
    standing_job: "StandingJob",
    status: JobStatus,
    action: JobAction,
) -> None:
    job_id = standing_job(status)
    before = farm.job(job_id)
    update, more = UPDATES[action]

    sentence = await refusal(tunnel, job_id, update, **more)

    assert f'"{status}"' in sentence
    assert f'"{action}"' in sentence
    assert farm.job(job_id) == before


@pytest.mark.parametrize(
    ("status", "action"), list(zip(sorted(ENDED), sorted(JobAction), strict=False))
)
async def test_the_workflow_of_an_ended_job_is_closed_to_every_update(
    farm: ScriptFarm,
    tunnel: str,
    standing_job: "StandingJob",
    status: JobStatus,
    action: JobAction,
) -> None:
    job_id = standing_job(status)
    before = farm.job(job_id)
    update, more = UPDATES[action]

    with pytest.raises(RPCError, match="already completed"):
        await ask(tunnel, job_id, update, **more)

    assert farm.job(job_id) == before


@pytest.mark.parametrize(("status", "action"), once_per_action(TASK_REFUSED))
async def test_an_update_of_a_task_that_the_table_does_not_grant_is_refused(
    farm: ScriptFarm, tunnel: str, tasks: Tasks, status: TaskStatus, action: TaskAction
) -> None:
    job_id, index = tasks[status][0]

    sentence = await refusal(tunnel, job_id, TASK_UPDATES[action], task=index)

    assert f'"{status}"' in sentence
    farm.until_task_is(job_id, index, status)


@pytest.mark.parametrize(("status", "action"), once_per_action(TASK_GRANTED))
async def test_an_update_of_a_task_does_what_the_table_grants(
    farm: ScriptFarm, tunnel: str, tasks: Tasks, status: TaskStatus, action: TaskAction
) -> None:
    job_id, index = tasks[status][1]
    before = farm.until_task_is(job_id, index, status)

    await ask(tunnel, job_id, TASK_UPDATES[action], task=index)

    after = next(t for t in farm.tasks(job_id) if t["index_in_job"] == index)
    assert after["updated"] > before["updated"]
    assert action is TaskAction.REQUEUE or after["status"] == "canceled"


async def test_a_task_that_is_none_is_refused(tunnel: str, standing_job: "StandingJob") -> None:
    sentence = await refusal(tunnel, standing_job(JobStatus.QUEUED), "cancel_task", task=4711)

    assert sentence == "the job has no task number 4711"


async def test_signals_do_the_same_without_an_answer(farm: ScriptFarm, tunnel: str) -> None:
    waiting = [script("true", task_type=NOBODYS) for _ in range(3)]
    job_id = farm.insert(*waiting)
    farm.until_begun(job_id)
    client = await Client.connect(tunnel)
    workflow = client.get_workflow_handle(f"job-{job_id}")

    await workflow.signal("pause")
    farm.until_job_is(job_id, "paused")
    await workflow.signal("pause")  # refused: it is paused already, and nobody is told
    await workflow.signal("set_priority", {"priority": 77})
    await workflow.signal("resume", {"reason": "go on"})
    farm.until_job_is(job_id, "queued")
    await workflow.signal("cancel_task", {"task": 2})
    farm.until_task_is(job_id, 2, "canceled")
    await workflow.signal("requeue_task", {"task": 2})
    farm.until_task_is(job_id, 2, "queued")
    view = await workflow.query("tasks")
    await workflow.signal("cancel", {"reason": "enough"})
    job = farm.until_job_is(job_id, "canceled")

    assert job["priority"] == 77
    assert all("enough" in farm.task(task["id"])["activity"] for task in farm.tasks(job_id))
    assert [(row["index"], row["status"]) for row in view] == [
        (1, "queued"),
        (2, "queued"),
        (3, "queued"),
    ]


def test_the_script_of_the_documentation_works_as_it_is(
    farm: ScriptFarm, tunnel: str, standing_job: "StandingJob"
) -> None:
    job_id = farm.insert(script("true", task_type=NOBODYS))
    farm.until_begun(job_id)

    done = run_script(tunnel, job_id, "cancel_task", "1")
    refused = run_script(tunnel, standing_job(JobStatus.QUEUED), "resume")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("('canceled', {'status': 'canceled'")
    assert refused.returncode == 1
    assert 'a job that is "queued" cannot take the action "resume"' in refused.stderr


def run_script(*arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
