"""A job's write from outside: any client of Temporal can schedule it."""

from dataclasses import replace

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.keeper_memory import Wakeup
from activities.projection import Projection
from tests.farm.ids import JOB
from workflows.domain.messages import (
    JobSnapshot,
    ProjectionWrite,
    RunKey,
    RunStopped,
    WriteAnswer,
)

KEY = RunKey(JOB, 1, 1, 1)


class Records:
    """A database that takes every write, and hosts that take every message."""

    def __init__(self) -> None:
        self.written: list[ProjectionWrite] = []
        self.stopped: list[RunKey] = []

    async def claim(self, job_id: str, run: int) -> JobSnapshot | None:
        return None

    async def store(self, write: ProjectionWrite) -> WriteAnswer:
        self.written.append(write)
        return WriteAnswer.STORED

    async def stop_run(self, worker_id: str, key: RunKey, reason: str) -> bool:
        self.stopped.append(key)
        return True

    async def settled(self, worker_id: str, key: RunKey) -> None: ...


async def store(records: Records, key: RunKey) -> None:
    write = ProjectionWrite(JOB, 1, 1, stopped=(RunStopped(key, "ada", 1),))
    projection = Projection(records, records, Wakeup())
    await ActivityEnvironment().run(projection.store_changes, write)


async def test_a_host_is_told_of_the_runs_that_its_job_gave_up() -> None:
    records = Records()

    await store(records, KEY)

    assert records.stopped == [KEY]


@pytest.mark.parametrize(
    "key",
    [
        replace(KEY, job_id="../elsewhere"),
        replace(KEY, index=0),
        replace(KEY, run=-1),
        replace(KEY, attempt=2**31),
    ],
    ids=str,
)
async def test_a_key_that_no_workflow_wrote_is_not_passed_on(key: RunKey) -> None:
    records = Records()

    with pytest.raises(ApplicationError) as refusal:
        await store(records, key)

    assert refusal.value.non_retryable
    assert (records.written, records.stopped) == ([], [])
