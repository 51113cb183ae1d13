"""Our interface: the commands that a host runs for a task."""

from pydantic import Field

from manager_api.contract.base import Answer
from manager_api.contract.tasks import Command
from workflows.domain.run_times import RunTimes


class WrittenFrame(Answer):
    file: str
    """The absolute path, on the machine that wrote the file."""
    size: int
    """In bytes."""
    modified_ns: int
    """The time of its last change, in nanoseconds since 1970."""


class ExistingFrames(Answer):
    """Which of the files that a try finds count as its frames."""

    are_all_kept: bool
    """Whether every whole file counts, also those of other jobs."""
    written: list[WrittenFrame] = Field(default_factory=list)
    """Frames that earlier tries of the task wrote, and that need no rendering again."""


class SharedStorage(Answer):
    """The shared storage, for the host to look whether it is there before it writes."""

    path: str
    """On the worker's platform."""
    id: str
    """What the marker in the storage says."""


class HostNeeds(Answer):
    """What a host needs for its tasks, for the doctor on its machine."""

    name: str
    """The worker's name in the farm."""
    is_waiting: bool
    """Whether it waits to be let in."""
    programs: dict[str, list[str]]
    """Names or paths of the programs for a task type, by task type; it needs one of each."""
    blender_arguments: str
    """The arguments that each Blender gets, in one line."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Provisioned variables, which are added to the environment of the commands."""
    storage: SharedStorage | None = None
    """Unset if the storage has no marker."""


class RunCommands(Answer):
    run_key: str
    """The run that the commands are for: job, task index, run and attempt, with dots between."""
    task_id: str
    job_name: str
    task_name: str
    task_type: str
    commands: list[Command]
    """The task's commands, with variables replaced for the worker's platform."""
    total_steps: int
    environment: dict[str, str] = Field(default_factory=dict)
    """Provisioned variables, which are added to the environment of the commands."""
    fail_on_warnings: bool = False
    """Whether a warning fails the task."""
    existing_frames: ExistingFrames
    fault_rules: list[dict[str, str]] = Field(default_factory=list)
    """The farm's own rules for causes of failures: `name`, `pattern`, `fault`, `sentence`."""
    times: RunTimes
    storage: SharedStorage | None = None
    """Unset if the storage has no marker."""
