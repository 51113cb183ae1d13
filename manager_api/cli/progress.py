"""Shows a job's progress until it has ended, in a terminal or in a log."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from manager_api.cli.client import Manager, ManagerUnreachable, Refused
from manager_api.cli.console import CommandError, harmless

ENDED = frozenset({"completed", "failed", "canceled"})
#: Of a job with more steps, only the job is fetched each time, not the list of its tasks.
_MANY_STEPS = 2_000


def steps_in_words(job: dict[str, Any]) -> str:
    if job.get("waiting"):
        return f"{job['status']}: {job['waiting']}"
    return f"{job['status']}: {job['steps_completed']}/{job['steps_total']}"


def follow_job(
    manager: Manager,
    job_id: str,
    *,
    every_s: float = 1.0,
    patience_s: float = 300.0,
    words: Callable[[dict[str, Any]], str] = steps_in_words,
) -> dict[str, Any]:
    """Show a job's progress until it has ended, and return the ended job.

    The manager may be out of reach for a while, because the job goes on without it.

    Args:
        every_s: Seconds between two requests.
        patience_s: Seconds for which the manager may be out of reach.
        words: Returns a text about the job's progress.

    Raises:
        CommandError: The manager was out of reach for too long, or refuses.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}", markup=False),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        shown = progress.add_task("queued", total=None, now="")
        lines = _Lines(console)
        while True:
            job = _look(lambda: manager.get(f"/api/v3/jobs/{job_id}"), every_s, patience_s)
            now = harmless(_running_tasks(manager, job))
            progress.update(
                shown,
                description=words(job),
                completed=job["steps_completed"],
                total=job["steps_total"] or None,
                now=now,
            )
            lines.tell(job, f"{words(job)} {now}".rstrip())
            if job["status"] in ENDED:
                return job
            time.sleep(every_s)


class _Lines:
    """Progress without a terminal.

    There is a line for each status, reason to wait, tenth of the steps, and last step.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: tuple[str, str, int, bool] | None = None

    def tell(self, job: dict[str, Any], line: str) -> None:
        done, total = job["steps_completed"], job["steps_total"]
        tenths = done * 10 // total if total else 0
        state = (job["status"], job.get("waiting", ""), tenths, total - done == 1)
        if self._console.is_terminal or state == self._told:
            return
        self._told = state
        self._console.print(line, markup=False)


def _running_tasks(manager: Manager, job: dict[str, Any]) -> str:
    if job["status"] != "active" or job["steps_total"] > _MANY_STEPS:
        return ""
    try:
        tasks = manager.get(f"/api/v3/jobs/{job['id']}/tasks")["tasks"]
    except (ManagerUnreachable, Refused):
        return ""
    active = [_task_in_words(task) for task in tasks if task["status"] == "active"]
    return ", ".join(active[:4]) + (" …" if len(active) > 4 else "")


def _task_in_words(task: dict[str, Any]) -> str:
    done, total = task["steps_completed"], task["steps_total"]
    return f"{task['name']} ({done}/{total})" if total > 1 else str(task["name"])


def _look(fetch: Callable[[], dict[str, Any]], every_s: float, patience_s: float) -> dict[str, Any]:
    give_up_at = time.monotonic() + patience_s
    while True:
        try:
            return fetch()
        except (ManagerUnreachable, Refused) as problem:
            if isinstance(problem, Refused) and not problem.may_pass:
                raise
            if time.monotonic() > give_up_at:
                raise CommandError(f"{problem} The job itself may go on.") from problem
            time.sleep(every_s)
