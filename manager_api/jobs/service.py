"""Lists, checks, submits and changes jobs."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.answers import farm_job_answer, job_answer, shown_worker, task_summary
from manager_api.contract.errors import BadRequest, NotAcceptable
from manager_api.contract.farm_jobs import FarmJob
from manager_api.contract.job_details import JobNamed, SameOutput
from manager_api.contract.jobs import Job, SubmittedJob
from manager_api.contract.tasks import TaskSummary, TaskWorker
from manager_api.contract.worker_management import JobTagChange
from manager_api.database.engine import Database, Session
from manager_api.database.tables import JobRow, WorkerTagRow
from manager_api.job_types.registry import JobTypeRegistry
from manager_api.jobs import history as job_history
from manager_api.jobs import insertion as submission
from manager_api.jobs import job_list, stuck_store, task_list
from manager_api.jobs import output_store as outputs
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.control import JobControl, apply_change
from manager_api.jobs.submission import compile_job
from manager_api.settings.platforms import managers_platform
from manager_api.workers import store as worker_store
from manager_api.workers import tag_store as tags
from workflows.domain.frame_files import resolved
from workflows.domain.job.named_statuses import job_action_for
from workflows.domain.job_types import definitions
from workflows.domain.job_types.definitions import CompiledJob
from workflows.domain.messages import Change
from workflows.domain.outputs import OUTPUT, output_digest, with_timestamp
from workflows.domain.seen_paths import why_unseen
from workflows.domain.statuses import JobStatus
from workflows.domain.variables import Variables

#: Output paths that are looked up in one query.
_NUMBERS_AT_ONCE = 64

_SUMMARIES = TypeAdapter(list[TaskSummary])


class JobService:
    def __init__(
        self,
        database: Database,
        job_types: JobTypeRegistry,
        control: JobControl,
        variables: Variables,
        storage: Path,
    ) -> None:
        self._database = database
        self._job_types = job_types
        self._control = control
        self._variables = variables
        self._storage = storage

    async def all(self) -> bytes:
        """Return all jobs that are not archived, as the JSON text of a `JobsQueryResult`."""
        texts = await self._listed(job_answer)
        return b'{"jobs":[%s]}' % b",".join(texts)

    async def farm_jobs(self) -> bytes:
        """Return the same jobs as the JSON text of a `FarmJobList`."""
        texts = await self._listed(farm_job_answer)
        return b'{"jobs":[%s],"total":%d}' % (b",".join(texts), len(texts))

    async def newest_farm_jobs(self, limit: int) -> bytes:
        """Return the newest of these jobs, as many as `limit`, as a `FarmJobList`, too."""
        async with self._database.reading() as session:
            rows = await job_list.newest_jobs(session, limit)
            stuck = await stuck_store.stuck_by_job(session)
            total = await job_list.count_of_jobs(session)
        texts = await asyncio.to_thread(job_list.texts_of_some, rows, stuck, farm_job_answer)
        return b'{"jobs":[%s],"total":%d}' % (b",".join(texts), total)

    async def _listed(self, answer: job_list.Answer) -> list[bytes]:
        async with self._database.reading() as session:
            rows = await job_list.all_jobs(session)
            stuck = await stuck_store.stuck_by_job(session)
        return await asyncio.to_thread(job_list.texts, rows, stuck, answer)

    async def get(self, job_id: str) -> Job:
        return job_answer(*await self._row_and_stuck(job_id))

    async def farm_job(self, job_id: str) -> FarmJob:
        return farm_job_answer(*await self._row_and_stuck(job_id))

    async def _row_and_stuck(self, job_id: str) -> tuple[JobRow, int]:
        async with self._database.reading() as session:
            row = await jobs.existing_job(session, job_id)
            return row, len(await stuck_store.stuck(session, job_id))

    async def tasks(self, job_id: str) -> bytes:
        """Return summaries of all tasks, as the JSON text of a `JobTasksSummary`.

        There are no summaries if the job does not exist, as in Flamenco. The text is made piece by
        piece and in threads: 100,000 summaries as objects take 200 MB and seconds.
        """
        pieces: list[bytes] = []
        workers: dict[str, TaskWorker] = {}
        async with self._database.reading() as session:
            async for rows in tasks.summary_rows(session, job_id):
                new = {row.worker_id for row in rows} - workers.keys()
                found = await worker_store.workers_by_id(session, new)
                workers |= {row.id: shown_worker(row) for row in found.values()}
                pieces += await asyncio.to_thread(_summaries_as_json, rows, workers)
        return b'{"tasks":[' + b",".join(pieces) + b"]}"

    async def some_tasks(self, job_id: str, after: int, limit: int) -> bytes:
        """Return a part of the job's tasks, as the JSON text of a `FarmTaskList`.

        Args:
            after: the index of the task before the first one; 0 for the first tasks.
            limit: the most tasks.

        Raises:
            JobNotFound: there is no such job.
        """
        async with self._database.reading() as session:
            await jobs.existing_job(session, job_id)
            rows = await task_list.listed_tasks(session, job_id, after, limit)
            workers = await worker_store.workers_by_id(session, {row.worker_id for row in rows})
            total = await tasks.count_of_job(session, job_id)
        texts = await asyncio.to_thread(task_list.as_json, rows, workers)
        return b'{"tasks":%s,"total":%d}' % (texts, total)

    async def check(self, submitted: SubmittedJob) -> None:
        """Do everything that a submission does, except for storing the job."""
        await compile_job(submitted, self._job_types, self._variables)

    async def submit(self, submitted: SubmittedJob, owner: str = "") -> Job:
        """Store a job.

        Args:
            owner: the account that submits it; empty without one.
        """
        while True:
            new = await compile_job(submitted, self._job_types, self._variables, self._free_number)
            try:
                return await self._store(new, owner)
            except IntegrityError:
                # Another submission of the same second may have taken the output path meanwhile.
                if not new.has_own_folder or await self._is_free(new.job):
                    raise

    async def _store(self, new: CompiledJob, owner: str) -> Job:
        async with self._database.writing() as session:
            tag_id = new.job.worker_tag_id
            if tag_id and not await tags.tag(session, tag_id):
                raise BadRequest(f'there is no worker tag "{tag_id}"')
            row = await submission.insert_job(session, new)
            row.owner = owner or None
            for sentence in await self._why_unseen(session, row):
                job_history.note_job(session, row, row.created, sentence)
        return job_answer(row)

    async def _free_number(self, job: definitions.SubmittedJob) -> int:
        first = 1
        while True:
            numbers = range(first, first + _NUMBERS_AT_ONCE)
            digests = [
                output_digest(with_timestamp(job.settings, job.created, number))
                for number in numbers
            ]
            async with self._database.reading() as session:
                free = await outputs.first_free(session, digests)
            if free is not None:
                return numbers[free]
            first += _NUMBERS_AT_ONCE

    async def _is_free(self, job: definitions.SubmittedJob) -> bool:
        async with self._database.reading() as session:
            return await outputs.first_free(session, [output_digest(job.settings)]) is not None

    async def same_output(self, job_id: str) -> SameOutput:
        async with self._database.reading() as session:
            row = await jobs.existing_job(session, job_id)
            others = await outputs.with_same_output(session, row)
            unseen = await self._why_unseen(session, row)
        named = [JobNamed(id=each.id, name=each.name, status=each.status) for each in others]
        return SameOutput(jobs=named, unseen=unseen)

    async def _why_unseen(self, session: AsyncSession, row: JobRow) -> list[str]:
        path = row.settings.get(OUTPUT)
        if not isinstance(path, str) or not path:
            return []
        platforms = await worker_store.platforms(session)
        blend_file = str(row.settings.get("blendfile", ""))
        return why_unseen(
            resolved(path, blend_file),
            self._variables,
            str(self._storage),
            platforms,
            managers_platform(),
        )

    async def set_status(self, job_id: str, status: JobStatus, reason: str) -> None:
        """Do what a client asks for by naming a status; nothing if the job has that status.

        Raises:
            JobNotFound: there is no such job.
            Refused: no action leads to that status, or the action is not possible now.
        """
        row = await self._row(job_id)
        action = job_action_for(row.status, status)
        if action is not None:
            await self._change(row, Change(action=action, reason=reason))

    async def act(self, job_id: str, change: Change) -> None:
        await self._change(await self._row(job_id), change)

    async def set_priority(self, job_id: str, priority: int) -> None:
        await self._change(await self._row(job_id), Change(priority=priority))

    async def set_tag(self, job_id: str, asked: JobTagChange) -> None:
        async with self._database.writing() as session:
            tag = await _tag_to_give(session, asked)
            jobs.set_tag(session, await jobs.existing_job_to_change(session, job_id), tag)

    async def set_project(self, job_id: str, project: str) -> None:
        """Set the job's project; an empty one removes it.

        Raises:
            JobNotFound: there is no such job.
            Refused: the job is archived or being deleted.
        """
        async with self._database.writing() as session:
            row = await jobs.existing_job_to_change(session, job_id)
            jobs.check_stays(row)
            jobs.set_project(session, row, " ".join(project.split()))

    async def _row(self, job_id: str) -> JobRow:
        async with self._database.reading() as session:
            return await jobs.existing_job(session, job_id)

    async def _change(self, row: JobRow, change: Change) -> None:
        await apply_change(self._database, self._control, row, change)


async def _tag_to_give(session: Session, asked: JobTagChange) -> WorkerTagRow | None:
    """Return the tag that the request names; None if it names no tag.

    Raises:
        NotAcceptable: there is no such tag.
    """
    if asked.id is not None:
        row = await tags.tag_to_give(session, tag_id=asked.id.lower())
    elif asked.name is not None:
        row = await tags.tag_to_give(session, name=asked.name)
    else:
        return None
    if row is None:
        wanted = asked.name if asked.id is None else asked.id
        raise NotAcceptable(f'there is no worker tag "{(wanted or "")[:100]}"')
    return row


def _summaries_as_json(
    rows: Sequence[tasks.SummaryRow], workers: Mapping[str, TaskWorker]
) -> list[bytes]:
    """Return JSON objects with commas between them; an empty list for no rows."""
    summaries = [task_summary(row, workers.get(row.worker_id or "")) for row in rows]
    return [_SUMMARIES.dump_json(summaries, exclude_none=True)[1:-1]] if summaries else []
