"""What the manager's doctor finds, for `tablao doctor`."""

from fastapi import APIRouter

from manager_api.contract.doctor import DoctorReport
from manager_api.web.auth import ChangingWorkers
from manager_api.web.dependencies import DoctorOfFarm

router = APIRouter(prefix="/api/tablao/v1", tags=["farm"])


# Its sentences name paths, settings and workers, so it is for those who run the farm.
@router.get("/doctor", operation_id="getDoctorReport", dependencies=[ChangingWorkers])
async def get_doctor_report(doctor: DoctorOfFarm) -> DoctorReport:
    """Look at every part of the farm, which takes some seconds; callers at one time share it.

    It writes a file into each of the manager's folders and removes it, and writes the manager's
    sign of life into the database.
    """
    return await doctor.report()
