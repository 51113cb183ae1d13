"""One farm of real processes for whatever does not need a farm of its own."""

from collections.abc import Callable, Iterator

import pytest

from tests.farm.custom_jobs import FIRSTS, ScriptFarm
from workflows.domain.statuses import JobStatus

#: Two failures fail a task, and what failed everywhere is not tried again by itself.
SETTINGS = {
    "TABLAO_TASK_FAIL_AFTER_SOFTFAIL_COUNT": "2",
    "TABLAO_BLOCKLIST_THRESHOLD": "100",
    "TABLAO_RETRY_PAUSE_S": "3600",
    "TABLAO_SLOTS": "16",
}

StandingJob = Callable[[JobStatus], str]


@pytest.fixture(scope="package")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptFarm]:
    """Two hosts of 16 slots each; only the first takes tasks of type `FIRSTS`."""
    with ScriptFarm(tmp_path_factory.mktemp("farm") / "farm", SETTINGS) as farm:
        farm.start_host("north", "--task-types", f"blender,misc,{FIRSTS}")
        farm.start_host("south", "--task-types", "blender,misc")
        farm.until_awake(2)
        yield farm


@pytest.fixture(scope="package")
def standing_job(farm: ScriptFarm) -> StandingJob:
    """The job that stays in a status for tests in which everything is refused."""
    made: dict[JobStatus, str] = {}

    def job_in(status: JobStatus) -> str:
        if status not in made:
            made[status], _ = farm.job_that_is(status)
        return made[status]

    return job_in
