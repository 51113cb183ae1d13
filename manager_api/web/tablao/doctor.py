"""What the doctors of the manager and of workers' machines find, for `tablao doctor`."""

from fastapi import APIRouter

from manager_api.contract.doctor import DoctorReport, WorkerExamination
from manager_api.web.auth import ChangingWorkers
from manager_api.web.dependencies import DoctorOfFarm, DoctorsOfMachines, Parts
from manager_api.web.parameters import WorkerId
from manager_api.web.responses import ERROR, refusal

router = APIRouter(prefix="/api/tablao/v1", tags=["farm"])


# Its sentences name paths, settings and workers, so it is for those who run the farm.
@router.get("/doctor", operation_id="getDoctorReport", dependencies=[ChangingWorkers])
async def get_doctor_report(doctor: DoctorOfFarm) -> DoctorReport:
    """Look at every part of the farm, which takes some seconds; callers at one time share it.

    It writes a file into each of the manager's folders and removes it, and writes the manager's
    sign of life into the database.
    """
    return await doctor.report()


@router.get(
    "/workers/{worker_id}/doctor",
    operation_id="getWorkerExamination",
    dependencies=[ChangingWorkers],
    responses=ERROR,
)
async def get_worker_examination(
    worker_id: WorkerId, doctors: DoctorsOfMachines
) -> WorkerExamination:
    """Return what the doctor on a worker's machine has found when it was asked last."""
    return await doctors.examination(worker_id)


@router.post(
    "/workers/{worker_id}/doctor",
    operation_id="examineWorker",
    dependencies=[ChangingWorkers],
    status_code=204,
    responses=ERROR | refusal(409),
)
async def examine_worker(worker_id: WorkerId, doctors: DoctorsOfMachines, parts: Parts) -> None:
    """Ask the doctor on a worker's machine to look at it, which takes up to some minutes.

    It renders a small frame and makes a small video beside the worker's tasks. An event of the
    worker tells when `getWorkerExamination` has the report.
    """
    await doctors.order(worker_id, is_connected=parts.is_host_connected(worker_id))
