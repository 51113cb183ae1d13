"""Jobs that have not ended are canceled before they are deleted."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx

from manager_api.contract.errors import OrchestratorUnavailable
from manager_api.end_of_life.deleter import JobDeleter, PendingDeletionCanceler
from manager_api.keeper.store import SqlKeeperStore
from tests.manager.api_calls import Submit
from tests.manager.end_of_life.traces import AT_ONCE, is_there
from workflows.domain.messages import JobAction
from workflows.domain.statuses import JobStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


async def test_an_unfinished_job_is_canceled_first_and_deleted_when_it_has_ended(
    farm: "Farm",
    api: httpx.AsyncClient,
    submit: Submit,
    deleter: Callable[..., JobDeleter],
    epoch: int,
) -> None:
    job_id = (await submit())["id"]
    assert (await api.delete(f"/api/v3/jobs/{job_id}")).status_code == 204
    canceler = PendingDeletionCanceler(farm.parts.database, farm.control, AT_ONCE)

    await canceler.work_off()
    await deleter().work_off(epoch)

    assert await is_there(farm, job_id)
    [(canceled, change)] = farm.control.changes
    assert (canceled, change.action) == (job_id, JobAction.CANCEL)
    await farm.set_job(job_id, status=JobStatus.CANCELED)
    await canceler.work_off()
    await deleter().work_off(epoch)
    assert not await is_there(farm, job_id)
    assert len(farm.control.changes) == 1


async def test_a_cancelation_is_tried_again_while_temporal_is_away(
    farm: "Farm", api: httpx.AsyncClient, submit: Submit
) -> None:
    job_id = (await submit())["id"]
    await api.delete(f"/api/v3/jobs/{job_id}")
    canceler = PendingDeletionCanceler(farm.parts.database, farm.control, AT_ONCE)
    farm.control.refusal = OrchestratorUnavailable()

    await canceler.work_off()
    farm.control.refusal = None
    await canceler.work_off()

    assert [canceled for canceled, _ in farm.control.changes] == [job_id]


async def test_a_job_that_is_to_go_asks_for_no_workers(
    farm: "Farm", api: httpx.AsyncClient, submit: Submit
) -> None:
    demand = {
        "version": 1,
        "wants": [{"task_type": "misc", "count": 3, "blocked": [], "failed": []}],
    }
    stays, goes = (await submit())["id"], (await submit())["id"]
    for job_id in (stays, goes):
        await farm.set_job(job_id, demand=demand)
    await api.delete(f"/api/v3/jobs/{goes}")

    snapshot = await SqlKeeperStore(farm.parts.database).snapshot(lambda _: True)

    assert {job.id: job.demand is not None for job in snapshot.jobs} == {stays: True, goes: False}
