"""Derives a task's UUID from its job's."""

from uuid import UUID, uuid5


def task_id(job_id: str, index: int) -> str:
    """Return the UUID (version 5) of the task with this 1-based index."""
    return str(uuid5(UUID(job_id), str(index)))
