"""A manager that answers like ours and remembers what it was asked, on a real port."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

JOB = "11111111-1111-4111-8111-111111111111"


OTHER_JOB = "22222222-2222-4222-8222-222222222222"


TASK = "33333333-3333-4333-8333-333333333333"


OTHER_TASK = "44444444-4444-4444-8444-444444444444"


WORKER = "55555555-5555-4555-8555-555555555555"
OTHER_WORKER = "55555555-5555-4555-8555-5555555555aa"


TAG = "66666666-6666-4666-8666-666666666666"


#: When the task at work gave its last sign of life.
SINCE = "2026-01-02T03:04:05Z"


A_TAG = {"id": TAG, "name": "gpu", "description": "those with a card"}


A_WORKER = {
    "id": WORKER,
    "name": "north",
    "status": "awake",
    "status_change": {"status": "asleep", "is_lazy": True},
    "is_paused": True,
    "set_aside": [
        {
            "cause": "program-missing",
            "reason": "No Blender is here.",
            "task_types": ["blender"],
            "since": "2026-01-01T10:00:00Z",
        }
    ],
    "is_connected": True,
    "is_http": False,
    "slots": 2,
    "session": 7,
    "platform": "linux",
    "ip_address": "10.0.0.7",
    "version": "1",
    "can_restart": False,
    "supported_task_types": ["blender", "misc"],
    "tags": [A_TAG],
    "sleep_schedule": None,
    "last_seen": None,
    "statistics": {},
    "tasks": [],
}


RENDER_KEYS = {
    "frames": "string",
    "chunk_size": "int32",
    "render_output_root": "string",
    "add_path_components": "int32",
    "render_output_path": "string",
    "blendfile": "string",
    "fps": "float",
    "format": "string",
    "image_file_extension": "string",
    "has_previews": "bool",
    "scene": "string",
}


JOB_TYPES = {
    "simple-blender-render": [{"key": k, "type": t} for k, t in RENDER_KEYS.items()],
    "echo-sleep-test": [
        {"key": "message", "type": "string", "required": True},
        {"key": "sleep_duration_seconds", "type": "int32", "default": 1},
        {"key": "sleep_repeats", "type": "int32", "default": 1},
    ],
}


def a_job(job_id: str, name: str, status: str, created: str) -> dict[str, Any]:
    return {
        "id": job_id,
        "name": name,
        "type": "echo-sleep-test",
        "status": status,
        "activity": "all is well",
        "priority": 50,
        "created": created,
        "updated": created,
        "steps_completed": 1,
        "steps_total": 3,
        "settings": {},
    }


def a_task(task_id: str, name: str, status: str, index: int) -> dict[str, Any]:
    return {
        "id": task_id,
        "name": name,
        "status": status,
        "index_in_job": index,
        "steps_completed": 0,
        "steps_total": 1,
    }


@dataclass
class FakeManager:
    url: str = ""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    refuse: tuple[int, Any] | None = None
    """Answered to every change."""
    ending: str = "completed"
    """What a job becomes at the third look."""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    with_same_output: list[dict[str, str]] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    looks: int = 0
    hiccups: int = 0
    """How often it says it is busy before it answers about a job."""
    permissions: tuple[str, ...] = ("read", "temporal")
    """What its caller may do."""
    schedule: dict[str, Any] | None = None
    """When the worker sleeps."""
    doctor: Any = None
    doctor_status: int = 200
    machine: Any = None
    """What the doctor of the worker's machine tells; None: it has none."""
    machine_told: str = "2025-12-31T10:00:00Z"
    logs: dict[str, str] = field(default_factory=lambda: {TASK: "first line\nlast line\n"})

    @property
    def last(self) -> tuple[str, Any]:
        return self.asked[-1]


def build(fake: FakeManager) -> FastAPI:
    api = FastAPI()

    @api.middleware("http")
    async def remember(request: Request, call_next: Callable[[Request], Any]) -> Response:
        if request.method != "GET":
            body = await request.body()
            query = f"?{request.url.query}" if request.url.query else ""
            fake.asked.append((request.url.path + query, json.loads(body) if body else None))
            if fake.refuse is not None:
                status, body = fake.refuse
                return JSONResponse(body, status)
        answer: Response = await call_next(request)
        return answer

    _serve_jobs(api, fake)
    _serve_job_details(api, fake)
    _serve_job_types(api)
    _serve_comments(api)
    _serve_webhooks(api)
    _serve_tasks(api)
    _serve_logs(api, fake)
    _serve_version(api, fake)
    _serve_versions(api)
    _serve_doctor(api, fake)
    _serve_workers(api)
    _serve_sleep_schedule(api, fake)
    _serve_tags(api)
    _serve_deletions(api)
    return api


