"""Whatever is killed while a job renders, it is rendered, and nothing is left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.cases import CASES, NOTHING, Case, temporal_away
from tests.chaos.runs import problems, run_case
from tests.farm.processes import SCALED, FarmProcesses

HOSTS = 4
TASKS = 16
FRAME_S = 1.5
TIMEOUT_S = 180.0
#: A host that is started again is back in time, however busy this machine is.
SETTINGS = {**SCALED, "TABLAO_LOST_AFTER_S": "40"}
#: Longer than the scaled heartbeat time-out.
AWAY_S = float(SCALED["TABLAO_HEARTBEAT_S"]) + 5
#: A history is longer after so many tasks, when four hosts run them.
EVENTS_OF_15_TASKS = "100"


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarmProcesses]:
    """One for all cases: none of them may leave it worse than it was."""
    directory = tmp_path_factory.mktemp("farm")
    with FarmProcesses(directory, frame_s=FRAME_S, settings=SETTINGS) as farm:
        farm.start_hosts(HOSTS)
        yield farm


@pytest.mark.parametrize(
    ("number", "case"),
    list(enumerate([*CASES, temporal_away(AWAY_S)])),
    ids=lambda value: value.name if isinstance(value, Case) else "",
)
def test_a_job_is_rendered_whatever_befalls_the_farm(
    farm: FarmProcesses, number: int, case: Case
) -> None:
    evidence = run_case(farm, case, first=1 + 1000 * number, count=TASKS, timeout_s=TIMEOUT_S)

    assert not list(problems(case, evidence)), evidence


def test_a_long_job_goes_on_in_new_histories_without_its_runs_noticing(tmp_path: Path) -> None:
    settings = {**SETTINGS, "TABLAO_HISTORY_EVENTS": EVENTS_OF_15_TASKS}
    with FarmProcesses(tmp_path, frame_s=1.0, settings=settings) as farm:
        farm.start_hosts(HOSTS)

        evidence = run_case(farm, NOTHING, first=1, count=60, timeout_s=TIMEOUT_S)

        assert not list(problems(NOTHING, evidence)), evidence
        assert evidence.histories > 3
