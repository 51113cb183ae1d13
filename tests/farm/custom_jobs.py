"""Jobs of shell scripts for a farm of real processes, and how to bring one into any status.

No job type makes such jobs yet, so they are stored beside the running manager, whose keeper finds
them at its next tick.
"""

import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from manager_api.database.engine import Database
from manager_api.jobs.insertion import insert_job
from tests.farm.histories import in_thread
from tests.farm.processes import SCALED, FarmProcesses, wait_until
from workflows.domain.job_types.definitions import (
    AuthoredCommand,
    AuthoredTask,
    CompiledJob,
    SubmittedJob,
)
from workflows.domain.statuses import JobStatus, TaskStatus

#: A task type that no host takes on.
NOBODYS = "nobodys"
#: One that only the first of two hosts takes on: what fails there waits for a second try.
FIRSTS = "firsts"


def script(
    text: str, *, task_type: str = "misc", name: str = "script", depends_on: tuple[int, ...] = ()
) -> AuthoredTask:
    """A task that is a shell script. It sees $HOST_NAME, $OUT and $LEDGER."""
    command = AuthoredCommand("exec", {"exe": "/bin/sh", "args": ["-c", text]}, 1)
    return AuthoredTask(name, task_type, (command,), depends_on)


def holding(key: str) -> str:
    """A script that runs until `ScriptFarm.release(key)`, noted in the ledger."""
    return (
        f'echo "start {key} $$ 0" >> "$LEDGER"; '
        f'while [ ! -e "$OUT/released-{key}" ]; do sleep 0.2; done; '
        f'echo "end {key} $$ 0" >> "$LEDGER"'
    )


