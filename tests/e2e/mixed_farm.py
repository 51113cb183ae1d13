"""An HTTP worker and two hosts share a job, and their manager is killed in the middle of it.

`python -m tests.e2e.mixed_farm` prints what came of it; the suite does the same.
"""

import json
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.farm.http_worker import HttpWorker, HttpWorkerClient
from tests.farm.processes import SCALED, FarmProcesses, wait_until

TASKS = 50
FRAME_S = 0.4
HOSTS = 2
#: Hosts and HTTP worker are back in time, however busy this machine is.
SETTINGS = {**SCALED, "TABLAO_LOST_AFTER_S": "40", "TABLAO_HTTP_POLL_S": "3"}


@dataclass(frozen=True, slots=True)
class Evidence:
    status: str
    completed: int
    failed: int
    failures_counted: int
    of_http_worker: int
    of_hosts: int
    run_twice: tuple[str, ...]
    most_attempts: int
    done_when_killed: int
    images: tuple[int, ...]
    """Answers to the HTTP worker's uploads, each once."""


def mixed_job(farm: FarmProcesses, *, is_killed: bool = True) -> Evidence:
    """Expects a farm that runs."""
    farm.start_hosts(HOSTS)
    environment = {"LEDGER": str(farm.ledger), "OUT": str(farm.out), "FRAME_S": str(FRAME_S)}
    with HttpWorker(HttpWorkerClient(farm.url, "stock"), environment) as worker:
        job_id = farm.submit_frames(f"1-{TASKS}")
        wait_until(lambda: len(farm.ended()) >= TASKS // 3 and worker.done, 120)
        when_killed = len(farm.ended())
        if is_killed:
            farm.kill_manager()
            farm.start_manager()
        farm.until_job_is(job_id, "completed", "failed", "canceled", timeout_s=240)
        worker.stop()
        assert worker.failure is None, worker.failure
    return _evidence(farm, job_id, worker, when_killed)


def _evidence(farm: FarmProcesses, job_id: str, worker: HttpWorker, when_killed: int) -> Evidence:
    tasks = [farm.http.get(f"/api/v3/tasks/{task['id']}").json() for task in farm.tasks(job_id)]
    statuses = Counter(task["status"] for task in tasks)
    by_worker = Counter(task["worker"]["id"] == worker.client.id for task in tasks)
    starts = Counter(frame for frame, _ in farm.started())
    attempts = farm.query("select max(attempt), sum(failures) from tasks where job_id = ?", job_id)
    return Evidence(
        status=farm.job(job_id)["status"],
        completed=statuses["completed"],
        failed=statuses["failed"],
        failures_counted=int(attempts[0][1]),
        of_http_worker=by_worker[True],
        of_hosts=by_worker[False],
        run_twice=tuple(sorted(frame for frame, times in starts.items() if times > 1)),
        most_attempts=int(attempts[0][0]),
        done_when_killed=when_killed,
        images=tuple(sorted(set(worker.uploads))),
    )


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as directory,
        FarmProcesses(Path(directory) / "farm", frame_s=FRAME_S, settings=SETTINGS) as farm,
    ):
        print(json.dumps(asdict(mixed_job(farm)), indent=1))  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
