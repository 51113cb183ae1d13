"""Tries a script out: compiles its tasks from settings, without storing a job."""

import re
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from manager_api.contract.job_type_scripts import ScriptToTry, Trial, TriedCommand, TriedTask
from manager_api.contract.job_types import AvailableJobType
from manager_api.job_types.drafts import draft_job_type
from manager_api.job_types.folder import FolderJobTypes
from manager_api.job_types.registry import compiled
from manager_api.job_types.scripts import SUFFIXES
from workflows.domain.job_types.definitions import (
    AuthoredTask,
    CompileError,
    JobType,
    SubmittedJob,
)

_TASKS_SHOWN = 500
_AFTER_SHOWN = 20
_ODD = re.compile(r"[^A-Za-z0-9]+")


def tried(script: ScriptToTry, scripts: FolderJobTypes) -> Trial:
    """Return the job type and the tasks that a script makes; blocks.

    Args:
        script: The script and the settings to try.
        scripts: The folder whose scripts the script may require.

    Raises:
        TooManyScripts: other scripts did not end in time.
    """
    file = f"{_ODD.sub('_', script.name) or 'draft'}{SUFFIXES[script.language]}"
    if scripts.folder.is_dir():
        return _tried_in(scripts.folder / file, script, scripts)
    with tempfile.TemporaryDirectory() as folder:
        return _tried_in(Path(folder, file), script, scripts)


def _tried_in(path: Path, script: ScriptToTry, scripts: FolderJobTypes) -> Trial:
    try:
        job_type = draft_job_type(path, script.source, scripts.sandbox)
    except CompileError as problem:
        return Trial(
            problem=str(problem), printed=[], settings=script.settings, tasks=[], task_count=0
        )
    settings = _with_defaults(job_type, script.settings)
    told = AvailableJobType.model_validate(job_type.as_json())
    created = datetime.now().astimezone()
    job = SubmittedJob(
        str(uuid4()), script.job_name, job_type.name, created, settings=dict(settings)
    )
    try:
        tasks = compiled(job, job_type)
    except CompileError as problem:
        return Trial(
            job_type=told,
            problem=str(problem),
            printed=job.printed,
            settings=settings,
            tasks=[],
            task_count=0,
        )
    return Trial(
        job_type=told,
        problem="",
        printed=job.printed,
        settings=job.settings,
        tasks=[_told(task) for task in tasks[:_TASKS_SHOWN]],
        task_count=len(tasks),
    )


def _with_defaults(job_type: JobType, given: dict[str, Any]) -> dict[str, Any]:
    declared = [setting.as_json() for setting in job_type.settings]
    defaults = {
        each["key"]: each["default"] for each in declared if each.get("default") is not None
    }
    return defaults | given


def _told(task: AuthoredTask) -> TriedTask:
    return TriedTask(
        name=task.name,
        type=task.type,
        priority=task.priority,
        steps=task.steps_total,
        commands=[
            TriedCommand(name=command.name, parameters=command.parameters)
            for command in task.commands
        ],
        after=list(task.dependencies[:_AFTER_SHOWN]),
        after_count=len(task.dependencies),
    )
