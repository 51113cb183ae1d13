"""Takes images from workers, and answers where the last rendered images of jobs are."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from manager_api.contract.errors import NoSuchTaskForImage, Overtaken
from manager_api.contract.last_rendered import JobLastRenderedImageInfo, RecentImage, RecentImages
from manager_api.database.engine import Database, DatabaseBusy, utc_now
from manager_api.images import store as last_rendered
from manager_api.images.scaling import SIZES, LastRendered
from manager_api.logs.task_logs import job_files_url

#: How long after the end of its task a worker may send images of it. Workers send images beside
#: their reports, one after another, so the last ones arrive late.
LATEST_IMAGE = timedelta(minutes=5)
#: Jobs that are checked for an image, the last changed ones. Older jobs have not rendered lately.
_LOOKED_AT = 500


class LastRenderedService:
    def __init__(self, database: Database, images: LastRendered, public_path: str = "") -> None:
        self._database = database
        self._public_path = public_path
        self._images = images

    async def take(self, worker_id: str, task_id: str, media_type: str, image: bytes) -> None:
        """Queue a worker's image, to be scaled in the background.

        Raises:
            NoSuchTaskForImage: there is no such task.
            Overtaken: the task is not this worker's, or ended too long ago.
            TooMany: the images of too many other jobs wait.
        """
        async with self._database.reading() as session:
            task = await last_rendered.task_of_image(session, task_id, worker_id)
        if task is None:
            raise NoSuchTaskForImage(f'no such task "{task_id}"')
        if not _may_show(task, worker_id, utc_now()):
            raise Overtaken(f'task "{task_id}" is not assigned to this worker')
        self._images.offer(task.job_id, media_type, image)

    async def of_job(self, job_id: str) -> JobLastRenderedImageInfo | None:
        """Return the addresses of the job's image; None without image or job, as in Flamenco."""
        if not self._images.has_image(job_id):
            return None
        base = job_files_url(job_id, self._public_path)
        return JobLastRenderedImageInfo(base=base, suffixes=list(SIZES))

    async def of_farm(self) -> JobLastRenderedImageInfo | None:
        async with self._database.reading() as session:
            job_id = await last_rendered.last_rendered_job(session)
        return await self.of_job(job_id) if job_id else None

    async def recent(self, limit: int) -> RecentImages:
        """Return at most `limit` images, newest first."""
        async with self._database.reading() as session:
            rows = await last_rendered.lately_changed(session, _LOOKED_AT)
        times = await asyncio.to_thread(self._images.times, [row.id for row in rows])
        newest = sorted((row for row in rows if row.id in times), key=lambda row: times[row.id])
        return RecentImages(
            images=[
                RecentImage(
                    job_id=row.id,
                    name=row.name,
                    status=row.status,
                    base=job_files_url(row.id, self._public_path),
                    suffixes=list(SIZES),
                    shown_at=times[row.id],
                )
                for row in newest[: -limit - 1 : -1]
            ]
        )


def _may_show(task: last_rendered.TaskOfImage, worker_id: str, now: datetime) -> bool:
    """Return whether a worker may replace the image of the task's job.

    While it is lent, the lease decides, because the task's status in the database may lag.
    """
    if task.is_lent:
        return True
    has_just_ended = task.ended_at is not None and now - task.ended_at < LATEST_IMAGE
    return task.worker_id == worker_id and (task.is_active or has_just_ended)


def last_rendered_shown(
    database: Database, public_path: str = ""
) -> Callable[[str], Awaitable[bool]]:
    """Return a function that records a job's new image and appends the events.

    The function returns False if the job does not exist or is being deleted.
    """

    async def shown(job_id: str) -> bool:
        try:
            async with database.writing() as session:
                base, suffixes = job_files_url(job_id, public_path), list(SIZES)
                return await last_rendered.set_last_rendered(session, job_id, base, suffixes)
        except DatabaseBusy:
            return True  # the image exists; the event of the next image will announce it

    return shown