def _serve_doctor(api: FastAPI, fake: FakeManager) -> None:
    @api.get("/api/tablao/v1/doctor")
    async def doctor() -> Any:
        return JSONResponse(fake.doctor, fake.doctor_status)

    @api.post("/api/tablao/v1/workers/{worker_id}/doctor")
    async def examine_worker(worker_id: str) -> Response:
        if fake.machine is None:
            return JSONResponse({"code": 409, "message": "a Flamenco Worker has no doctor"}, 409)
        return Response(status_code=204)

    @api.get("/api/tablao/v1/workers/{worker_id}/doctor")
    async def examination(worker_id: str) -> Any:
        # The first answer is an older report: the one that was asked for comes next.
        told, fake.machine_told = fake.machine_told, "2026-01-01T10:00:05Z"
        report = fake.doctor if told < "2026-01-01T10:00:00Z" else fake.machine
        return {"asked": "2026-01-01T10:00:00Z", "told": told, "report": report}


def _serve_jobs(api: FastAPI, fake: FakeManager) -> None:
    @api.get("/api/v3/jobs")
    async def jobs() -> Any:
        return {"jobs": list(fake.jobs.values())}

    @api.post("/api/v3/jobs")
    async def submit(request: Request) -> Any:
        job = {**a_job(JOB, "", "queued", "2026-01-03T00:00:00Z"), **await request.json()}
        fake.jobs[JOB] = job
        return job

    @api.get("/api/v3/jobs/{job_id}")
    async def job(job_id: str) -> Any:
        if job_id not in fake.jobs:
            return JSONResponse({"code": 404, "message": "no such job"}, 404)
        if fake.hiccups:
            fake.hiccups -= 1
            return JSONResponse({"code": 503, "message": "busy"}, 503)
        fake.looks += 1
        status = {1: "queued", 2: "active"}.get(fake.looks, fake.ending)
        return {**fake.jobs[job_id], "status": status}

    @api.post("/api/v3/jobs/{job_id}/setstatus", status_code=204)
    @api.post("/api/v3/jobs/{job_id}/setpriority", status_code=204)
    @api.post("/api/tablao/v1/jobs/{job_id}/actions", status_code=204)
    async def change_job(job_id: str) -> None:
        return None


def _serve_job_details(api: FastAPI, fake: FakeManager) -> None:
    @api.get("/api/tablao/v1/jobs/{job_id}/same-output")
    async def same_output(job_id: str) -> Any:
        return {"jobs": fake.with_same_output, "unseen": fake.unseen}

    @api.get("/api/tablao/v1/time-left")
    async def times_left() -> Any:
        return {"jobs": [{"job_id": JOB, "earliest_s": 245.0, "latest_s": 355.0}]}

    @api.get("/api/tablao/v1/jobs/{job_id}/actions")
    async def possible_actions(job_id: str) -> Any:
        unfinished = {"action": "requeue", "tasks": {"failed": 1, "canceled": 4}}
        failed = {"action": "requeue-failed", "tasks": {"failed": 1}}
        return {"may_change": True, "actions": [unfinished, failed]}

    @api.get("/api/tablao/v1/jobs/{job_id}/reasons")
    async def reasons(job_id: str) -> Any:
        like = {"text": "no camera", "tasks": 3, "task_ids": [TASK]}
        lost = {"text": "a library is missing", "tasks": 1, "count": 9, "task_ids": [TASK]}
        return {"waiting": [], "reasons": [like], "warnings": [lost]}


def _serve_comments(api: FastAPI) -> None:
    comment = {"author": "ana", "text": "waits for *v2*", "created": SINCE, "edited": SINCE}

    @api.get("/api/tablao/v1/jobs/{job_id}/comments")
    @api.get("/api/tablao/v1/workers/{worker_id}/comments")
    async def comments() -> Any:
        return {"comments": [comment]}

    @api.post("/api/tablao/v1/jobs/{job_id}/comments", status_code=201)
    @api.post("/api/tablao/v1/workers/{worker_id}/comments", status_code=201)
    async def write() -> Any:
        return comment


