"""Compiling without a manager."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from manager_api.job_types.exchange import ScriptLimits
from manager_api.job_types.folder import describe_file
from manager_api.job_types.registry import compiled
from manager_api.job_types.sandbox import Sandbox
from workflows.domain.job_types.definitions import AuthoredTask, SubmittedJob

CREATED = datetime(2026, 5, 1, 12, 30, 15).astimezone()


@pytest.fixture
def new_job() -> Callable[..., SubmittedJob]:
    def new_job(**settings: Any) -> SubmittedJob:
        job_id = "3c56b7a6-5a2f-4d4e-9f07-0f3a2d1b8c11"
        return SubmittedJob(job_id, "bulería", "own", CREATED, settings=settings)

    return new_job


@pytest.fixture
def sandbox() -> Sandbox:
    limits = ScriptLimits(cpu_s=2, wall_s=120, memory_mb=128)
    return Sandbox(lambda: limits)


@pytest.fixture
def compile_with(sandbox: Sandbox) -> Callable[[Path, SubmittedJob], list[AuthoredTask]]:
    def compile_with(script: Path, job: SubmittedJob) -> list[AuthoredTask]:
        return compiled(job, describe_file(script, sandbox))

    return compile_with
