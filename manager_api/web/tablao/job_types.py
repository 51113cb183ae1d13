"""The scripts of job types. Python scripts run in the manager: see `_check_may_edit`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from manager_api.contract.errors import BadRequest, Forbidden, PreconditionFailed
from manager_api.contract.job_type_scripts import (
    ChangedScript,
    JobPreview,
    JobTypeSource,
    Language,
    ListedJobTypes,
    ScriptToTry,
    Trial,
)
from manager_api.contract.jobs import SubmittedJob
from manager_api.job_types.scripts import JobTypeScripts
from manager_api.job_types.trial import tried
from manager_api.jobs.submission import compile_job
from manager_api.web.auth import Anybody, acts_as_this_machine
from manager_api.web.dependencies import Parts, Scripts
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.responses import ERROR, NOT_VALID

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1/job-types",
    tags=["job types"],
    dependencies=[Anybody],
    responses=ERROR | NOT_VALID,
)


@router.get("", operation_id="getJobTypeScripts")
async def get_job_type_scripts(request: Request, scripts: Scripts, parts: Parts) -> ListedJobTypes:
    """Return all job types, broken ones too, with their problems and origins."""
    return ListedJobTypes(
        folder=str(scripts.folder),
        may_edit_python=acts_as_this_machine(request),
        job_types=await parts.job_types.in_thread(JobTypeScripts(scripts).all),
    )


@router.post("/test-compile", operation_id="testCompileJobType")
async def test_compile_job_type(
    script: ScriptToTry, request: Request, scripts: Scripts, parts: Parts
) -> Trial:
    """Try a script with settings. Nothing is stored; a broken script is not an error here."""
    _check_may_edit(script.language, request)
    return await parts.job_types.in_thread(lambda: tried(script, scripts))


@router.post("/preview-job", operation_id="previewJob")
async def preview_job(submitted: SubmittedJob, parts: Parts) -> JobPreview:
    """Check a job as submitJobCheck does, for forms: a refusal is not an error here."""
    try:
        job = await compile_job(submitted, parts.job_types, parts.configuration.variables)
    except (BadRequest, PreconditionFailed) as refusal:
        return JobPreview(problem=str(refusal), task_count=0)
    return JobPreview(problem="", task_count=len(job.tasks))


@router.get("/{name}/source", operation_id="getJobTypeSource")
async def get_job_type_source(name: str, scripts: Scripts, parts: Parts) -> JobTypeSource:
    """Return a job type's script; for a built-in one a script that makes the same tasks."""
    return await parts.job_types.in_thread(lambda: JobTypeScripts(scripts).source(name))


@router.put("/{name}/source", operation_id="setJobTypeSource")
async def set_job_type_source(
    name: str,
    script: ChangedScript,
    request: Request,
    scripts: Scripts,
    parts: Parts,
    force: Annotated[bool, Query(description="Store it even if it does not work.")] = False,
) -> JobTypeSource:
    """Store a script in the folder of job types. It counts for jobs submitted from now on."""
    _check_may_edit(script.language, request)
    return await parts.job_types.in_thread(
        lambda: JobTypeScripts(scripts).change(name, script, is_forced=force)
    )


@router.delete("/{name}/source", operation_id="removeJobTypeSource", status_code=204)
async def remove_job_type_source(
    name: str, request: Request, scripts: Scripts, parts: Parts
) -> None:
    """Delete a script. If it replaced a built-in job type, that one is back."""

    def remove() -> None:
        files = JobTypeScripts(scripts)
        _check_may_edit(files.language(name), request)
        files.remove(name)

    await parts.job_types.in_thread(remove)


def _check_may_edit(language: Language, request: Request) -> None:
    """Check that the client may edit scripts in this language.

    Python scripts can do all that the manager's user can do. JavaScript runs in a closed engine.

    Raises:
        Forbidden: a client on another machine wants to edit Python.
    """
    if language is Language.PYTHON and not acts_as_this_machine(request):
        raise Forbidden(
            "job types in Python are changed and tried out only from the manager's own machine, "
            "because they can do there what the manager can"
        )
