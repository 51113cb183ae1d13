"""Workers that speak HTTP and hosts do one job together, whatever happens to their manager."""

from pathlib import Path

from tests.e2e.mixed_farm import FRAME_S, SETTINGS, TASKS, mixed_job
from tests.farm.processes import FarmProcesses


def test_an_http_worker_and_two_hosts_share_a_job_and_a_killed_manager_loses_nothing(
    tmp_path: Path,
) -> None:
    with FarmProcesses(tmp_path / "farm", frame_s=FRAME_S, settings=SETTINGS) as farm:
        evidence = mixed_job(farm)

    assert (evidence.status, evidence.completed, evidence.failed) == ("completed", TASKS, 0)
    assert (evidence.run_twice, evidence.most_attempts, evidence.failures_counted) == ((), 1, 0)
    assert evidence.of_http_worker + evidence.of_hosts == TASKS
    assert evidence.of_http_worker > 0
    assert evidence.images == (202,)
