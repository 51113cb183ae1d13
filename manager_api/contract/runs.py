"""Our interface: the commands that a host runs for a task."""

from pydantic import Field

from manager_api.contract.base import Answer
from manager_api.contract.tasks import Command


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
    fault_rules: list[dict[str, str]] = Field(default_factory=list)
    """The farm's own rules for causes of failures: `name`, `pattern`, `fault`, `sentence`."""
