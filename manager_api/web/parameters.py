"""Ids in paths. Flamenco takes UUIDs of 36 characters only, and says so in its own error shape."""

import re
from typing import Annotated

from fastapi import Depends

from manager_api.contract.errors import BadRequest, TaskNotFound

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def valid_id(text: str, what: str) -> str:
    """In lower case, as ids are stored.

    Raises:
        BadRequest: no UUID.
    """
    if not is_uuid(text):
        raise BadRequest(f"{what} not valid")
    return text.lower()


# Coroutines: FastAPI calls plain functions in a thread, which costs more than they do.


async def _job_id(job_id: str) -> str:
    return valid_id(job_id, "job ID")


async def _task_id(task_id: str) -> str:
    return valid_id(task_id, "task ID")


async def _worker_id(worker_id: str) -> str:
    return valid_id(worker_id, "worker ID")


async def _worker_tag_id(tag_id: str) -> str:
    return valid_id(tag_id, "tag ID")


async def _known_task_id(task_id: str) -> str:
    """For setTaskStatus, where Flamenco does not tell a bad id from an unknown one."""
    if not is_uuid(task_id):
        raise TaskNotFound(task_id)
    return task_id.lower()


JobId = Annotated[str, Depends(_job_id)]
TaskId = Annotated[str, Depends(_task_id)]
KnownTaskId = Annotated[str, Depends(_known_task_id)]
WorkerId = Annotated[str, Depends(_worker_id)]
WorkerTagId = Annotated[str, Depends(_worker_tag_id)]