class ScriptFarm(FarmProcesses):
    """A farm whose scripts know the name of their host."""

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        faster = {"TABLAO_KEEPER_TICK_S": "0.3", "TABLAO_STOP_GRACE_S": "1"}
        all_settings = {**SCALED, **faster, **(settings or {})}
        super().__init__(directory, frame_s=0.2, settings=all_settings)

    def __enter__(self) -> "ScriptFarm":
        super().__enter__()
        return self

    def _start(self, name: str, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
        self._settings["HOST_NAME"] = name
        return super()._start(name, module, *arguments)

    @property
    def database_file(self) -> Path:
        return self.data_dir / "tablao.sqlite"

    def insert(
        self,
        *tasks: AuthoredTask,
        priority: int = 50,
        name: str = "scripts",
        tag: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        now = datetime.now().astimezone()
        job = SubmittedJob(
            str(uuid4()),
            name,
            "scripts",
            now,
            priority=priority,
            metadata=dict(metadata or {}),
            worker_tag_id=tag or "",
        )
        new = CompiledJob(job, tasks)
        in_thread(_insert(f"sqlite+aiosqlite:///{self.database_file}", new))
        return job.job_id

    def tag_worker(self, name: str) -> str:
        """A new tag of this worker alone."""
        tag, worker_id = str(uuid4()), self.worker(name)["id"]
        with sqlite3.connect(self.database_file, timeout=30) as connection:
            connection.execute("INSERT INTO worker_tags VALUES (?, ?, '')", (tag, f"tag {tag}"))
            connection.execute("INSERT INTO worker_tag_membership VALUES (?, ?)", (worker_id, tag))
        return tag

    def until_begun(self, job_id: str) -> None:
        """Its workflow is there and has written."""

        def sequence() -> int:
            query = "SELECT sequence FROM jobs WHERE id = ?"
            with sqlite3.connect(self.database_file) as connection:
                return int(connection.execute(query, (job_id,)).fetchone()[0])

        wait_until(lambda: sequence() > 0, 60)

    def rows(self, table: str) -> int:
        with sqlite3.connect(self.database_file) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def release(self, key: str) -> None:
        (self.out / f"released-{key}").touch()

    def starts_of(self, key: str) -> int:
        return sum(1 for started, _ in self.started() if started == key)

    def until_started(self, key: str, times: int = 1) -> None:
        wait_until(lambda: self.starts_of(key) >= times, 90)

    def until_awake(self, count: int) -> None:
        wait_until(lambda: len(self.awake()) >= count, 90)

    # --- asking ----------------------------------------------------------------------------------

    def act(self, job_id: str, action: str) -> tuple[int, str]:
        """Status code and sentence of an action on a job."""
        return self._post(f"/api/tablao/v1/jobs/{job_id}/actions", {"action": action})

    def act_on_task(self, task_id: str, action: str) -> tuple[int, str]:
        return self._post(f"/api/tablao/v1/tasks/{task_id}/actions", {"action": action})

    def _post(self, path: str, body: Mapping[str, Any]) -> tuple[int, str]:
        answer = self.http.post(path, json=body)
        return answer.status_code, answer.json()["message"] if answer.content else ""

    def done(self, job_id: str, action: str) -> None:
        answer = self.act(job_id, action)
        assert answer == (204, ""), answer

    def task(self, task_id: str) -> dict[str, Any]:
        return dict(self.http.get(f"/api/v3/tasks/{task_id}").json())

    def until_task_is(self, job_id: str, index: int, *statuses: str) -> dict[str, Any]:
        def task() -> dict[str, Any] | None:
            found = next(t for t in self.tasks(job_id) if t["index_in_job"] == index)
            return found if found["status"] in statuses else None

        return wait_until(task, 120, 0.25)

    def log(self, task_id: str) -> str:
        info = self.http.get(f"/api/v3/tasks/{task_id}/log")
        return "" if info.status_code == 204 else self.http.get(info.json()["url"]).text

    def worker(self, name: str) -> dict[str, Any]:
        workers = self.http.get("/api/v3/worker-mgt/workers").json()["workers"]
        return dict(next(worker for worker in workers if worker["name"] == name))

    def ask_worker(self, name: str, status: str, *, is_lazy: bool) -> None:
        path = f"/api/v3/worker-mgt/workers/{self.worker(name)['id']}/setstatus"
        answer = self._post(path, {"status": status, "is_lazy": is_lazy})
        assert answer == (204, ""), answer

    def until_worker_is(self, name: str, status: str) -> None:
        wait_until(lambda: self.worker(name)["status"] == status, 60)

    # --- jobs in any status ----------------------------------------------------------------------

    def job_that_is(self, status: JobStatus) -> tuple[str, str]:
        """A new job in this status, and the key of its first task in the ledger.

        It has something failed wherever its status allows that, so that "requeue failed" has
        something to do. Expects hosts on which two failures fail a task.
        """
        key = f"key-{uuid4().hex[:8]}"
        job_id = self.insert(*self._tasks_for(status, key), name=f"once {status}")
        self._RECIPES[status](self, job_id, key)
        self.until_job_is(job_id, status)
        return job_id, key

    def _tasks_for(self, status: JobStatus, key: str) -> list[AuthoredTask]:
        waiting = [script("true", task_type=NOBODYS) for _ in range(15)]
        failing = script(f'echo "start {key} $$ 0" >> "$LEDGER"; exit 3')
        match status:
            case JobStatus.COMPLETED:
                return [script(f'echo "start {key} $$ 0" >> "$LEDGER"')]
            case JobStatus.ACTIVE | JobStatus.PAUSE_REQUESTED:
                return [failing, *waiting, script(holding(key + "-held"))]
            case JobStatus.FAILED:
                return [failing]
        return [failing, *waiting]

    def _fail_first(self, job_id: str, key: str) -> None:
        self.until_task_is(job_id, 1, "failed")

    def _fail_first_and_hold(self, job_id: str, key: str) -> None:
        self._fail_first(job_id, key)
        self.until_started(key + "-held")

    def _pause(self, job_id: str, key: str) -> None:
        self._fail_first(job_id, key)
        self.done(job_id, "pause")

    def _pause_held(self, job_id: str, key: str) -> None:
        self._fail_first_and_hold(job_id, key)
        self.done(job_id, "pause")

    def _pause_and_resume(self, job_id: str, key: str) -> None:
        self._pause(job_id, key)
        self.until_job_is(job_id, "paused")
        self.done(job_id, "resume")

    def _cancel(self, job_id: str, key: str) -> None:
        self._fail_first(job_id, key)
        self.done(job_id, "cancel")

    def _nothing(self, job_id: str, key: str) -> None:
        """It gets there by itself."""

    def tasks_that_are(self) -> dict[TaskStatus, list[tuple[str, int]]]:
        """(job, index) of two new tasks in each status."""
        key = f"key-{uuid4().hex[:8]}"
        jobs = {status: self._job_of_two(status, key) for status in TaskStatus}
        self.until_started(key, 2)
        for status, job_id in jobs.items():
            if status is TaskStatus.PAUSED:
                self.done(job_id, "pause")
            for index in (1, 2):
                if status is TaskStatus.CANCELED:
                    task = self.until_task_is(job_id, index, "queued")
                    assert self.act_on_task(task["id"], "cancel") == (204, "")
                self.until_task_is(job_id, index, status)
        return {status: [(job_id, 1), (job_id, 2)] for status, job_id in jobs.items()}

    def _job_of_two(self, status: TaskStatus, key: str) -> str:
        # Many others, so that two failed tasks do not fail the job.
        rest = [script("true", task_type=NOBODYS) for _ in range(20)]
        match status:
            case TaskStatus.ACTIVE:
                task = script(holding(key))
            case TaskStatus.SOFT_FAILED:
                task = script("exit 3", task_type=FIRSTS)
            case TaskStatus.COMPLETED:
                task = script("true")
            case TaskStatus.FAILED:
                task = script("exit 3")
            case _:
                task = script("true", task_type=NOBODYS)
        return self.insert(task, task, *rest, name=f"tasks once {status}")

    _RECIPES: Mapping[JobStatus, Callable[["ScriptFarm", str, str], None]] = {
        JobStatus.QUEUED: _pause_and_resume,
        JobStatus.ACTIVE: _fail_first_and_hold,
        JobStatus.PAUSE_REQUESTED: _pause_held,
        JobStatus.PAUSED: _pause,
        JobStatus.CANCELED: _cancel,
        JobStatus.COMPLETED: _nothing,
        JobStatus.FAILED: _nothing,
    }


async def _insert(url: str, new: CompiledJob) -> None:
    database = Database(url)
    try:
        async with database.writing() as session:
            await insert_job(session, new)
    finally:
        await database.close()
