"""Finds the id of a job, task, worker or tag of which a user typed a beginning or the name."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from manager_api.cli.client import Manager
from manager_api.cli.console import CommandError


def job_id(manager: Manager, typed: str) -> str:
    if (whole := _whole_id(typed)) is not None:
        return whole
    return _only_one("job", typed, manager.get("/api/v3/jobs")["jobs"])


def task_id(manager: Manager, typed: str) -> str:
    if (whole := _whole_id(typed)) is not None:
        return whole
    jobs = manager.get("/api/v3/jobs")["jobs"]
    tasks = (
        task for job in jobs for task in manager.get(f"/api/v3/jobs/{job['id']}/tasks")["tasks"]
    )
    return _only_one("task", typed, tasks)


def worker_id(manager: Manager, typed: str) -> str:
    """Return the id of a worker by its id's beginning, or by its name if no other worker has it."""
    if (whole := _whole_id(typed)) is not None:
        return whole
    workers = manager.get("/api/v3/worker-mgt/workers")["workers"]
    named = [worker for worker in workers if worker["name"] == typed]
    return str(named[0]["id"]) if len(named) == 1 else _only_one("worker", typed, workers)


def tag_id(manager: Manager, typed: str) -> str:
    """Return the id of a tag by its id's beginning or its name."""
    if (whole := _whole_id(typed)) is not None:
        return whole
    tags = manager.get("/api/v3/worker-mgt/tags").get("tags") or []
    named = [tag for tag in tags if tag["name"] == typed]
    return str(named[0]["id"]) if named else _only_one("tag", typed, tags)


def _whole_id(typed: str) -> str | None:
    try:
        return str(UUID(typed))
    except ValueError:
        return None


def _only_one(kind: str, typed: str, candidates: Iterable[Mapping[str, Any]]) -> str:
    found = [item for item in candidates if typed and item["id"].startswith(typed.lower())]
    if not found:
        raise CommandError(f"There is no {kind} whose id begins with '{typed}'.")
    if len(found) > 1:
        raise CommandError(
            f"{len(found)} {kind}s have an id that begins with '{typed}'; type more of it."
        )
    return str(found[0]["id"])