def _serve_webhooks(api: FastAPI) -> None:
    webhook = {
        "id": WORKER,
        "name": "chat",
        "shape": "slack",
        "is_enabled": True,
        "trouble": "refused with 503",
        "address": "https://chat.studio/…",
        "kinds": ["job-done", "job-failed"],
        "scope": "project",
        "value": "Pilot",
    }
    tried = {"happened": SINCE, "status": 503, "sentence": "refused with 503", "answer": ""}
    sent = {"id": "msg_1", "title": "Job x failed", "state": "waiting", "created": SINCE}

    @api.get("/api/tablao/v1/webhooks")
    async def webhooks() -> Any:
        return {"webhooks": [webhook]}

    @api.get("/api/tablao/v1/webhooks/{webhook_id}/deliveries")
    async def deliveries() -> Any:
        return {"deliveries": [{**sent, "tries": [tried]}]}

    @api.post("/api/tablao/v1/webhooks/{webhook_id}/test", status_code=204)
    @api.post("/api/tablao/v1/deliveries/{delivery_id}/resend", status_code=204)
    async def send() -> None:
        return None


def _serve_job_types(api: FastAPI) -> None:
    @api.get("/api/v3/jobs/type/{name}")
    async def job_type(name: str) -> Any:
        if name not in JOB_TYPES:
            return JSONResponse({"code": 404, "message": f"no job type '{name}'"}, 404)
        return {"name": name, "label": name, "settings": JOB_TYPES[name], "etag": f"etag-{name}"}


def _serve_tasks(api: FastAPI) -> None:
    @api.get("/api/v3/jobs/{job_id}/tasks")
    async def tasks(job_id: str) -> Any:
        if job_id != JOB:
            return {"tasks": []}
        second = a_task(OTHER_TASK, "sleep", "failed", 2)
        return {"tasks": [second, a_task(TASK, "echo", "active", 1)]}

    @api.get("/api/tablao/v1/jobs/{job_id}/progress")
    async def progress(job_id: str) -> Any:
        return {"tasks": [], "stuck": [{"index_in_job": 1, "silent_since": SINCE}]}

    @api.get("/api/tablao/v1/tasks/{task_id}/tries")
    async def tries(task_id: str) -> Any:
        silent_since = SINCE if task_id == TASK else None
        return {"attempt": 1, "silent_since": silent_since, "waiting": ""}

    @api.get("/api/v3/tasks/{task_id}")
    async def task(task_id: str) -> Any:
        details = {"job_id": JOB, "task_type": "misc", "activity": "", "priority": 50}
        commands = [{"name": "echo", "parameters": {}}]
        failed_by = [{"id": WORKER, "name": "north"}]
        return {
            **a_task(task_id, "echo", "active", 1),
            **details,
            "commands": commands,
            "failed_by_workers": failed_by,
        }

    @api.post("/api/v3/tasks/{task_id}/setstatus", status_code=204)
    @api.post("/api/tablao/v1/tasks/{task_id}/actions", status_code=204)
    async def change_task(task_id: str) -> None:
        return None


def _serve_logs(api: FastAPI, fake: FakeManager) -> None:
    @api.get("/api/v3/tasks/{task_id}/logtail")
    async def tail(task_id: str) -> Response:
        text = fake.logs.get(task_id)
        return PlainTextResponse(text.splitlines()[-1]) if text else Response(status_code=204)

    @api.get("/api/v3/tasks/{task_id}/log")
    async def log(task_id: str) -> Response:
        if task_id not in fake.logs:
            return Response(status_code=204)
        return JSONResponse({"task_id": task_id, "job_id": JOB, "url": "/files/log", "size": 1})

    @api.get("/files/log")
    async def log_file() -> Response:
        return PlainTextResponse(fake.logs[TASK])


def _serve_versions(api: FastAPI) -> None:
    failed = {"version": "0.2.0", "state": "failed", "reason": "The disk is full."}
    under_way = {"version": "0.2.0", "state": "installing", "reason": ""}
    north = {"id": WORKER, "name": "north", "status": "awake", "upgrade": failed}
    south = {"id": OTHER_WORKER, "name": "south", "status": "awake", "upgrade": under_way}

    @api.get("/api/tablao/v1/versions")
    async def versions() -> Any:
        return {
            "version": "0.2.0",
            "managers": [
                {"name": "triana", "version": "0.2.0", "standing": "same", "advice": ""},
                {"name": "cádiz", "version": "0.1.0", "standing": "older", "advice": "Stop it."},
            ],
            "temporal": "",
            "is_temporal_embedded": True,
            "database": {"kind": "SQLite", "migration": "0022", "newest_migration": "0022"},
            "workers": [
                {
                    "version": "0.1.0",
                    "standing": "older",
                    "advice": "Install the manager's version.",
                    "workers": [north, south],
                },
                {"version": "Flamenco 3.5", "standing": "flamenco", "advice": "", "workers": []},
            ],
        }


