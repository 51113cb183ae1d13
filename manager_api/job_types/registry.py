"""Finds job types by name, in every language, and lets them compile jobs."""

import asyncio
import contextvars
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from manager_api.job_types.folder import FolderJobTypes, JobTypeBroken
from manager_api.job_types.sandbox import AT_ONCE, TooManyScripts
from workflows.domain.job_types import echo_sleep_test, simple_blender_render
from workflows.domain.job_types.checking import check_settings
from workflows.domain.job_types.definitions import (
    MAX_TASKS,
    AuthoredTask,
    CompileError,
    JobType,
    SubmittedJob,
)
from workflows.domain.job_types.finishing import finished

_Result = TypeVar("_Result")
_THREADS = 32
_PATIENCE_S = 30.0


class JobTypeUnknown(LookupError):
    """No source has a job type of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no job type called {name!r}.")
        self.name = name


class JobTypeSource(Protocol):
    """A source of job types. Every lookup asks it, so edited files count at once.

    Its methods may block their thread.
    """

    def job_types(self) -> Iterable[JobType]:
        """Return all job types that work; if two have the same name, the first counts."""

    def job_type(self, name: str) -> JobType | None:
        """Return the job type of that name; None if the source has none.

        Raises:
            JobTypeBroken: the source has it, but it does not work.
        """


class BuiltInJobTypes:
    def job_types(self) -> Iterable[JobType]:
        return (echo_sleep_test.JOB_TYPE, simple_blender_render.JOB_TYPE)

    def job_type(self, name: str) -> JobType | None:
        return next((each for each in self.job_types() if each.name == name), None)


class JobTypeRegistry:
    def __init__(
        self,
        sources: Sequence[JobTypeSource],
        on_close: Callable[[], None] = lambda: None,
        patience_s: Callable[[], float] = lambda: _PATIENCE_S,
        scripts: FolderJobTypes | None = None,
    ) -> None:
        """
        Args:
            sources: If two sources have a job type of the same name, the first source counts.
            on_close: Ends the calls that still block the registry's threads.
            patience_s: How long a job may wait for its turn while scripts compile other jobs.
            scripts: The source whose scripts can be edited, one of `sources`.
        """
        self.scripts = scripts
        self._sources = tuple(sources)
        self._on_close = on_close
        self._patience_s = patience_s
        # A job that waits for its turn occupies no thread, so work without scripts goes on.
        self._turns = asyncio.Semaphore(AT_ONCE)
        # Own threads, because slow scripts must not occupy the threads of the whole manager.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="job-types")

    async def names(self) -> list[str]:
        return [job_type.name for job_type in await self.all()]

    async def all(self) -> list[JobType]:
        """Return the job types that work, sorted by name."""
        return await self.in_thread(self._all)

    async def get(self, name: str) -> JobType:
        """Return the job type of that name.

        Raises:
            JobTypeUnknown: there is no job type of that name.
            JobTypeBroken: the job type exists, but does not work.
        """
        return await self.in_thread(lambda: self._get(name))

    async def compile(self, job: SubmittedJob, job_type: JobType) -> list[AuthoredTask]:
        """Check the job's settings and return its tasks; may change its settings and metadata.

        Raises:
            CompileError: the job type refuses the job, with a sentence for the submitter.
            TooManyScripts: scripts that compile other jobs did not end in time.
        """
        if not job_type.is_script:
            return await self.in_thread(lambda: compiled(job, job_type))
        try:
            async with asyncio.timeout(self._patience_s()):
                await self._turns.acquire()
        except TimeoutError:
            raise TooManyScripts from None
        try:
            return await self.in_thread(lambda: compiled(job, job_type))
        finally:
            self._turns.release()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._on_close()

    async def in_thread(self, call: Callable[[], _Result]) -> _Result:
        """Run a call that may wait for scripts in one of the registry's threads."""
        # With its context, so that it can note in the audit what it changes.
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, call)

    def _all(self) -> list[JobType]:
        found: dict[str, JobType] = {}
        for source in self._sources:
            for job_type in source.job_types():
                found.setdefault(job_type.name, job_type)
        return [job_type for _, job_type in sorted(found.items())]

    def _get(self, name: str) -> JobType:
        broken: JobTypeBroken | None = None
        for source in self._sources:
            try:
                found = source.job_type(name)
            except JobTypeBroken as problem:
                broken = broken or problem
                continue
            if found is not None:
                return found
        raise broken or JobTypeUnknown(name)


def compiled(job: SubmittedJob, job_type: JobType) -> list[AuthoredTask]:
    """Return a job's tasks as `JobTypeRegistry.compile` does; blocks."""
    check_settings(job_type, job.settings)
    tasks = job_type.compile_job(job)
    if len(tasks) > MAX_TASKS:
        raise CompileError(f"This makes {len(tasks):,} tasks, and a job has at most {MAX_TASKS:,}.")
    return finished(job, tasks)
