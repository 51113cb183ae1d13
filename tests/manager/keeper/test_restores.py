"""A database that was put back is noticed, and no number is used twice, however often it is."""

import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from manager_api.database.engine import Database
from manager_api.database.tables import JobRow
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.keeper.restores import RestoreWatch
from manager_api.keeper.store import SqlKeeperStore
from manager_api.logs.task_logs import TaskLogs
from workflows.domain.job.encoding import decode
from workflows.domain.matchmaking import Offer
from workflows.domain.messages import JobSnapshot, ProjectionWrite, TasksMoved, WriteAnswer
from workflows.domain.statuses import TaskStatus
from workflows.domain.task_ids import task_id

Make = Callable[..., Awaitable[str]]


class Clock:
    """A minute later at each look."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def logs(tmp_path: Path) -> TaskLogs:
    return TaskLogs(tmp_path / "logs")


@pytest.fixture
def watch(db: Database, tmp_path: Path, logs: TaskLogs) -> RestoreWatch:
    return RestoreWatch(db, tmp_path / "mark", logs, Clock())


async def run_of(db: Database, job_id: str) -> int:
    async with db.reading() as session:
        return (await session.get_one(JobRow, job_id)).run


def mark_as_in_the_backup(mark: Path) -> None:
    """The database is where it was when the first mark was noted; the file is further."""
    mark.write_text(str(int(mark.read_text()) + 1000))


async def test_a_manager_that_only_restarts_begins_no_new_runs(
    db: Database, insert: Make, watch: RestoreWatch
) -> None:
    job_id = await insert()

    noticed = [await watch.begin()]
    await watch.mark()
    noticed.append(await watch.begin())

    assert noticed == [False, False]
    assert await run_of(db, job_id) == 1


async def test_a_manager_without_a_note_believes_the_database(
    db: Database, watch: RestoreWatch, tmp_path: Path, logs: TaskLogs
) -> None:
    await watch.begin()

    assert not await RestoreWatch(db, tmp_path / "another's", logs).begin()


async def test_what_a_person_wrote_into_the_file_counts_as_a_restore(
    watch: RestoreWatch, tmp_path: Path
) -> None:
    await watch.begin()
    (tmp_path / "mark").write_text("restored\n")

    assert await watch.begin()
    assert not await watch.begin()


async def test_unfinished_jobs_begin_runs_of_numbers_that_were_never_used(
    db: Database, insert: Make, watch: RestoreWatch, tmp_path: Path
) -> None:
    job_id = await insert()
    await watch.begin()
    mark_as_in_the_backup(tmp_path / "mark")

    noticed = await watch.begin()

    assert noticed
    assert await run_of(db, job_id) > 180_000_000  # the seconds since 2020
    assert (job_id, await run_of(db, job_id)) in await SqlKeeperStore(db).outbox()


async def test_leases_are_newer_than_any_that_hosts_have_seen(
    db: Database, insert: Make, worker: Make, watch: RestoreWatch, tmp_path: Path
) -> None:
    job_id, worker_id = await insert(), await worker()
    await watch.begin()
    mark_as_in_the_backup(tmp_path / "mark")
    await watch.begin()
    keeper, run = SqlKeeperStore(db), await run_of(db, job_id)

    [lease] = await keeper.write_offers(
        await keeper.next_epoch(), [Offer(worker_id, 1, 0, job_id, run)]
    )

    assert lease.generation > 180_000_000


async def test_attempts_that_only_the_logs_know_are_not_repeated(
    db: Database, insert: Make, watch: RestoreWatch, logs: TaskLogs, tmp_path: Path
) -> None:
    job_id = await insert(2)
    await watch.begin()
    await logs.write_chunk(job_id, task_id(job_id, 2), 3, 0, b"of a time that was put back\n")
    mark_as_in_the_backup(tmp_path / "mark")

    await watch.begin()

    snapshot = await SqlProjectionStore(db).claim(job_id, await run_of(db, job_id))
    assert snapshot is not None
    assert decode(snapshot.tasks).attempts == [0, 3]


class Farm:
    """A manager's life on an SQLite file, of which copies are really made and put back."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.file = directory / "tablao.sqlite"
        self.copy = directory / "backup.sqlite"
        self.logs = TaskLogs(directory / "logs")
        self._mark = directory / "mark"
        self._clock = clock
        self.used: list[str] = []
        """Keys of all runs, and numbers of all leases, of every time."""

    async def live(self, job_id: str, worker_id: str) -> None:
        """From a manager's start to its end: task 1 of the job runs once, to success."""
        db = Database(f"sqlite+aiosqlite:///{self.file}")
        watch = RestoreWatch(db, self._mark, self.logs, self._clock)
        await watch.begin()
        run = await run_of(db, job_id)
        keeper, store = SqlKeeperStore(db), SqlProjectionStore(db)
        epoch = await keeper.next_epoch()
        [lease] = await keeper.write_offers(epoch, [Offer(worker_id, 1, 0, job_id, run)])
        snapshot = await store.claim(job_id, run)
        assert snapshot is not None
        attempt = decode(snapshot.tasks).attempts[0] + 1
        await self._run(store, snapshot, attempt)
        self.used += [f"run {run}, attempt {attempt}", f"generation {lease.generation}"]
        await watch.mark()
        await db.close()

    async def _run(self, store: SqlProjectionStore, claimed: JobSnapshot, attempt: int) -> None:
        job_id, run = claimed.job_id, claimed.run
        statuses = (TaskStatus.ACTIVE, TaskStatus.COMPLETED)
        for sequence, status in enumerate(statuses, claimed.sequence + 1):
            moved = TasksMoved("1", status, "", attempt=attempt)
            write = ProjectionWrite(job_id, run, sequence, tasks=(moved,))
            assert await store.store(write) is WriteAnswer.STORED
        said = f"output of run {run}\n".encode()
        task = task_id(job_id, 1)
        assert await self.logs.write_chunk(job_id, task, attempt, 0, said) == len(said)
        assert f"output of run {run}" in await self.logs.tail(job_id, task, attempt)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_one_backup_put_back_twice_repeats_no_run_and_drops_no_log(
    db: Database, insert: Make, worker: Make, tmp_path: Path
) -> None:
    job_id, worker_id = await insert(), await worker()
    await db.close()
    farm = Farm(tmp_path, Clock())
    shutil.copy(farm.file, farm.copy)

    await farm.live(job_id, worker_id)
    for _ in range(2):
        shutil.copy(farm.copy, farm.file)
        await farm.live(job_id, worker_id)

    assert len(set(farm.used)) == 6
