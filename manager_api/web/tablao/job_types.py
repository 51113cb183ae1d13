"""The scripts of job types. Only administrators change them: Python runs in the manager."""

from typing import Annotated

from fastapi import APIRouter, Query

from manager_api.contract.errors import BadRequest, PreconditionFailed
from manager_api.contract.job_type_scripts import (
    ChangedScript,
    JobPreview,
    JobTypeSource,
    ListedJobTypes,
    ScriptToTry,
    Trial,
)
from manager_api.contract.jobs import SubmittedJob
from manager_api.job_types.scripts import JobTypeScripts
from manager_api.job_types.trial import tried
from manager_api.jobs.submission import compile_job
from manager_api.web.auth import Administering, Caller, Reading, Submitting
from manager_api.web.dependencies import Parts, Scripts
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.responses import ERROR, NOT_VALID
from workflows.domain.access import Permission

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1/job-types",
    tags=["job types"],
    responses=ERROR | NOT_VALID,
)


@router.get("", operation_id="getJobTypeScripts", dependencies=[Reading])
async def get_job_type_scripts(caller: Caller, scripts: Scripts, parts: Parts) -> ListedJobTypes:
    """Return all job types, broken ones too, with their problems and origins."""
    return ListedJobTypes(
        folder=str(scripts.folder),
        may_edit_python=caller.may(Permission.ADMIN),
        job_types=await parts.job_types.in_thread(JobTypeScripts(scripts).all),
    )


@router.post("/test-compile", operation_id="testCompileJobType", dependencies=[Administering])
async def test_compile_job_type(script: ScriptToTry, scripts: Scripts, parts: Parts) -> Trial:
    """Try a script with settings. Nothing is stored; a broken script is not an error here."""
    return await parts.job_types.in_thread(lambda: tried(script, scripts))


@router.post("/preview-job", operation_id="previewJob", dependencies=[Submitting])
async def preview_job(submitted: SubmittedJob, parts: Parts) -> JobPreview:
    """Check a job as submitJobCheck does, for forms: a refusal is not an error here."""
    try:
        compiled = await compile_job(submitted, parts.job_types, parts.configuration.variables)
    except (BadRequest, PreconditionFailed) as refusal:
        return JobPreview(problem=str(refusal), printed=[], task_count=0)
    return JobPreview(problem="", printed=compiled.job.printed, task_count=len(compiled.tasks))


@router.get("/{name}/source", operation_id="getJobTypeSource", dependencies=[Reading])
async def get_job_type_source(name: str, scripts: Scripts, parts: Parts) -> JobTypeSource:
    """Return a job type's script; for a built-in one a script that makes the same tasks."""
    return await parts.job_types.in_thread(lambda: JobTypeScripts(scripts).source(name))


@router.put("/{name}/source", operation_id="setJobTypeSource", dependencies=[Administering])
async def set_job_type_source(
    name: str,
    script: ChangedScript,
    scripts: Scripts,
    parts: Parts,
    force: Annotated[bool, Query(description="Store it even if it does not work.")] = False,
) -> JobTypeSource:
    """Store a script in the folder of job types. It counts for jobs submitted from now on."""
    return await parts.job_types.in_thread(
        lambda: JobTypeScripts(scripts).change(name, script, is_forced=force)
    )


@router.delete(
    "/{name}/source",
    operation_id="removeJobTypeSource",
    dependencies=[Administering],
    status_code=204,
)
async def remove_job_type_source(name: str, scripts: Scripts, parts: Parts) -> None:
    """Delete a script. If it replaced a built-in job type, that one is back."""
    await parts.job_types.in_thread(lambda: JobTypeScripts(scripts).remove(name))
