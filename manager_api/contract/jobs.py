"""Flamenco's interface: jobs."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from manager_api.contract.base import Answer, Integer, Line, Part, Reason, Request, at_most
from workflows.domain.shaman import LONGEST_PATH
from workflows.domain.statuses import JobStatus

JobStatusWord = Annotated[JobStatus, Field(strict=False)]
MAX_NAME = 1024


def check_job_name(name: str) -> str:
    """Return the name if a list can show it in one line.

    Raises:
        ValueError: the name is empty, too long, or has several lines.
    """
    if not name.strip():
        raise ValueError("a job needs a name")
    if any(mark in name for mark in "\n\r\v\f\x85\u2028\u2029"):
        raise ValueError("a job's name must be one line")
    if len(name) > MAX_NAME:
        raise ValueError(f"a job's name may have {MAX_NAME} characters at most")
    return name


Metadata = Annotated[
    dict[Line, Annotated[str, Field(max_length=32_000)]], at_most(1_000, "entries of metadata")
]


class JobStorageInfo(Part):
    shaman_checkout_id: Annotated[str, Field(max_length=LONGEST_PATH)] | None = None


class SubmittedJob(Request):
    name: Annotated[str, AfterValidator(check_job_name)]
    type: Line
    type_etag: Line | None = None
    priority: Annotated[Integer, Field(ge=0, le=100)] = 50
    settings: dict[str, Any] = Field(default_factory=dict)
    metadata: Metadata = Field(default_factory=dict)
    submitter_platform: Line
    storage: JobStorageInfo | None = None
    worker_tag: Line | None = None
    initial_status: JobStatusWord | None = None


class JobStorage(Answer):
    shaman_checkout_id: str


class Job(Answer):
    name: str
    type: str
    priority: int
    settings: dict[str, Any]
    metadata: dict[str, str]
    submitter_platform: str = ""
    """Always empty: it is not stored, as in Flamenco."""
    storage: JobStorage | None = None
    worker_tag: str | None = None
    id: str
    created: datetime
    updated: datetime
    status: JobStatus
    activity: str
    steps_completed: int
    steps_total: int
    delete_requested_at: datetime | None = None
    owner: str | None = None
    """The id of the account that submitted it; unset without one. Not in Flamenco's document."""
    tasks_stuck: int | None = None
    """How many of its running tasks are stuck; unset if none is. Not in Flamenco's document."""
    waiting: str | None = None
    """Why no worker is at work on it, in a sentence, if workers are what it waits for. Not in
    Flamenco's document.
    """


class JobsQueryResult(Answer):
    jobs: list[Job]


class JobStatusChange(Request):
    status: JobStatusWord
    reason: Reason


class JobPriorityChange(Request):
    priority: Annotated[Integer, Field(ge=0, le=100)]
