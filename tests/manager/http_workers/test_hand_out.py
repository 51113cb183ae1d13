"""A task is active from the moment when its worker fetches it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from manager_api.database.tables import LeaseRow, TaskRow
from manager_api.jobs import task_store as tasks
from manager_api.jobs.projection import SqlProjectionStore
from tests.manager.api_calls import Submit
from tests.manager.http_workers.http_farm import HttpFarm
from tests.manager.stand_in_farm import Credentials
from workflows.domain.job.encoding import TaskColumns, encode
from workflows.domain.messages import (
    Outcome,
    OutcomeKind,
    ProjectionWrite,
    RunKey,
    RunRef,
    RunStopped,
    TasksMoved,
)
from workflows.domain.statuses import JobStatus, TaskStatus

Make = Callable[..., Awaitable[Any]]
POLL = "/api/v3/worker/task"


@dataclass
class Workflow:
    """What the job's workflow does: it offers a task to a worker, and writes what it decided."""

    farm: HttpFarm
    worker: Credentials
    lease: LeaseRow
    sequence: int = 0

    @property
    def key(self) -> RunKey:
        return RunKey(self.lease.job_id, 1, 1, 1)

    async def attach(self, activity: str = "1") -> Outcome | None:
        ref = RunRef(self.key.job_id, 1, 1, 1, self.lease.id, 0, self.lease.generation)
        return await self.farm.runs.attach(ref, "run", activity)

    def moved(self, status: TaskStatus, **fields: Any) -> TasksMoved:
        given = {"worker_id": self.worker.id, "attempt": 1, **fields}
        return TasksMoved("1", status, f"it is {status}", **given)

    def offered(self) -> TasksMoved:
        return self.moved(TaskStatus.ACTIVE, is_offer=True)

    async def write(self, *moves: TasksMoved, **fields: Any) -> None:
        self.sequence += 1
        write = ProjectionWrite(self.key.job_id, 1, self.sequence, tasks=moves, **fields)
        await SqlProjectionStore(self.farm.farm.parts.database).store(write)

    async def task(self) -> TaskRow:
        async with self.farm.farm.parts.database.reading() as session:
            return await tasks.existing_task_of_job(session, self.key.job_id, 1)

    async def statuses_told(self) -> list[tuple[str, str]]:
        """(previous status, status) of the task, of each change that clients were told."""
        told = await self.farm.farm.told(f"/jobs/{self.key.job_id}")
        changes = [event for event in told if "previous_status" in event]
        return [(event["previous_status"], event["status"]) for event in changes]


@pytest.fixture
async def workflow(http_farm: HttpFarm, awake: Make, submit: Submit) -> Workflow:
    worker, job = await awake(), await submit()
    return Workflow(http_farm, worker, await http_farm.lend(worker.id, job["id"]))


async def poll(api: httpx.AsyncClient, workflow: Workflow) -> int:
    return (await api.post(POLL, auth=workflow.worker)).status_code


async def test_a_task_on_offer_waits_until_it_is_handed_out(
    api: httpx.AsyncClient, workflow: Workflow
) -> None:
    await workflow.write(workflow.offered())
    await workflow.attach()
    on_offer = await workflow.task()

    assert await poll(api, workflow) == 200

    fetched = await workflow.task()
    assert (on_offer.status, on_offer.attempt, on_offer.worker_id) == (TaskStatus.QUEUED, 1, None)
    assert (fetched.status, fetched.attempt) == (TaskStatus.ACTIVE, 1)
    assert (fetched.worker_id, fetched.activity) == (workflow.worker.id, "Started")
    assert fetched.started_at is not None
    assert await workflow.statuses_told() == [("queued", "active")]


async def test_the_write_may_come_after_the_hand_out(
    api: httpx.AsyncClient, workflow: Workflow
) -> None:
    await workflow.attach()
    assert await poll(api, workflow) == 200

    await workflow.write(workflow.offered(), workflow.moved(TaskStatus.COMPLETED))

    assert (await workflow.task()).status is TaskStatus.COMPLETED
    assert await workflow.statuses_told() == [("queued", "active"), ("active", "completed")]


async def test_a_task_that_did_not_wait_yet_in_the_database_is_moved_by_the_write(
    api: httpx.AsyncClient, workflow: Workflow
) -> None:
    await workflow.write(workflow.moved(TaskStatus.CANCELED, attempt=0))
    await workflow.attach()
    assert await poll(api, workflow) == 200
    assert (await workflow.task()).status is TaskStatus.CANCELED

    await workflow.write(workflow.moved(TaskStatus.QUEUED, attempt=0), workflow.offered())

    assert (await workflow.task()).status is TaskStatus.ACTIVE


async def test_an_offer_counts_after_older_moves_that_come_in_the_same_write(
    api: httpx.AsyncClient, workflow: Workflow
) -> None:
    """The task was canceled and requeued, then offered and handed out, before the write came."""
    await workflow.attach()
    assert await poll(api, workflow) == 200

    bulk = [
        TasksMoved("1", status, "", in_bulk=True)
        for status in (TaskStatus.CANCELED, TaskStatus.QUEUED)
    ]
    await workflow.write(*bulk, workflow.offered())

    task = await workflow.task()
    assert (task.status, task.attempt) == (TaskStatus.ACTIVE, 1)


