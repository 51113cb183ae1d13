"""Flamenco's interface: worker tags, sleep schedules and blocklists, as users change them."""

from typing import Annotated

from pydantic import AfterValidator, FailFast, Field

from manager_api.contract.base import Answer, Line, Request, at_most
from manager_api.contract.workers import WorkerTag

LONGEST_TAG_NAME = 255
#: Longer than any real description of a tag.
LONGEST_DESCRIPTION = 10_000


def check_tag_name(name: str) -> str:
    """Return the name if a list can show it in one line.

    Raises:
        ValueError: the name is empty, too long, or has several lines.
    """
    if not name.strip():
        raise ValueError("a worker tag needs a name")
    if len(name.splitlines()) > 1 or name.splitlines()[0] != name:
        raise ValueError("a worker tag's name must be one line")
    if len(name) > LONGEST_TAG_NAME:
        raise ValueError(f"a worker tag's name may have {LONGEST_TAG_NAME} characters at most")
    return name


class WorkerTagRequest(Request):
    id: Line | None = None
    name: Annotated[str, AfterValidator(check_tag_name)]
    description: Annotated[str | None, Field(max_length=LONGEST_DESCRIPTION)] = None


class WorkerTagList(Answer):
    tags: list[WorkerTag]


class WorkerTagChangeRequest(Request):
    tag_ids: Annotated[list[Line], FailFast(), at_most(10_000, "tags")]


class WorkerSleepSchedule(Request):
    is_active: bool
    days_of_week: Line
    start_time: Line
    end_time: Line


class JobTagChange(Request):
    """The new tag of a job, by id or by name. With neither, the job loses its tag."""

    id: Line | None = None
    name: Line | None = None


class JobBlocklistEntry(Request):
    worker_id: Line
    task_type: Line
    worker_name: Line | None = None
    """For display only."""


Blocks = Annotated[list[JobBlocklistEntry], FailFast(), at_most(10_000, "entries")]
