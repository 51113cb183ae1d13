"""Two managers share a farm: hosts on both work, and each of them may be killed."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.chaos.observe import kept_runs
from tests.chaos.two_managers import TwoManagers
from tests.farm.processes import SCALED, wait_until
from tests.manager.databases import create_database
from tests.manager.postgres import postgres_server, restart_at_once

HOSTS = 4
FRAMES = 16
FRAME_S = 1.5
#: A manager that is started again may take many seconds on a busy machine; its hosts stay.
SETTINGS = {**SCALED, "TABLAO_LOST_AFTER_S": "25"}


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="module")
def farm(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoManagers]:
    directory = tmp_path_factory.mktemp("farm")
    url = create_database(server_url, "two_managers")
    with TwoManagers(directory, url, frame_s=FRAME_S, settings=SETTINGS) as farm:
        farm.start_hosts(HOSTS)
        yield farm


def test_hosts_of_both_managers_work_and_none_is_given_up(farm: TwoManagers) -> None:
    job = farm.submit_frames(f"1-{FRAMES * 2}")
    farm.until_job_is(job, "completed", timeout_s=240)

    assert set(_starts(farm, 1, FRAMES * 2).values()) == {1}
    assert _workers(farm, job) == {"host1", "host2", "host3", "host4"}
    assert len(farm.awake()) == HOSTS
    wait_until(lambda: not kept_runs(farm), 60)


@pytest.mark.parametrize("struck", ["the first manager", "the second manager", "PostgreSQL"])
def test_a_job_goes_on_whatever_is_killed(farm: TwoManagers, server_url: str, struck: str) -> None:
    first = 1000 * (1 + len(struck))
    job = farm.submit_frames(f"{first}-{first + FRAMES - 1}")
    wait_until(lambda: len(_starts(farm, first, FRAMES)) >= HOSTS, 120)

    if struck == "the first manager":
        farm.kill_manager()
        farm.start_manager()
    elif struck == "the second manager":
        farm.kill_second()
        farm.start_second()
    else:
        restart_at_once(server_url)
    farm.until_job_is(job, "completed", timeout_s=240)

    assert set(_starts(farm, first, FRAMES).values()) == {1}
    wait_until(lambda: len(farm.awake()) == HOSTS, 120)
    wait_until(lambda: not kept_runs(farm), 60)


def test_a_host_of_either_manager_does_as_it_is_told(farm: TwoManagers) -> None:
    for worker in farm.awake():
        url = f"/api/v3/worker-mgt/workers/{worker['id']}/setstatus"
        farm.http.post(url, json={"status": "asleep", "is_lazy": False}).raise_for_status()

    wait_until(lambda: not farm.awake(), 60)


def _starts(farm: TwoManagers, first: int, count: int) -> Counter[int]:
    """How often each frame was started."""
    frames = range(first, first + count)
    return Counter(int(frame) for frame, _ in farm.started() if int(frame) in frames)


def _workers(farm: TwoManagers, job: str) -> set[str]:
    urls = [f"/api/v3/tasks/{task['id']}" for task in farm.tasks(job)]
    return {farm.http.get(url).json()["worker"]["name"] for url in urls}
