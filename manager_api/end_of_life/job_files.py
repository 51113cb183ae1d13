"""What a job leaves on the manager's disk and in the shared storage, and how it is erased."""

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

#: A writer that was under way makes a file while we erase; the next time it has ended.
_TRIES = 5


class JobTraces:
    """
    Args:
        settings: those in force.
    """

    def __init__(
        self, logs: TaskLogs, images: LastRendered, settings: Callable[[], ManagerSettings]
    ) -> None:
        self._logs = logs
        self._images = images
        self._settings = settings

    async def erase_files(self, job_id: str) -> None:
        """Logs and images; nothing is written there any more.

        Raises:
            OSError: the disk does not let us.
        """
        self._logs.forget(job_id)
        self._images.forget(job_id)
        await asyncio.to_thread(erase_folder, self._logs.job_directory(job_id))

    async def erase_logs(self, job_id: str) -> None:
        """The last image stays.

        Raises:
            OSError: the disk does not let us.
        """
        self._logs.forget(job_id)
        await asyncio.to_thread(erase_all_but, self._logs.job_directory(job_id), SIZES)

    async def erase_checkout(self, checkout_id: str) -> None:
        """Nothing, while Shaman is off: then jobs' files are not ours.

        Raises:
            OSError: the disk does not let us.
        """
        settings = self._settings()
        if not settings.shaman.enabled:
            return
        layout = Layout(settings.shared_storage_path)
        try:
            await asyncio.to_thread(erase_checkout, layout, checkout_id)
        except NotAllowed as reason:
            # What a submission claims about its storage is not checked when it comes.
            logger.warning("a job's checkout stays, it is none of Shaman's: %s", reason)


def erase_all_but(folder: Path, kept: Container[str]) -> None:
    """Erases a folder's files, and the folder if none is kept.

    Raises:
        OSError: the disk does not let us.
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
    """And the one it is in, if nothing else is. One that is not there is erased already.

    Raises:
        OSError: the disk does not let us; or it is a link, which is never followed.
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
