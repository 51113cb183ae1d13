"""What people do on a chaos farm: jobs that they submit, and changes that they ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import Any

import httpx

from tests.chaos.farm import MANAGERS, ChaosFarm
from tests.chaos.plan import Act, Deed, JobPlan
from tests.chaos.renderer import frame_path

_ACTIONS = {
    Act.CANCEL: "cancel",
    Act.PAUSE: "pause",
    Act.RESUME: "resume",
    Act.REQUEUE: "requeue",
}
_TASK_ACTIONS = {Act.REQUEUE_TASK: "requeue", Act.CANCEL_TASK: "cancel"}


@dataclass(frozen=True, slots=True)
class Done:
    """A deed, and what the farm answered."""

    deed: Deed
    began: float
    """In seconds since the epoch."""
    status: int | None
    """HTTP's; None: there was no answer, so the farm may have done it."""

    @property
    def is_taken(self) -> bool:
        return self.status is not None and self.status < 300

    @property
    def may_be_taken(self) -> bool:
        """Also true where only the answer was lost, or the farm gave up waiting for its own."""
        return self.is_taken or self.status is None or self.status >= 500


class People:
    """They ask a manager that answers, and write down what was said."""

    def __init__(self, farm: ChaosFarm) -> None:
        self._farm = farm
        self.jobs: dict[str, str] = {}
        """Ids of the jobs that the farm has accepted, by their names in the plan."""
        self.submitted: dict[str, float] = {}
        """When each was accepted, in seconds since the epoch."""
        self.done: list[Done] = []

    def submit(self, plan: JobPlan) -> bool:
        """Return whether a manager has accepted the job, or had done so at an earlier try."""
        output = self.output(plan)
        settings = {
            "frames": plan.frames,
            "chunk": plan.chunk,
            "pace": str(plan.pace_s),
            "lines": plan.lines,
            "output": output,
            "blendfile": str(self._farm.blend_file),
            "renderer": str(self._farm.directory / "stand-in-blender"),
            "is_chained": plan.is_chained,
        }
        job = {
            "name": plan.name,
            "type": "chaos-render",
            "priority": plan.priority,
            "submitter_platform": "linux",
            "settings": settings,
        }
        if not self._is_accepted(plan.name):
            answer = self._ask(lambda client: client.post("/api/v3/jobs", json=job))
            if answer is not None and answer.status_code < 300:
                self._accept(plan.name, answer.json()["id"])
        return plan.name in self.jobs

    def output(self, plan: JobPlan) -> str:
        return str(self._farm.out / plan.name / "######")

    def frame_file(self, plan: JobPlan, frame: int) -> str:
        return frame_path(self.output(plan), frame)

    def do(self, deed: Deed) -> None:
        """Ask for it once, as a person does, and keep the answer."""
        began = time()
        answer = self._ask(lambda client: self._request(client, deed))
        self.done.append(Done(deed, began, None if answer is None else answer.status_code))

    def _request(self, client: httpx.Client, deed: Deed) -> httpx.Response:
        if deed.act in (Act.SLEEP, Act.SLEEP_LATER):
            is_lazy = deed.act is Act.SLEEP_LATER
            return self.ask_worker(client, deed.target, "asleep", is_lazy=is_lazy)
        job_id = self.jobs.get(deed.target)
        if job_id is None:
            return httpx.Response(404)
        if deed.act is Act.PRIORITY:
            path = f"/api/v3/jobs/{job_id}/setpriority"
            return client.post(path, json={"priority": deed.value})
        if deed.act in _ACTIONS:
            path = f"/api/tablao/v1/jobs/{job_id}/actions"
            return client.post(path, json={"action": _ACTIONS[deed.act]})
        tasks = client.get(f"/api/v3/jobs/{job_id}/tasks")
        if tasks.status_code != 200:
            return tasks
        found = tasks.json()["tasks"]
        task_id = found[deed.value % len(found)]["id"]
        action = {"action": _TASK_ACTIONS[deed.act]}
        return client.post(f"/api/tablao/v1/tasks/{task_id}/actions", json=action)

    def ask_worker(
        self, client: httpx.Client, name: str, status: str, *, is_lazy: bool
    ) -> httpx.Response:
        answer = client.get("/api/v3/worker-mgt/workers")
        if answer.status_code != 200:
            return answer
        found = [each for each in answer.json()["workers"] if each["name"] == name]
        if not found:
            return httpx.Response(404)
        path = f"/api/v3/worker-mgt/workers/{found[0]['id']}/setstatus"
        return client.post(path, json={"status": status, "is_lazy": is_lazy})

    def jobs_seen(self) -> list[dict[str, Any]] | None:
        """All jobs as a manager tells them; None: none answers."""
        answer = self._ask(lambda client: client.get("/api/v3/jobs"))
        return None if answer is None or answer.status_code != 200 else list(answer.json()["jobs"])

    def _is_accepted(self, name: str) -> bool:
        """Whether an earlier try, whose answer was lost, has brought the job to the farm."""
        if name not in self.jobs:
            for job in self.jobs_seen() or ():
                if job["name"] == name:
                    self._accept(name, job["id"])
        return name in self.jobs

    def _accept(self, name: str, job_id: str) -> None:
        self.jobs[name] = job_id
        self.submitted[name] = time()

    def _ask(self, request: Callable[[httpx.Client], httpx.Response]) -> httpx.Response | None:
        """The first answer that says something; the last one if none does."""
        answer = None
        for name in MANAGERS[: self._farm.plan.shape.managers]:
            try:
                with self._farm.client(name) as client:
                    answer = request(client)
            except (httpx.TransportError, OSError):
                continue
            if answer.status_code < 500:
                return answer
        return answer
