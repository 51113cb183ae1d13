"""Our interface: the scripts of job types: shown, tried and changed."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from manager_api.contract.base import Answer, Line, Request
from manager_api.contract.job_types import AvailableJobType

#: Longer than any script that a person writes. Scripts in the folder itself may be longer.
LONGEST_SOURCE = 1_000_000


class Language(StrEnum):
    JAVASCRIPT = "javascript"
    PYTHON = "python"


class Origin(StrEnum):
    BUILT_IN = "built-in"
    CUSTOMISED = "customised"
    """A script of the folder that replaces a built-in job type."""
    OWN = "own"


class ListedJobType(Answer):
    name: str
    label: str
    description: str | None = None
    origin: Origin
    language: Language
    file: str | None = None
    """The name of its script in the folder; unset for a built-in one."""
    shadowed: list[str]
    """Other files of the folder that are ignored because of this one."""
    problem: str
    """Why its script does not work; empty if it does."""


class ListedJobTypes(Answer):
    folder: str
    may_edit_python: bool
    """Whether this caller may change and try out scripts in Python."""
    job_types: list[ListedJobType]


class JobTypeSource(Answer):
    name: str
    origin: Origin
    language: Language
    file: str | None = None
    source: str
    digest: str
    """The digest of this source, for `replaces`."""


class Script(Request):
    source: Annotated[str, Field(max_length=LONGEST_SOURCE)]
    language: Annotated[Language, Field(strict=False)]


class ChangedScript(Script):
    replaces: Line | None = None
    """The digest of the source that was edited. If it has changed since, the change is refused."""


class ScriptToTry(Script):
    name: Line = "draft"
    settings: dict[str, Any] = Field(default_factory=dict)
    """The job's settings. Missing ones get their defaults."""
    job_name: Line = "Test"


class TriedCommand(Answer):
    name: str
    parameters: dict[str, Any]


class TriedTask(Answer):
    name: str
    type: str
    priority: int
    steps: int
    commands: list[TriedCommand]
    after: list[int]
    """Positions, from 1, of the tasks that it waits for; only the first ones."""
    after_count: int


class Trial(Answer):
    """The job that a script makes of settings, or the reason why it makes none."""

    job_type: AvailableJobType | None = None
    """Unset if the script does not make a working job type."""
    problem: str
    printed: list[str]
    """The lines that the script has printed, the first 20."""
    settings: dict[str, Any]
    """The settings that the job would have."""
    tasks: list[TriedTask]
    """The first tasks of the job."""
    task_count: int


class JobPreview(Answer):
    """The result that a submission would have."""

    problem: str
    """Why the job would be refused; empty if it would be accepted."""
    printed: list[str]
    """The lines that the job type has printed for the submitter, the first 20."""
    task_count: int