def _serve_version(api: FastAPI, fake: FakeManager) -> None:
    @api.get("/api/tablao/v1/me")
    async def me() -> Any:
        return {"name": "ana", "permissions": fake.permissions}

    @api.get("/api/v3/version")
    async def version() -> Any:
        return {"version": "3.8.5", "shortversion": "3.8.5", "name": "Tablao", "git": "0"}


def _serve_workers(api: FastAPI) -> None:
    @api.get("/api/v3/worker-mgt/workers")
    async def workers() -> Any:
        wish = {"status": "asleep", "is_lazy": True}
        north = {"id": WORKER, "name": "north", "status": "awake", "version": "1"}
        return {"workers": [{**north, "can_restart": False, "status_change": wish}]}

    @api.get("/api/v3/worker-mgt/workers/{worker_id}")
    async def worker(worker_id: str) -> Any:
        task = {**a_task(TASK, "render-1-3", "active", 1), "job_id": JOB}
        return {"id": worker_id, "name": "north", "task": task, "tags": [A_TAG]}

    @api.get("/api/tablao/v1/workers")
    async def our_workers() -> Any:
        return {"workers": [A_WORKER]}

    @api.get("/api/tablao/v1/workers/{worker_id}")
    async def our_worker(worker_id: str) -> Any:
        return A_WORKER

    @api.post("/api/v3/worker-mgt/workers/{worker_id}/setstatus", status_code=204)
    @api.post("/api/v3/worker-mgt/workers/{worker_id}/settags", status_code=204)
    @api.post("/api/tablao/v1/workers/{worker_id}/pause", status_code=204)
    @api.post("/api/tablao/v1/workers/{worker_id}/resume", status_code=204)
    @api.post("/api/tablao/v1/workers/{worker_id}/forgive", status_code=204)
    @api.delete("/api/v3/worker-mgt/workers/{worker_id}", status_code=204)
    async def change_worker(worker_id: str) -> None:
        return None

    @api.post("/api/tablao/v1/workers/{worker_id}/upgrade")
    async def upgrade_worker(worker_id: str) -> Response:
        if worker_id == OTHER_WORKER:
            return JSONResponse({"code": 409, "message": "its host is away"}, 409)
        return Response(status_code=204)


def _serve_sleep_schedule(api: FastAPI, fake: FakeManager) -> None:
    @api.get("/api/v3/worker-mgt/workers/{worker_id}/sleep-schedule")
    async def sleep_schedule(worker_id: str) -> Any:
        return fake.schedule or Response(status_code=204)

    @api.post("/api/v3/worker-mgt/workers/{worker_id}/sleep-schedule", status_code=204)
    async def save_sleep_schedule(request: Request, worker_id: str) -> None:
        fake.schedule = await request.json()


def _serve_tags(api: FastAPI) -> None:
    @api.get("/api/v3/worker-mgt/tags")
    async def tags() -> Any:
        return {"tags": [A_TAG]}

    @api.post("/api/v3/worker-mgt/tags")
    async def create_tag(request: Request) -> Any:
        return {**await request.json(), "id": TAG}

    @api.put("/api/v3/worker-mgt/tag/{tag_id}", status_code=204)
    @api.delete("/api/v3/worker-mgt/tag/{tag_id}", status_code=204)
    async def change_tag(tag_id: str) -> None:
        return None

    @api.get("/api/v3/jobs/{job_id}/blocklist")
    async def blocklist(job_id: str) -> Any:
        entry = {"worker_id": WORKER, "task_type": "blender", "worker_name": "north"}
        return [entry] if job_id == JOB else []

    @api.delete("/api/v3/jobs/{job_id}/blocklist", status_code=204)
    @api.post("/api/v3/jobs/{job_id}/settag", status_code=204)
    async def change_whom_a_job_may_have(job_id: str) -> None:
        return None


def _serve_deletions(api: FastAPI) -> None:
    @api.get("/api/v3/jobs/{job_id}/what-would-delete-do")
    async def what_would_delete_do(job_id: str) -> Any:
        return {"shaman_checkout": job_id == JOB}

    @api.delete("/api/v3/jobs/mass-delete", status_code=204)
    @api.delete("/api/v3/jobs/{job_id}", status_code=204)
    async def delete_jobs() -> None:
        return None


@dataclass(frozen=True)
class Outcome:
    exit_code: int
    out: str
    err: str


Run = Callable[..., Outcome]
