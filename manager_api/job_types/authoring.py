"""The classes and functions for job types in Python; docs/job-types.md describes the interface."""

import json
from collections.abc import Sequence
from copy import copy
from datetime import datetime
from itertools import count
from typing import Any
from uuid import uuid4

from workflows.domain.frames import chunk_frames as frame_chunker
from workflows.domain.frames import count_frames as frame_count
from workflows.domain.job_types import paths as path
from workflows.domain.job_types.definitions import MAX_TASKS, CompileError
from workflows.domain.shell_words import shell_words as shell_split

__all__ = [
    "Command",
    "CompileError",
    "Job",
    "Task",
    "format_timestamp_local",
    "frame_chunker",
    "frame_count",
    "path",
    "shell_split",
]

_serials = count(1)
#: UUIDs of the tasks whose UUID the script has read, by the task's serial number.
seen_uuids: dict[int, str] = {}


class Command:
    """One step of a task that a worker carries out."""

    def __init__(self, name: str, parameters: dict[str, Any], total_step_count: int = 0) -> None:
        """
        Raises:
            CompileError: the name is blank, or JSON cannot express the parameters.
        """
        self.name = _trimmed(name, "command's name")
        self.parameters = _copied(parameters)
        self.total_step_count = total_step_count


class Task:
    """Commands that one worker carries out in order."""

    def __init__(self, name: str, type: str) -> None:  # noqa: A002 -- the interface's word
        """
        Raises:
            CompileError: the name or the type is blank.
        """
        self.name = _trimmed(name, "task's name")
        self.type = _trimmed(type, "task's type")
        self.priority = 50
        self.commands: list[Command] = []
        self.dependencies: list[Task] = []
        self._serial = next(_serials)

    @property
    def uuid(self) -> str:
        """A placeholder; the stored job has the task's real id in its place."""
        return seen_uuids.setdefault(self._serial, str(uuid4()))

    def add_command(self, command: Command) -> None:
        self.commands.append(copy(command))

    def add_dependency(self, task: "Task") -> None:
        """Require that `task` is completed before this task begins."""
        self.dependencies.append(task)

    def as_json(self) -> str:
        return json.dumps(
            {
                "serial": self._serial,
                "name": self.name,
                "type": self.type,
                "priority": self.priority,
                "commands": [vars(command) for command in self.commands],
                "after": [task._serial for task in self.dependencies],
            },
            allow_nan=False,
        )


class Job:
    """The submitted job. Changes of `settings` and `metadata` are stored."""

    def __init__(self, submitted: dict[str, Any]) -> None:
        self.job_id: str = submitted["jobID"]
        self.worker_tag_uuid: str = submitted["workerTagUUID"]
        self.name: str = submitted["name"]
        self.job_type: str = submitted["jobType"]
        self.priority: int = submitted["priority"]
        self.status: str = submitted["status"]
        self.created = datetime.fromisoformat(submitted["created"])
        self.settings: dict[str, Any] = submitted["settings"]
        self.metadata: dict[str, str] = submitted["metadata"]
        self.shaman_checkout_id: str = submitted["storage"]["shamanCheckoutID"]
        self._tasks: list[Task] = []

    @property
    def tasks(self) -> Sequence[Task]:
        return self._tasks

    def add_task(self, task: Task) -> None:
        """Add a copy of the task. Later changes of the task do not affect the job.

        Raises:
            CompileError: the job has `MAX_TASKS` tasks already.
        """
        if len(self._tasks) >= MAX_TASKS:
            raise CompileError(f"A job has at most {MAX_TASKS} tasks.")
        added = copy(task)
        added.commands, added.dependencies = [*task.commands], [*task.dependencies]
        self._tasks.append(added)


def format_timestamp_local(time: datetime) -> str:
    """Return a text such as `2006-01-02_150405`, in the manager's local time."""
    return time.astimezone().strftime("%Y-%m-%d_%H%M%S")


def _trimmed(value: str, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise CompileError(f"A {what} must be a text that is not empty.")
    return value.strip()


def _copied(parameters: dict[str, Any]) -> Any:
    try:
        return json.loads(json.dumps(parameters, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as problem:
        raise CompileError(f"A command's parameters must be plain data: {problem}.") from problem
