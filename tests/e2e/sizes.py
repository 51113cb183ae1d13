"""How large jobs get, and how long a change of them takes: `python -m tests.e2e.sizes [FRAMES …]`.

A job of so many frames is submitted, canceled and requeued over HTTP on a farm without workers;
then two hosts work at it while its workflow is made to continue as new.
"""

import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.farm.custom_jobs import ScriptFarm
from tests.farm.histories import History, histories, query_status
from tests.farm.memory import MB, watched_memory
from tests.farm.processes import wait_until

#: The job's workflow continues as new at this length of its history.
HISTORY_EVENTS = 60
#: By then what was granted can be read everywhere.
AGREEMENT_S = 120.0


@dataclass
class Sizes:
    frames: int
    took_s: dict[str, float] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)
    executions: list[History] = field(default_factory=list)
    memory: str = ""

    @property
    def carried(self) -> int:
        """The largest input that a continue-as-new gave to the next execution, in bytes."""
        return max(execution.input_size for execution in self.executions)

    @property
    def largest_event(self) -> int:
        return max(execution.largest_payload for execution in self.executions)

    @property
    def state(self) -> int:
        """What a claim brings, in bytes: the tasks, and little else."""
        return max(execution.claimed_size for execution in self.executions)

    @property
    def failed_workflow_tasks(self) -> list[str]:
        return [why for execution in self.executions for why in execution.failed_workflow_tasks]

    def __str__(self) -> str:
        lengths = ", ".join(str(len(execution.events)) for execution in self.executions)
        largest = max(execution.size for execution in self.executions)
        steps = "".join(f"\n  {name:33} {took:7.2f} s" for name, took in self.took_s.items())
        return (
            f"{self.frames:,} frames{steps}\n"
            f"  state at a claim             {self.state:,} bytes\n"
            f"  input at continue-as-new     {self.carried:,} bytes\n"
            f"  largest event                {self.largest_event:,} bytes\n"
            f"  largest history              {largest:,} bytes\n"
            f"  events per execution         {lengths}\n"
            f"  failed workflow tasks        {self.failed_workflow_tasks or 'none'}\n"
            f"  memory                       {self.memory}\n"
            f"  disagreements                {self.disagreements or 'none'}"
        )


def measure(farm: ScriptFarm, frames: int) -> Sizes:
    """The farm has no workers yet; it has two in the end."""
    sizes = Sizes(frames)
    farm.http.timeout = httpx.Timeout(120.0)
    with watched_memory(farm) as memory:
        job_id = _timed(sizes, "submit", lambda: farm.submit_frames(f"1-{frames}"))
        _timed(sizes, "first write after submit", lambda: farm.until_begun(job_id))
        _check(sizes, farm, job_id, "queued")
        for action, status in (
            ("cancel", "canceled"),
            ("requeue", "queued"),
            ("pause", "paused"),
            ("resume", "queued"),
            ("cancel", "canceled"),
            ("requeue", "queued"),
        ):
            _timed(sizes, f"{action} ({len(sizes.took_s)})", lambda: farm.done(job_id, action))  # noqa: B023 -- called at once
            _check(sizes, farm, job_id, status)
        _timed(sizes, "fetch the job's tasks", lambda: farm.tasks(job_id))
        so_far = _times_continued(farm, job_id)
        farm.start_hosts(2)
        _timed(
            sizes,
            "work until continued as new",
            lambda: wait_until(lambda: _times_continued(farm, job_id) > so_far, 240, 1.0),
        )
        _timed(sizes, "cancel at work", lambda: farm.done(job_id, "cancel"))
        _until_agreed(sizes, farm, job_id, "canceled")
    sizes.memory = str(memory)
    sizes.executions = histories(farm, job_id)
    return sizes


def _timed(sizes: Sizes, name: str, step: Callable[[], object]) -> str:
    began = time.monotonic()
    result = step()
    sizes.took_s[name] = time.monotonic() - began
    return str(result) if isinstance(result, str) else ""


def _check(sizes: Sizes, farm: ScriptFarm, job_id: str, status: str) -> None:
    """Database and, while it is open, workflow say the same: at once, or else it is noted when.

    Whoever requeues an ended job of a hundred thousand tasks is answered before its new run has
    read them all.
    """
    began, wanted = time.monotonic(), _all_are(sizes.frames, status)
    found = _found(farm, job_id, status)
    while found != wanted and time.monotonic() < began + AGREEMENT_S:
        time.sleep(0.2)
        found = _found(farm, job_id, status)
    if found != wanted:
        sizes.disagreements.append(f"{wanted} was wanted, found {found}")
    sizes.took_s[f"  until all say {status} ({len(sizes.took_s)})"] = time.monotonic() - began


def _all_are(frames: int, status: str) -> list[Any]:
    in_database = [status, {status: frames}]
    return in_database if status == "canceled" else in_database * 2


def _found(farm: ScriptFarm, job_id: str, status: str) -> list[Any]:
    found: list[Any] = [farm.job(job_id)["status"], stored_statuses(farm, job_id)]
    if status != "canceled":
        view = query_status(farm, job_id) or {"status": "not begun", "tasks": {}}
        found += [view["status"], view["tasks"]]
    return found


def _until_agreed(sizes: Sizes, farm: ScriptFarm, job_id: str, status: str) -> None:
    farm.until_job_is(job_id, status)
    statuses = stored_statuses(farm, job_id)
    if statuses.keys() - {"completed", status} or sum(statuses.values()) != sizes.frames:
        sizes.disagreements.append(f"{status} was wanted, found {statuses}")


def _times_continued(farm: ScriptFarm, job_id: str) -> int:
    return sum(execution.is_continued for execution in histories(farm, job_id))


def stored_statuses(farm: ScriptFarm, job_id: str) -> Counter[str]:
    query = "SELECT status, count(*) FROM tasks WHERE job_id = ? GROUP BY status"
    with sqlite3.connect(farm.database_file) as connection:
        return Counter(dict(connection.execute(query, (job_id,)).fetchall()))


def settings() -> dict[str, str]:
    return {"TABLAO_HISTORY_EVENTS": str(HISTORY_EVENTS)}


def main() -> None:
    for frames in [int(text) for text in sys.argv[1:]] or [10_000, 100_000]:
        with tempfile.TemporaryDirectory() as folder:
            with ScriptFarm(Path(folder) / "farm", settings()) as farm:
                sizes = measure(farm, frames)
                on_disk = farm.database_file.stat().st_size
            sys.stdout.write(f"{sizes}\n  database file                {on_disk / MB:.1f} MB\n\n")


if __name__ == "__main__":
    main()
