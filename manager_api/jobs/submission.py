"""Compiles an artist's submission into a job that can be stored."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from manager_api.contract.errors import BadRequest, PreconditionFailed
from manager_api.contract.jobs import SubmittedJob
from manager_api.database.tables import JobRow
from manager_api.job_types.folder import JobTypeBroken
from manager_api.job_types.registry import JobTypeRegistry, JobTypeUnknown
from manager_api.settings.platforms import managers_platform
from workflows.domain.job_types import definitions
from workflows.domain.job_types.definitions import AuthoredTask, CompiledJob, CompileError, JobType
from workflows.domain.outputs import has_own_folder, with_timestamp
from workflows.domain.run_times import limits_of_job
from workflows.domain.statuses import JobStatus
from workflows.domain.variables import Variables

#: The statuses that a new job may have.
_INITIAL = frozenset({JobStatus.QUEUED, JobStatus.PAUSED})


#: Returns a number that makes a job's output path its own; see `workflows.domain.outputs`.
FreeNumber = Callable[[definitions.SubmittedJob], Awaitable[int]]


async def compile_job(
    submitted: SubmittedJob,
    job_types: JobTypeRegistry,
    variables: Variables,
    free_number: FreeNumber | None = None,
) -> CompiledJob:
    """Compile a submitted job. A job of many tasks takes seconds, most of them in threads.

    Args:
        free_number: asked if the job gets a folder of its own; None: the job is not stored.

    Raises:
        BadRequest: the job cannot be compiled; the message is a sentence for the submitter.
        PreconditionFailed: the job type has changed since the submitter fetched it.
    """
    status = submitted.initial_status or JobStatus.QUEUED
    if status not in _INITIAL:
        raise BadRequest(f'a job cannot begin as "{status}", only as "queued" or "paused"')
    job = await asyncio.to_thread(_to_compile, submitted, variables)
    try:
        limits_of_job(job.metadata)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    is_own = has_own_folder(job.settings)
    number = await free_number(job) if is_own and free_number is not None else 1
    job = replace(job, settings=with_timestamp(job.settings, job.created, number))
    return CompiledJob(job, await _compiled(job, submitted, job_types), is_own)


async def compile_again(
    row: JobRow, settings: dict[str, Any], job_types: JobTypeRegistry, variables: Variables
) -> CompiledJob:
    """Compile a stored job with other settings, as if it had been submitted with them.

    Raises:
        BadRequest: the job cannot be compiled; the message is a sentence for the editor of the
            settings.
    """
    submitted = SubmittedJob(
        name=row.name,
        type=row.job_type,
        priority=row.priority,
        settings=settings,
        metadata=row.job_metadata,
        submitter_platform="manager",
        worker_tag=row.worker_tag_id,
    )
    job = await asyncio.to_thread(_to_compile, submitted, variables)
    # Paths may contain these values, so the job keeps them.
    job = replace(
        job,
        job_id=row.id,
        created=row.created.astimezone(),
        shaman_checkout_id=row.shaman_checkout_id,
    )
    return CompiledJob(job, await _compiled(job, submitted, job_types))


async def _compiled(
    job: definitions.SubmittedJob, submitted: SubmittedJob, job_types: JobTypeRegistry
) -> list[AuthoredTask]:
    try:
        job_type = await job_types.get(submitted.type)
        _check_etag(submitted, job_type)
        return await job_types.compile(job, job_type)
    except (JobTypeUnknown, JobTypeBroken, CompileError) as refusal:
        raise BadRequest(str(refusal)) from refusal


def _to_compile(submitted: SubmittedJob, variables: Variables) -> definitions.SubmittedJob:
    submitters = submitted.submitter_platform
    if submitters == "manager":
        submitters = managers_platform()
    return definitions.SubmittedJob(
        job_id=str(uuid4()),
        name=submitted.name,
        job_type=submitted.type,
        created=datetime.now().astimezone(),
        priority=submitted.priority,
        settings=variables.fold(submitted.settings, submitters),
        metadata=variables.fold(submitted.metadata, submitters),
        status=submitted.initial_status or JobStatus.QUEUED,
        worker_tag_id=submitted.worker_tag or "",
        shaman_checkout_id=(submitted.storage and submitted.storage.shaman_checkout_id) or "",
    )


def _check_etag(submitted: SubmittedJob, job_type: JobType) -> None:
    if submitted.type_etag and submitted.type_etag != job_type.etag():
        raise PreconditionFailed(
            "the job type has changed since it was fetched; refresh the job types and try again"
        )
