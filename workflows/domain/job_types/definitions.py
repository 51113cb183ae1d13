"""The definition of a job type: its settings, and the function that turns them into tasks."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from workflows.domain.statuses import JobStatus
from workflows.domain.steps import steps_of

#: A job's workflow sends all its tasks in one message. 100,000 tasks may take 1 MB, and Temporal
#: refuses 2 MB.
MAX_TASKS = 200_000


class CompileError(Exception):
    """The job cannot be made. The message is a sentence for the submitter."""


class SettingType(StrEnum):
    STRING = "string"
    INT32 = "int32"
    FLOAT = "float"
    BOOL = "bool"


class Subtype(StrEnum):
    FILE_PATH = "file_path"
    DIR_PATH = "dir_path"
    FILE_NAME = "file_name"
    HASHED_FILE_PATH = "hashed_file_path"


class Visible(StrEnum):
    VISIBLE = "visible"
    SUBMISSION = "submission"
    """Shown in Blender only."""
    WEB = "web"
    """Shown in the dashboard only."""
    HIDDEN = "hidden"


#: In a job's history, before a line that the job type has printed. The add-on knows it, too
#: (`addon/core/notices.py`).
JOB_TYPE_SAYS = "The job type says: "


@dataclass(frozen=True, slots=True)
class EvalInfo:
    """How the add-on describes an evaluated setting."""

    description: str
    show_link_button: bool = False
    """Whether artists may switch evaluation off."""

    def as_json(self) -> dict[str, Any]:
        return {"showLinkButton": self.show_link_button, "description": self.description}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    key: str
    type: SettingType
    subtype: Subtype | None = None
    choices: tuple[str, ...] = ()
    propargs: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the add-on's Blender property: `min`, `max`, ..."""
    description: str | None = None
    label: str | None = None
    default: Any = None
    eval: str | None = None
    """A Python expression that the add-on evaluates."""
    eval_info: EvalInfo | None = None
    visible: Visible = Visible.VISIBLE
    required: bool = False
    editable: bool | None = None
    """If it is None, clients do not see it; the add-on then assumes True, the API False."""
    declared: Mapping[str, Any] | None = None
    """The setting as a script declared it; clients get it unchanged."""

    def as_json(self) -> dict[str, Any]:
        """Return Flamenco's `AvailableJobSetting`, without its empty fields."""
        if self.declared is not None:
            return dict(self.declared)
        fields = {
            "key": self.key,
            "type": self.type.value,
            "subtype": self.subtype and self.subtype.value,
            "choices": list(self.choices) or None,
            "propargs": dict(self.propargs) or None,
            "description": self.description,
            "label": self.label,
            "default": self.default,
            "eval": self.eval,
            "evalInfo": self.eval_info and self.eval_info.as_json(),
            "visible": None if self.visible is Visible.VISIBLE else self.visible.value,
            "required": self.required or None,
            "editable": self.editable,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(slots=True)
class SubmittedJob:
    """A submitted job, which a job type compiles and may change: the changes to its settings and
    metadata are stored.
    """

    job_id: str
    name: str
    job_type: str
    created: datetime
    """The time of submission, in the manager's local time because it becomes part of paths."""
    priority: int = 50
    settings: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    status: JobStatus = JobStatus.QUEUED
    worker_tag_id: str = ""
    shaman_checkout_id: str = ""
    printed: list[str] = field(default_factory=list)
    """The lines that the job type printed for the submitter: the first ones, clipped."""


@dataclass(frozen=True, slots=True)
class AuthoredCommand:
    name: str
    parameters: dict[str, Any]
    total_step_count: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the command as the database and Flamenco's clients have it."""
        return {
            "name": self.name,
            "parameters": self.parameters,
            "total_step_count": self.total_step_count,
        }


@dataclass(frozen=True, slots=True)
class AuthoredTask:
    name: str
    type: str
    commands: tuple[AuthoredCommand, ...]
    dependencies: tuple[int, ...] = ()
    """Positions, from 1, of the tasks that it waits for, in the list that the job type returned."""
    priority: int = 50

    @property
    def steps_total(self) -> int:
        return steps_of(command.total_step_count for command in self.commands)


class CompiledJob(NamedTuple):
    """A job with its tasks, to be stored in the database."""

    job: SubmittedJob
    tasks: Sequence[AuthoredTask]
    has_own_folder: bool = False
    """Whether no other job may have the same output path."""


@dataclass(frozen=True, slots=True)
class JobType:
    name: str
    label: str
    settings: tuple[Setting, ...]
    compile_job: Callable[[SubmittedJob], list[AuthoredTask]]
    description: str | None = None
    compiles_without: frozenset[str] = frozenset()
    """Required settings that artists must fill in, but scripts may omit."""
    source: str = "built in"
    """Where the job type comes from; for the farm's admin."""
    is_script: bool = False
    """Whether it compiles in a separate process; only a few of these run at once."""

    def as_json(self) -> dict[str, Any]:
        """Return Flamenco's `AvailableJobType`."""
        return {**self._told(), "etag": self.etag()}

    def etag(self) -> str:
        """Return the SHA-1, in hex, of the definition that clients get; it ignores the compiler."""
        told = json.dumps(self._told(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()

    def _told(self) -> dict[str, Any]:
        description = {} if self.description is None else {"description": self.description}
        return {
            "name": self.name,
            "label": self.label,
            **description,
            "settings": [setting.as_json() for setting in self.settings],
        }
