"""Where the images are that jobs rendered last."""

from collections.abc import Awaitable, Callable

from manager_api.contract.last_rendered import JobLastRenderedImageInfo
from manager_api.db import farm
from manager_api.db.engine import Database, DatabaseBusy
from manager_api.last_rendered import SIZES, LastRendered
from manager_api.services.tasks import job_files_url


class LastRenderedService:
    def __init__(self, database: Database, images: LastRendered) -> None:
        self._database = database
        self._images = images

    async def of_job(self, job_id: str) -> JobLastRenderedImageInfo | None:
        """None if it has no image; or if there is no such job, as in Flamenco."""
        if not self._images.has_image(job_id):
            return None
        return JobLastRenderedImageInfo(base=job_files_url(job_id), suffixes=list(SIZES))

    async def of_farm(self) -> JobLastRenderedImageInfo | None:
        async with self._database.reading() as session:
            job_id = await farm.last_rendered_job(session)
        return await self.of_job(job_id) if job_id else None


def last_rendered_shown(database: Database) -> Callable[[str], Awaitable[bool]]:
    """Records that a job's image is new, and tells of it; false if the job is gone or going."""

    async def shown(job_id: str) -> bool:
        try:
            async with database.writing() as session:
                base, suffixes = job_files_url(job_id), list(SIZES)
                return await farm.set_last_rendered(session, job_id, base, suffixes)
        except DatabaseBusy:
            return True  # it is there, and the next image is told of

    return shown