async def test_a_hand_out_does_not_move_what_a_newer_run_of_the_job_has(
    api: httpx.AsyncClient, workflow: Workflow
) -> None:
    await workflow.attach()
    await workflow.farm.set_job(workflow.key.job_id, run=2)

    await poll(api, workflow)

    assert (await workflow.task()).status is TaskStatus.QUEUED


async def test_what_its_job_gave_up_is_not_handed_out(
    api: httpx.AsyncClient, workflow: Workflow
) -> None:
    await workflow.write(workflow.offered())
    await workflow.attach()

    stopped = RunStopped(workflow.key, workflow.worker.id, 1)
    await workflow.write(workflow.moved(TaskStatus.CANCELED, attempt=0), stopped=(stopped,))

    assert await poll(api, workflow) == 204
    assert (await workflow.task()).status is TaskStatus.CANCELED


@pytest.mark.parametrize("status", ["asleep", "offline"])
async def test_an_offer_to_a_worker_that_goes_away_was_no_try(
    api: httpx.AsyncClient, workflow: Workflow, status: str
) -> None:
    await workflow.write(workflow.offered())
    await workflow.attach()

    await api.post("/api/v3/worker/state-changed", json={"status": status}, auth=workflow.worker)
    await workflow.farm.delivery.deliver()

    [(_, _, outcome)] = workflow.farm.temporal.completed
    assert (outcome.kind, outcome.not_handed_out) == (OutcomeKind.REFUSED, True)
    await workflow.write(workflow.moved(TaskStatus.QUEUED, attempt=0))
    task = await workflow.task()
    assert (task.status, task.attempt) == (TaskStatus.QUEUED, 0)
    assert await workflow.statuses_told() == []


async def test_the_same_attempt_is_offered_to_another_worker(
    api: httpx.AsyncClient, workflow: Workflow, awake: Make
) -> None:
    await workflow.write(workflow.offered())
    await workflow.attach()
    asleep = {"status": "asleep"}
    await api.post("/api/v3/worker/state-changed", json=asleep, auth=workflow.worker)
    paco = await awake("paco")
    lease = await workflow.farm.lend(paco.id, workflow.key.job_id)
    second = Workflow(workflow.farm, paco, lease, workflow.sequence)
    await second.write(second.moved(TaskStatus.QUEUED, attempt=0), second.offered())

    assert await second.attach("2") is None
    assert await poll(api, second) == 200

    task = await workflow.task()
    assert (task.status, task.attempt, task.worker_id) == (TaskStatus.ACTIVE, 1, paco.id)


async def test_an_offer_that_came_to_nothing_is_forgotten_at_once(
    api: httpx.AsyncClient, workflow: Workflow
) -> None:
    await workflow.attach()
    asleep = {"status": "asleep"}
    await api.post("/api/v3/worker/state-changed", json=asleep, auth=workflow.worker)
    await workflow.farm.delivery.deliver()

    await workflow.farm.keeping.look()

    assert await workflow.farm.run(workflow.key) is None


async def test_a_snapshot_leaves_a_task_on_offer_waiting(
    api: httpx.AsyncClient, workflow: Workflow
) -> None:
    await workflow.attach()
    columns = TaskColumns(
        types=["misc", "misc"],
        priorities=[50, 50],
        depends_on=["", "1"],
        statuses=[TaskStatus.ACTIVE, TaskStatus.QUEUED],
        attempts=[1, 0],
        failures=[0, 0],
        failed_by=[(), ()],
    )

    await workflow.write(snapshot=encode(columns), status=JobStatus.ACTIVE, all_held=())

    assert (await workflow.task()).status is TaskStatus.QUEUED
    assert await poll(api, workflow) == 200
    assert (await workflow.task()).status is TaskStatus.ACTIVE


async def test_a_late_word_about_the_last_try_does_not_count_for_the_next_one(
    api: httpx.AsyncClient, workflow: Workflow, sign_on: dict[str, Any]
) -> None:
    """A worker that has restarted sends what its last process could not send."""
    await workflow.write(workflow.offered())
    await workflow.attach()
    await poll(api, workflow)
    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=workflow.worker)
    await workflow.write(workflow.moved(TaskStatus.QUEUED))
    second, _ = await workflow.farm.offer_only(workflow.lease, attempt=2)
    url = f"{POLL}/{(await workflow.task()).id}"

    said = {"taskStatus": "completed", "log": "of the first try"}
    answer = await api.post(url, json=said, auth=workflow.worker)

    assert answer.status_code == 204
    assert await workflow.farm.outcome(second) == ("", "")
    logs = workflow.farm.farm.parts.logs.job_directory(workflow.key.job_id)
    [log] = logs.glob("*-1.txt")
    assert log.name.endswith(".000001-1.txt")
