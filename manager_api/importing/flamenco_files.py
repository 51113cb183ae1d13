"""Copies the files of Flamenco's jobs: task logs and last-rendered images."""

import asyncio
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from manager_api.images.scaling import SIZES
from manager_api.logs.task_logs import TaskLogs

_BLOCK = 1024 * 1024


class FlamencoFiles:
    """
    Args:
        root: Flamenco's `local_manager_storage_path`.
        logs: The task logs to copy to.
    """

    def __init__(self, root: Path, logs: TaskLogs) -> None:
        self._root = root
        self._logs = logs

    def logs_of(self, job_id: str, task_ids: Iterable[str]) -> list[tuple[str, Path]]:
        """Yield (task, file) for each task that has a log."""
        folder = self._folder(job_id)
        files = ((task_id, folder / f"task-{task_id}.txt") for task_id in task_ids)
        return [(task_id, path) for task_id, path in files if path.is_file()]

    def images_of(self, job_id: str) -> list[Path]:
        paths = (self._folder(job_id) / name for name in SIZES)
        return [path for path in paths if path.is_file()]

    async def copy_log(self, job_id: str, task_id: str, source: Path) -> None:
        """Copy each log as the part before the first try. A log is copied only once."""
        offset = 0
        blocks = _blocks(source)
        while block := await asyncio.to_thread(next, blocks, b""):
            stored = await self._logs.write_chunk(job_id, task_id, 0, offset, block)
            offset = max(stored, offset + len(block))

    async def copy_image(self, job_id: str, source: Path) -> None:
        """Copy the image of a job, unless this farm has a newer one."""
        await asyncio.to_thread(self._copy_image, job_id, source)

    def _copy_image(self, job_id: str, source: Path) -> None:
        target = self._logs.job_directory(job_id) / source.name
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def _folder(self, job_id: str) -> Path:
        return self._root / f"job-{job_id[:4]}" / job_id


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
