"""Our interface: the scripts of job types, to be looked at, tried out and changed."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from manager_api.contract.base import Answer, Request
from manager_api.contract.job_types import AvailableJobType

#: No script of a person is longer; the folder itself takes larger ones.
LONGEST_SOURCE = 1_000_000


class Language(StrEnum):
    JAVASCRIPT = "javascript"
    PYTHON = "python"


class Origin(StrEnum):
    BUILT_IN = "built-in"
    CUSTOMISED = "customised"
    """A script of the folder in the place of a built-in one."""
    OWN = "own"


class ListedJobType(Answer):
    name: str
    label: str
    description: str | None = None
    origin: Origin
    language: Language
    file: str | None = None
    """Its name in the folder; a built-in one has none."""
    shadowed: list[str]
    """Other files of the folder that this one keeps from counting."""
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
    """Of this source, for `replaces`."""


class Script(Request):
    source: Annotated[str, Field(max_length=LONGEST_SOURCE)]
    language: Annotated[Language, Field(strict=False)]


class ChangedScript(Script):
    replaces: str | None = None
    """The digest of what was edited: refused if somebody else has changed it since."""


class ScriptToTry(Script):
    name: str = "draft"
    settings: dict[str, Any] = Field(default_factory=dict)
    """Defaults are filled in for what is missing here."""
    job_name: str = "Test"


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
    """Positions, from 1, of the tasks that it waits for: the first of them."""
    after_count: int


class Trial(Answer):
    """What a script makes of settings, or why it makes nothing."""

    job_type: AvailableJobType | None = None
    """None if it is no job type that works."""
    problem: str
    settings: dict[str, Any]
    """As the job would have them."""
    tasks: list[TriedTask]
    """The first of them."""
    task_count: int


class JobPreview(Answer):
    """What would come of a submission."""

    problem: str
    """Why it would be refused; empty if it would not."""
    task_count: int
