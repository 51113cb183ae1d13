"""What a job leaves behind, and whether it is there."""

from pathlib import Path
from typing import TYPE_CHECKING

from manager_api.end_of_life.deleter import DeletionTimes
from manager_api.jobs import store as jobs

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


AT_ONCE = DeletionTimes(cancel_again_s=0, retry_from_s=0)


def checkouts(farm: "Farm") -> Path:
    return farm.parts.settings.shared_storage_path / "jobs"


async def is_there(farm: "Farm", job_id: str) -> bool:
    async with farm.parts.database.reading() as session:
        return await jobs.job(session, job_id) is not None


async def was_deleted(farm: "Farm", job_id: str) -> int:
    """How often that was told."""
    told = await farm.told("/jobs")
    return sum(event["id"] == job_id and bool(event.get("was_deleted")) for event in told)
