"""Erases a job's files on the manager's disk and its checkout in the shared storage."""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Callable, Container
from pathlib import Path

from manager_api.images.scaling import SIZES, LastRendered
from manager_api.logs.task_logs import TaskLogs
from manager_api.settings.model import ManagerSettings
from manager_api.shaman.erasing import erase_checkout
from manager_api.shaman.layout import Layout
from workflows.domain.shaman import NotAllowed

logger = logging.getLogger(__name__)

#: A writer that has not ended yet may create a file during the first try.
_TRIES = 5


class JobTraces:
    """The files of jobs: logs, images and Shaman checkouts.

    Args:
        settings: returns the settings in force.
    """

    def __init__(
        self, logs: TaskLogs, images: LastRendered, settings: Callable[[], ManagerSettings]
    ) -> None:
        self._logs = logs
        self._images = images
        self._settings = settings

    async def erase_files(self, job_id: str) -> None:
        """Erase a job's logs and images, and prevent that new ones are written.

        Raises:
            OSError: the disk refuses.
        """
        self._logs.forget(job_id)
        self._images.forget(job_id)
        await asyncio.to_thread(erase_folder, self._logs.job_directory(job_id))

    async def erase_logs(self, job_id: str) -> None:
        """Erase a job's logs, but not its last image.

        Raises:
            OSError: the disk refuses.
        """
        self._logs.forget(job_id)
        await asyncio.to_thread(erase_all_but, self._logs.job_directory(job_id), SIZES)

    async def erase_checkout(self, checkout_id: str) -> None:
        """Erase a Shaman checkout. While Shaman is off, do nothing: the files are not Tablao's.

        Raises:
            OSError: the disk refuses.
        """
        settings = self._settings()
        if not settings.shaman.enabled:
            return
        layout = Layout(settings.shared_storage_path)
        try:
            await asyncio.to_thread(erase_checkout, layout, checkout_id)
        except NotAllowed as reason:
            # The checkout id of a submission is not checked when the job is submitted.
            logger.warning("a job's checkout is kept: it is not a checkout of Shaman: %s", reason)


def erase_all_but(folder: Path, kept: Container[str]) -> None:
    """Erase a folder's files except those named in `kept`; also the folder if it is then empty.

    Raises:
        OSError: the disk refuses.
    """
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        if file.name not in kept:
            file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()


def erase_folder(folder: Path) -> None:
    """Erase a folder, and its parent if that is then empty. A missing folder counts as erased.

    Raises:
        OSError: the disk refuses, or the folder is a link, which is never followed.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            shutil.rmtree(folder)
            break
        except OSError:
            if not folder.exists():
                break
            if not tries_left:
                raise
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
