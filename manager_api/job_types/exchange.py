"""The messages between the manager and the child process that runs a script.

A request is one JSON text. An answer is lines of JSON: a header, then a line for each task. This
module imports only the standard library and the domain, so the child starts in a few hundredths
of a second.
"""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from workflows.domain.job_types.definitions import SubmittedJob
from workflows.domain.statuses import JobStatus


class Operation(StrEnum):
    DESCRIBE = "describe"
    COMPILE = "compile"


@dataclass(frozen=True, slots=True)
class ScriptLimits:
    cpu_s: float = 10.0
    """Processor time of the script itself."""
    wall_s: float = 30.0
    """Time from the start of the process to its answer."""
    memory_mb: int = 512
    answer_mb: int = 256
    """Size of the answer; 100,000 tasks are about 50 MB."""


@dataclass(frozen=True, slots=True)
class Request:
    operation: Operation
    file: str
    """The script's file name in the folder."""
    folder: str
    scripts: dict[str, str]
    """Sources of the script and of all scripts that it may require, by file name."""
    limits: ScriptLimits
    job: dict[str, Any] = field(default_factory=dict)
    cwd: str = ""
    platform: str = ""
    max_tasks: int = 0

    def as_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Request":
        fields = json.loads(text)
        fields["limits"] = ScriptLimits(**fields["limits"])
        fields["operation"] = Operation(fields["operation"])
        return cls(**fields)


@dataclass(slots=True)
class Answer:
    """The result of a request. If `error` is set, only `logs` count besides it."""

    error: str = ""
    """A sentence with file and line, if the script failed."""
    job_type: Any = None
    compiles: bool = False
    """Whether the script defines a function that compiles jobs."""
    settings: Any = None
    metadata: Any = None
    uuids: dict[str, str] = field(default_factory=dict)
    """UUIDs of the tasks whose UUID the script has read, by the task's serial number."""
    logs: list[tuple[str, str]] = field(default_factory=list)
    """Level (`info`, `warning`) and text."""
    required: list[str] = field(default_factory=list)
    """Other files that the script required or imported from its folder."""
    tasks: list[str] = field(default_factory=list)
    """One JSON object per task: `{serial, name, type, priority, commands, after}`."""

    def as_text(self) -> str:
        header = asdict(self)
        tasks = header.pop("tasks")
        return "\n".join([json.dumps(header), *tasks])

    @classmethod
    def from_text(cls, text: str) -> "Answer":
        header, *tasks = text.split("\n")
        return cls(**json.loads(header), tasks=tasks)


def job_as_json(job: SubmittedJob) -> dict[str, Any]:
    """Return the job with the field names of the scripting interface."""
    return {
        "jobID": job.job_id,
        "workerTagUUID": job.worker_tag_id,
        "name": job.name,
        "jobType": job.job_type,
        "priority": job.priority,
        # As in Flamenco: a script runs before its job gets the status it begins with.
        "status": JobStatus.UNDER_CONSTRUCTION,
        "created": job.created.isoformat(timespec="milliseconds"),
        "settings": job.settings,
        "metadata": job.metadata,
        "storage": {"shamanCheckoutID": job.shaman_checkout_id},
    }
