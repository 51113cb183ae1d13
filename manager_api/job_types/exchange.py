"""What the manager and the child process that runs a script say to each other.

A request is one JSON text. An answer is lines of JSON: a header, then a line for each task. Only
the standard library: the child begins in a few hundredths of a second.
"""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from workflows.domain.job_types.definitions import SubmittedJob


class Operation(StrEnum):
    DESCRIBE = "describe"
    COMPILE = "compile"


@dataclass(frozen=True, slots=True)
class ScriptLimits:
    cpu_s: float = 10.0
    """Of the script's own computing."""
    wall_s: float = 30.0
    """From start to answer, starting the process included."""
    memory_mb: int = 512
    answer_mb: int = 256
    """100,000 tasks are some 50 MB."""


@dataclass(frozen=True, slots=True)
class Request:
    operation: Operation
    file: str
    """Its name in the folder."""
    folder: str
    scripts: dict[str, str]
    """What the script may require: sources by file name, its own among them."""
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
    """What came of a request. Exactly one of `error` and the rest is meant."""

    error: str = ""
    """A sentence with file and line, if the script failed."""
    job_type: Any = None
    compiles: bool = False
    """Whether there is a function that compiles jobs."""
    settings: Any = None
    metadata: Any = None
    uuids: dict[str, str] = field(default_factory=dict)
    """Of the tasks whose UUID the script has read, by serial number."""
    logs: list[tuple[str, str]] = field(default_factory=list)
    """Level (`info`, `warning`) and text."""
    required: list[str] = field(default_factory=list)
    """Files that the script needed besides its own."""
    tasks: list[str] = field(default_factory=list)
    """`{serial, name, type, priority, commands, after}` each, as JSON."""

    def as_text(self) -> str:
        header = asdict(self)
        tasks = header.pop("tasks")
        return "\n".join([json.dumps(header), *tasks])

    @classmethod
    def from_text(cls, text: str) -> "Answer":
        header, *tasks = text.split("\n")
        return cls(**json.loads(header), tasks=tasks)


def job_as_json(job: SubmittedJob) -> dict[str, Any]:
    """In the words of the scripting interface."""
    return {
        "jobID": job.job_id,
        "workerTagUUID": job.worker_tag_id,
        "name": job.name,
        "jobType": job.job_type,
        "priority": job.priority,
        "status": job.status,
        "created": job.created.isoformat(timespec="milliseconds"),
        "settings": job.settings,
        "metadata": job.metadata,
        "storage": {"shamanCheckoutID": job.shaman_checkout_id},
    }
