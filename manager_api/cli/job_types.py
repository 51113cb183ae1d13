"""`tablao job-types`: lists the farm's job types and tries them out, without a manager."""

import logging
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from activities.process.layered_settings import SettingsError
from manager_api.cli.client import AsJson
from manager_api.cli.console import CommandError, say, show_json, show_table
from manager_api.cli.farm import DataDir
from manager_api.cli.job_settings import BadSetting, fill_in, parse_settings
from manager_api.contract.errors import TryAgain
from manager_api.job_types import folder as folder_module
from manager_api.job_types.exchange import ScriptLimits
from manager_api.job_types.farm import script_limits
from manager_api.job_types.folder import FolderJobTypes, describe_file, name_of
from manager_api.job_types.registry import BuiltInJobTypes, compiled
from manager_api.job_types.sandbox import Sandbox
from manager_api.settings.model import ManagerSettings, read_settings
from workflows.domain.job_types.definitions import (
    AuthoredTask,
    CompileError,
    JobType,
    SubmittedJob,
)

app = typer.Typer(
    invoke_without_command=True, help="Job types: list them, try one out. Needs no manager."
)

_NAMES_SHOWN = 5


@app.callback()
def list_job_types(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option(help="The scripts' folder.", show_default="the manager's job_types_path"),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the job types that a manager on this machine has, broken ones too."""
    if context.invoked_subcommand is not None:
        return
    _log_what_scripts_say()
    settings = _settings(data_dir)
    sandbox = Sandbox(lambda: script_limits(settings))
    rows = _rows(FolderJobTypes(lambda: folder or settings.job_types_path, sandbox))
    if as_json:
        show_json(rows)
        return
    columns = ("name", "source", "label", "problem")
    show_table(
        [column.upper() for column in columns], ([row[key] for key in columns] for row in rows)
    )


@app.command()
def check(
    script: Annotated[Path, typer.Argument(metavar="FILE", help="A *.js or *.py.")],
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the job. Repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compile a job with a script, and show the tasks that it would have."""
    if not script.is_file():
        raise CommandError(f"There is no file {script}.")
    _log_what_scripts_say()
    sandbox = Sandbox(ScriptLimits)
    started = time.monotonic()
    try:
        job_type = describe_file(script.absolute(), sandbox)
        job = _job(job_type, values or [])
        tasks = compiled(job, job_type)
    except (CompileError, BadSetting, TryAgain) as problem:
        raise CommandError(str(problem)) from problem
    if as_json:
        show_json({"settings": job.settings, "tasks": [_as_json(task, tasks) for task in tasks]})
        return
    show_table(
        ("TASK", "TYPE", "PRIORITY", "STEPS", "COMMANDS", "AFTER"),
        (_row(task, tasks) for task in tasks),
    )
    say(f"{job_type.name}: {len(tasks):,} tasks, in {time.monotonic() - started:.1f} s.")


def _log_what_scripts_say() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # Hide this module's warnings: the command itself reports broken scripts.
    logging.getLogger(folder_module.__name__).setLevel(logging.ERROR)


def _settings(data_dir: Path | None) -> ManagerSettings:
    try:
        return read_settings(data_dir=data_dir)
    except SettingsError as refusal:
        raise CommandError(str(refusal)) from refusal


def _rows(folder: FolderJobTypes) -> list[dict[str, str]]:
    """Return the job types of the folder and the built-in ones, by name.

    A built-in job type is left out if the folder has one of its name that works.
    """
    rows = []
    for path, described in folder.described():
        found = described.job_type
        label, name = (found.label, found.name) if found else ("", name_of(path.name))
        rows.append(_listed(name, path.name, label, described.problem))
    taken = {row["name"] for row in rows if not row["problem"]}
    rows += [
        _listed(each.name, each.source, each.label, "")
        for each in BuiltInJobTypes().job_types()
        if each.name not in taken
    ]
    return sorted(rows, key=lambda row: row["name"])


def _listed(name: str, source: str, label: str, problem: str) -> dict[str, str]:
    return {"name": name, "source": source, "label": label, "problem": problem}


def _job(job_type: JobType, values: list[str]) -> SubmittedJob:
    """Return a job with the given settings, and with defaults for all others."""
    declared = [setting.as_json() for setting in job_type.settings]
    given = parse_settings(values, declared)
    settings = fill_in(
        declared, given, blendfile=None, job_name="check", output=None, scene="Scene"
    )
    created = datetime.now().astimezone()
    return SubmittedJob(str(uuid4()), "check", job_type.name, created, settings=settings)


def _row(task: AuthoredTask, tasks: list[AuthoredTask]) -> list[object]:
    names = [tasks[position - 1].name for position in task.dependencies]
    more = f", and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    commands = ", ".join(command.name for command in task.commands)
    after = ", ".join(names[:_NAMES_SHOWN]) + more
    return [task.name, task.type, task.priority, task.steps_total, commands, after]


def _as_json(task: AuthoredTask, tasks: list[AuthoredTask]) -> dict[str, Any]:
    return {
        "name": task.name,
        "type": task.type,
        "priority": task.priority,
        "commands": [command.as_json() for command in task.commands],
        "after": [tasks[position - 1].name for position in task.dependencies],
    }
