"""Reads and writes of the database for hosts: sessions, statuses, runs, progress."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from manager_api.database.engine import Database, utc_now
from manager_api.database.restored import moment_of
from manager_api.database.tables import WorkerRow
from manager_api.hosts import store
from manager_api.hosts.channel import HelloAnswer
from manager_api.jobs import task_store as tasks
from manager_api.logs.task_logs import TaskLogs
from manager_api.runs.store import settled_among
from manager_api.workers import examination_store as examinations
from manager_api.workers import provision_store as provisions
from manager_api.workers import sleep_store as sleep_schedules
from manager_api.workers import store as workers
from manager_api.workers.credentials import new_secret
from workflows.domain.asides import heard
from workflows.domain.control import MOST_CLAIMED_SESSIONS, Hello, Malformed, UpgradeReport
from workflows.domain.messages import RunKey
from workflows.domain.provisioning import Provision
from workflows.domain.statuses import WorkerStatus
from workflows.domain.worker import pending_after_report, status_after_hello

TaskFetched = Callable[[str, RunKey], str | None]


Programs = Callable[[str, Provision], Mapping[str, Any]]


def _not_known(worker_id: str, key: RunKey) -> str | None:
    return None


def _none_needed(platform: str, provision: Provision) -> Mapping[str, Any]:
    return {}


class SqlHostRecords:
    """Implements `HostRecords` with our database.

    Args:
        logs: tell which worker was given an older try.
        task_fetched: returns the id of a run's task if this worker fetched its commands not long
            ago, else None. It saves a query.
        programs: returns the programs that a host of a platform needs, by task type.
    """

    def __init__(
        self,
        db: Database,
        logs: TaskLogs,
        task_fetched: TaskFetched = _not_known,
        programs: Programs = _none_needed,
    ) -> None:
        self._db = db
        self._logs = logs
        self._task_fetched = task_fetched
        self._programs = programs

    async def open_session(self, worker_id: str, hello: Hello) -> int | None:
        """Return the session that the host has from now on.

        Returns:
            None: the host is to go, because a newer session exists or its worker was deleted.

        Raises:
            Malformed: the hello names a run with a key that is not a run key.
        """
        _parsed(hello.runs)  # so that only valid keys are stored
        async with self._db.writing() as session:
            row = await workers.worker_to_change(session, worker_id)
            if row is None:
                return None
            if hello.session is not None and hello.session < row.session:
                return None
            row.is_provisioned = hello.provisioned
            row.has_deck = hello.has_deck
            row.can_upgrade = hello.can_upgrade
            if hello.session is None:
                workers.process_began(session, row, hello.software)
            await workers.set_aside(session, row, heard(hello.asides))
            # A worker that counted as lost gets a new session, although its host goes on with the
            # old one: a late "worker gone" about that must not end runs that begin from now on.
            if hello.session == row.session and row.status is not WorkerStatus.ERROR:
                return row.session
            # The host's number is greater if an older database was restored. Numbers are never
            # used twice.
            if hello.session is not None and hello.session <= MOST_CLAIMED_SESSIONS:
                row.session = max(row.session, hello.session)
            return workers.begin_session(session, row, hello.slots, hello.runs)

    async def hello_answer(self, worker_id: str, hello: Hello) -> HelloAnswer:
        named = _parsed(hello.runs)
        async with self._db.reading() as session:
            row = await workers.worker(session, worker_id)
            settled = await settled_among(session, named)
            leased = await store.leased_runs(session, worker_id)
            provided = await provisions.effective_by_id(session, [worker_id])
            scheduled = await sleep_schedules.scheduled_status(session, worker_id, utc_now())
        stop = [str(k) for k in named if k in settled or (k.job_id, k.run) not in leased]
        is_lazy = row is not None and row.is_lazy_request
        provision = provided.get(worker_id, Provision())
        return HelloAnswer(
            _wanted(row, hello, scheduled),
            is_lazy,
            tuple(stop),
            tuple(str(key) for key in named if key in settled),
            provision.settings(),
            {} if row is None else self._programs(row.platform, provision),
            row is not None and row.new_secret_hashes is not None,
        )

    async def new_secret(self, worker_id: str) -> str | None:
        """Return another secret that counts for a worker from now on; None if it needs none."""
        secret, secret_hash = await new_secret()
        async with self._db.writing() as session:
            row = await workers.worker_to_change(session, worker_id)
            is_needed = row is not None and workers.add_new_secret(session, row, secret_hash)
        return secret if is_needed else None

    async def reported_status(self, worker_id: str, session: int, status: WorkerStatus) -> None:
        """Store the reported status; ignore it if it comes from an older session."""
        async with self._db.writing() as transaction:
            row = await workers.worker_to_change(transaction, worker_id)
            if row is None or row.session != session:
                return
            pending = workers.pending_request(row)
            if row.status is status and pending_after_report(status, pending) == pending:
                return  # hosts repeat their status with each connection
            workers.set_status(transaction, row, status)

    async def set_aside(self, worker_id: str, session: int, said: Mapping[str, Any]) -> None:
        """Store why a host is set aside; ignore it if it comes from an older session."""
        async with self._db.writing() as transaction:
            row = await workers.worker_to_change(transaction, worker_id)
            if row is not None and row.session == session:
                await workers.set_aside(transaction, row, heard(said))

    async def upgrade_reported(self, worker_id: str, session: int, report: UpgradeReport) -> None:
        """Store how far an upgrade is; ignore it if it comes from an older session."""
        async with self._db.writing() as transaction:
            row = await workers.worker_to_change(transaction, worker_id)
            if row is not None and row.session == session:
                workers.set_upgrade(transaction, row, report)

    async def examined(self, worker_id: str, report: Mapping[str, Any]) -> None:
        """Store what the doctor on a worker's machine has found."""
        async with self._db.writing() as transaction:
            row = await workers.worker_to_change(transaction, worker_id)
            if row is not None:
                await examinations.store(transaction, row, report)

    async def seen(self, worker_ids: Collection[str]) -> datetime:
        """Store that the workers were heard from; return the time that was stored."""
        at = utc_now()
        async with self._db.writing() as session:
            await workers.seen(session, sorted(worker_ids), at)
        return at

    async def deleted(self, worker_ids: Collection[str]) -> Collection[str]:
        """Return the ids of those workers that were deleted."""
        if not worker_ids:
            return ()
        async with self._db.reading() as session:
            return await workers.dismissed(session, sorted(worker_ids))

    async def task_of(self, worker_id: str, key: RunKey) -> str | None:
        """Return the id of a run's task; None if the run is not this worker's.

        A host may send the rest of a log long after its lease was returned, but of its own tries
        only.
        """
        if task_id := self._task_fetched(worker_id, key):
            return task_id
        async with self._db.reading() as session:
            task = await store.known_task(session, worker_id, key)
        if task is None or not await self._is_its_own(task, worker_id, key):
            return None
        return task.id

    async def _is_its_own(self, task: store.KnownTask, worker_id: str, key: RunKey) -> bool:
        if key.run < task.restored:
            return await self._was_its_own(task, worker_id, key)
        if (task.attempt, task.worker_id) == (key.attempt, worker_id):
            return True
        if task.attempt <= key.attempt and not task.is_lent:
            return False
        if task.attempt < key.attempt:
            return True  # the projection lags behind the workflow, so the lease decides
        assigned = await self._logs.assigned_to(key.job_id, task.id, key.attempt)
        return assigned == worker_id

    async def _was_its_own(self, task: store.KnownTask, worker_id: str, key: RunKey) -> bool:
        """Return whether a try from before the last restore was the worker's (rule 27).

        The database that was put back may know neither the try nor the lease. A number that the
        logs did not have then, either, is that of a try of the new run, whose bytes must not be
        taken for repeated ones.
        """
        given = await self._logs.last_assignment(key.job_id, task.id, key.attempt)
        if given is None:
            return task.had_lease and key.attempt <= task.attempt
        return given.worker_id == worker_id and given.when < moment_of(task.restored)

    async def steps_completed(self, steps: Mapping[RunKey, int]) -> None:
        of_jobs: dict[str, dict[int, int]] = defaultdict(dict)
        for key in sorted(steps):  # a later attempt's steps replace an earlier one's
            of_jobs[key.job_id][key.index] = steps[key]
        async with self._db.writing() as session:
            for job_id, of_job in of_jobs.items():
                await tasks.set_steps_of_many(session, job_id, of_job)

    async def memory_peaks(self, peaks: Mapping[RunKey, int]) -> None:
        of_jobs: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
        for key in sorted(peaks):
            of_jobs[key.job_id][key.index] = (key.attempt, peaks[key])
        async with self._db.writing() as session:
            for job_id, of_job in of_jobs.items():
                await tasks.set_memory_peaks(session, job_id, of_job)

    async def silences(self, silences: Mapping[RunKey, datetime | None]) -> None:
        async with self._db.writing() as session:
            await tasks.set_silences(session, silences)


def _wanted(row: WorkerRow | None, hello: Hello, scheduled: WorkerStatus | None) -> WorkerStatus:
    if row is None:
        return WorkerStatus.OFFLINE
    return status_after_hello(workers.pending_request(row), row.status, hello.status, scheduled)


def _parsed(runs: Iterable[str]) -> list[RunKey]:
    try:
        return [RunKey.parse(each) for each in runs]
    except ValueError as error:
        raise Malformed(f"not a run key: {error}") from error
