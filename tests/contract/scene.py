"""What the scenes of a farm's day have in common: a manager, its workers, a job."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.contract.contract_client import ContractClient
from tests.farm.processes import wait_until

SECRET = "farruca" * 5
NOBODY = "00000000-0000-4000-8000-000000000000"
NO_ID = "not-a-uuid"
NO_SUM = "0" * 64


@dataclass
class Worker:
    id: str
    auth: httpx.BasicAuth


@dataclass
class Scene:
    api: ContractClient
    storage: Path
    workers: list[Worker] = field(default_factory=list)
    job: dict[str, Any] = field(default_factory=dict)

    def new_worker(self, name: str, task_types: list[str]) -> Worker:
        asked = {
            "name": name,
            "secret": SECRET,
            "platform": "linux",
            "supported_task_types": task_types,
        }
        worker_id = self.api.call("registerWorker", 200, json=asked)["uuid"]
        worker = Worker(worker_id, httpx.BasicAuth(worker_id, SECRET))
        self.sign_on(worker, name, task_types)
        self.workers.append(worker)
        return worker

    def sign_on(self, worker: Worker, name: str, task_types: list[str]) -> str:
        facts = {
            "name": name,
            "supported_task_types": task_types,
            "software_version": "3.8.5",
            "can_restart": False,
        }
        wanted = self.api.call("signOn", 200, json=facts, auth=worker.auth)
        return str(wanted["status_requested"])

    def new_job(self, name: str = "soleá", **fields: Any) -> dict[str, Any]:
        submitted = self.api.call("submitJob", 200, json=a_job(name, **fields))
        return dict(submitted)

    def task_of(self, job: dict[str, Any]) -> str:
        tasks = self.api.call("fetchJobTasks", 200, job_id=job["id"])["tasks"]
        return str(tasks[0]["id"])

    def status_of(self, job: dict[str, Any]) -> str:
        return str(self.api.call("fetchJob", 200, job_id=job["id"])["status"])

    def until_job_is(self, job: dict[str, Any], status: str) -> None:
        wait_until(lambda: self.status_of(job) == status, 90)


def a_job(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "echo-sleep-test",
        "priority": 50,
        "submitter_platform": "linux",
        "settings": {"message": "olé", "sleep_duration_seconds": 0, "sleep_repeats": 1},
        "metadata": {"project": "Compás"},
        **fields,
    }


def refused_by_id(name: str, scene: Scene, *, json: Any, key: str) -> None:
    scene.api.call(name, 400, json=json, **{key: NO_ID})
    scene.api.call(name, 404, json=json, **{key: NOBODY})
