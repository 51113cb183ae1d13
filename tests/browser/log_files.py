"""Logs of tasks that never ran."""

from pathlib import Path

from tests.browser.farm import BrowsedFarm


class WrittenLog:
    """The log of a task that never ran, written where the manager keeps logs."""

    def __init__(self, farm: BrowsedFarm, job_id: str) -> None:
        self.task_id = str(farm.tasks(job_id)[0]["id"])
        self.address = f"/jobs/{job_id}/tasks/{self.task_id}/log"
        self._folder = farm.data_dir / "job-files" / f"job-{job_id[:4]}" / job_id

    def write(self, attempt: int, text: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"task-{self.task_id}.{attempt:06d}-1.txt"
        path.write_text(text, encoding="utf-8")
        return path
