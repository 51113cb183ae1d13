"""Finds job types by name, whatever they are written in."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from workflows.domain.job_types import echo_sleep_test, simple_blender_render
from workflows.domain.job_types.checking import check_settings
from workflows.domain.job_types.definitions import (
    MAX_TASKS,
    AuthoredTask,
    CompileError,
    JobType,
    SubmittedJob,
)


class JobTypeUnknown(LookupError):
    """No source has a job type of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no job type called {name!r}.")
        self.name = name


class JobTypeSource(Protocol):
    def job_types(self) -> Iterable[JobType]:
        """Asked at every lookup, so that edits of files are live."""


class BuiltInJobTypes:
    def job_types(self) -> Iterable[JobType]:
        return (echo_sleep_test.JOB_TYPE, simple_blender_render.JOB_TYPE)


class JobTypeRegistry:
    def __init__(self, sources: Sequence[JobTypeSource]) -> None:
        """Of namesakes the one of the first source counts."""
        self._sources = tuple(sources)

    def names(self) -> list[str]:
        return sorted(self._by_name())

    def all(self) -> list[JobType]:
        """Sorted by name."""
        return [job_type for _, job_type in sorted(self._by_name().items())]

    def get(self, name: str) -> JobType:
        """Raises `JobTypeUnknown`."""
        try:
            return self._by_name()[name]
        except KeyError:
            raise JobTypeUnknown(name) from None

    def compile(self, job: SubmittedJob, name: str) -> list[AuthoredTask]:
        """Checks the job's settings and makes its tasks; may change its settings and metadata.

        Raises:
            JobTypeUnknown: no job type of that name.
            CompileError: the job type refuses the job, with a sentence for the submitter.
        """
        job_type = self.get(name)
        check_settings(job_type, job.settings)
        tasks = job_type.compile_job(job)
        if len(tasks) > MAX_TASKS:
            raise CompileError(
                f"This makes {len(tasks):,} tasks, and a job has at most {MAX_TASKS:,}."
            )
        return tasks

    def _by_name(self) -> dict[str, JobType]:
        found: dict[str, JobType] = {}
        for source in self._sources:
            for job_type in source.job_types():
                found.setdefault(job_type.name, job_type)
        return found
