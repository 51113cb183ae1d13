"""The manager's side of a host's connection: it can be stopped and started again."""

import asyncio
import base64
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from starlette.requests import HTTPConnection

from manager_api.hosts.channel import ChannelSettings, HelloAnswer, Hosts
from manager_api.logs.task_logs import TaskLogs
from manager_api.temporal.access import TemporalAccess
from manager_api.temporal.tunnel import tunnel_router
from manager_api.temporal.worker_tunnels import WorkerTunnels
from manager_api.tls.authority import AuthorityFiles
from manager_api.web.tablao.host import host_router
from manager_api.workers.credentials import TunnelRights
from tests.farm.ids import OWN_JOB
from worker_host.settings import HostSettings
from workflows.domain import control
from workflows.domain.asides import Aside, heard
from workflows.domain.messages import RunKey
from workflows.domain.statuses import WorkerStatus
from workflows.domain.task_ids import task_id

WORKER = "c0ffee00-0000-4000-8000-000000000001"


SECRET = "a-secret-of-its-own"


Ask = Callable[[], object]


class MemoryRecords:
    """As `manager_api.hosts.records`, forgetting everything with the test."""

    def __init__(self) -> None:
        self.session = 0
        self.renews = False
        """The next hello gets a new session, as that of a worker that counted as lost."""
        self.status: WorkerStatus | None = None
        self.wanted = HelloAnswer(WorkerStatus.AWAKE)
        self.hellos: list[control.Hello] = []
        self.steps: dict[RunKey, int] = {}
        self.peaks: dict[RunKey, int] = {}
        self.silent: dict[RunKey, datetime | None] = {}
        self.deleted_workers: set[str] = set()
        self.asides: list[Aside] = []
        self.upgrades: list[control.UpgradeReport] = []
        self.reports: list[Mapping[str, Any]] = []
        """Of the doctor of a host's machine."""
        self.secret: str | None = None
        """Which the host is to take."""

    async def open_session(self, worker_id: str, hello: control.Hello) -> int | None:
        self.hellos.append(hello)
        if worker_id in self.deleted_workers:
            return None
        if hello.session is None or self.renews:
            self.session += 1
            self.renews = False
            return self.session
        return self.session if hello.session == self.session else None

    async def hello_answer(self, worker_id: str, hello: control.Hello) -> HelloAnswer:
        return self.wanted

    async def reported_status(self, worker_id: str, session: int, status: WorkerStatus) -> None:
        self.status = status

    async def set_aside(self, worker_id: str, session: int, said: Mapping[str, Any]) -> None:
        self.asides = heard(said)

    async def seen(self, worker_ids: Collection[str]) -> datetime:
        return datetime.now(UTC)

    async def deleted(self, worker_ids: Collection[str]) -> Collection[str]:
        return self.deleted_workers.intersection(worker_ids)

    async def examined(self, worker_id: str, report: Mapping[str, Any]) -> None:
        self.reports.append(report)

    async def upgrade_reported(
        self, worker_id: str, session: int, report: control.UpgradeReport
    ) -> None:
        self.upgrades.append(report)

    async def new_secret(self, worker_id: str) -> str | None:
        return self.secret

    async def task_of(self, worker_id: str, key: RunKey) -> str | None:
        return task_id(OWN_JOB, key.index)

    async def steps_completed(self, steps: Mapping[RunKey, int]) -> None:
        self.steps |= steps

    async def memory_peaks(self, peaks: Mapping[RunKey, int]) -> None:
        self.peaks |= peaks

    async def silences(self, silences: Mapping[RunKey, datetime | None]) -> None:
        self.silent |= silences


class Farm:
    """The manager's side. It can be stopped and started again, on the same port."""

    def __init__(self, directory: Path) -> None:
        self.records = MemoryRecords()
        self.logs = TaskLogs(directory / "job-files")
        self.settings = ChannelSettings(beat_s=0.05, lost_after_s=4.0, steps_every_s=0.02)
        self.temporal = "127.0.0.1:1"
        """Where the tunnel leads."""
        self.commands: dict[int, list[dict[str, Any]]] = {}
        """By index; an index without any is refused."""
        self.fetches = 0
        self.fetch_status = 200
        """Of the answers to hosts that ask for commands."""
        self.log_tail = ""
        """The end of every task's log."""
        self.port = 0
        self.certificate: AuthorityFiles | None = None
        """With which it serves TLS from its next start on."""
        self.wheel = b""
        self.images: list[bytes] = []
        self.secrets = [SECRET]
        """Those that count."""
        self.said: list[str] = []
        """Operations that were called, in order."""
        self.sign_on_answers: list[int] = []
        """Status codes to refuse the next sign-ons with."""
        self.hosts: Hosts
        self._server: uvicorn.Server
        self._serving: list[asyncio.Task[Any]] = []

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.hosts = Hosts(self.records, self.logs, self.settings)
        files = self.certificate
        config = uvicorn.Config(
            self._app(),
            port=self.port,
            log_level="warning",
            timeout_graceful_shutdown=1,
            ssl_certfile=files.certificate if files else None,
            ssl_keyfile=files.key if files else None,
        )
        self._server = uvicorn.Server(config)
        self._serving = [
            asyncio.create_task(self._server.serve()),
            asyncio.create_task(self.hosts.run()),
        ]
        await eventually(lambda: self._server.started)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if not self._serving:
            return
        self._server.should_exit = True
        await self._serving[0]
        self._serving[1].cancel()
        self._serving = []

    def host_settings(self, directory: Path, **settings: Any) -> HostSettings:
        times = {
            "retry_from_s": 0.02,
            "retry_to_s": 0.1,
            "temporal_check_s": 0.1,
            "heartbeat_every_s": 0.2,
            "stop_grace_s": 1.0,
            "sign_off_s": 2.0,
        }
        given = {"manager": self.url, "data_dir": directory, "name": "carmen"}
        return HostSettings(**{**given, **times, **settings})

    async def log_of(self, index: int, attempt: int = 1) -> bytes:
        """What the host has sent of an attempt."""
        _, blocks = await self.logs.whole(OWN_JOB, task_id(OWN_JOB, index), attempt)
        return b"".join([block async for block in blocks])

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.include_router(host_router(self.hosts, self._worker_of))
        tunnels = WorkerTunnels(
            lambda: TemporalAccess(self.temporal).connect_for_worker(),
            self._worker_of,
            self._rights_of,
        )
        app.include_router(
            tunnel_router(lambda: self.temporal, self._is_person, serve_worker=tunnels.serve)
        )
        app.add_api_route(
            f"/api/tablao/v1/runs/{OWN_JOB}/{{index}}/{{run}}/{{attempt}}", self._fetch
        )
        app.add_api_route("/api/v3/tasks/{task_id}/logtail", self._log_tail)
        app.add_api_route(f"{control.WHEELS}{{file}}", self._fetch_wheel)
        for operation in ("register-worker", "sign-on", "sign-off"):
            app.add_api_route(f"/api/v3/worker/{operation}", self._operation, methods=["POST"])
        app.add_api_route(
            "/api/v3/worker/task/{task_id}/output-produced", self._image, methods=["POST"]
        )
        return app

    async def _worker_of(self, connection: HTTPConnection) -> str | None:
        shown = connection.headers.get("authorization", "").removeprefix("Basic ")
        right = [base64.b64encode(f"{WORKER}:{each}".encode()).decode() for each in self.secrets]
        return WORKER if shown in right else None

    async def _is_person(self, _socket: WebSocket) -> bool:
        return False

    async def _rights_of(self, worker_id: str) -> TunnelRights | None:
        return TunnelRights(session=self.records.session, token_key=worker_id.encode())

    async def _fetch(
        self, index: int, run: int, attempt: int, response: Response
    ) -> dict[str, Any]:
        self.fetches += 1
        if self.fetch_status != 200:
            response.status_code = self.fetch_status
            return {"code": self.fetch_status, "message": "not now"}
        if index not in self.commands:
            response.status_code = 409
            return {"code": 409, "message": "the lease is not held"}
        return {
            "run_key": f"{OWN_JOB}.{index}.{run}.{attempt}",
            "task_id": task_id(OWN_JOB, index),
            "job_name": "tangos",
            "task_name": f"task {index}",
            "task_type": "misc",
            "commands": self.commands[index],
            "total_steps": 0,
        }

    async def _fetch_wheel(self, file: str) -> Response:
        return Response(self.wheel, media_type="application/zip")

    async def _log_tail(self) -> Response:
        return Response(self.log_tail, media_type="text/plain")

    async def _operation(self, request: Request, response: Response) -> dict[str, Any]:
        operation = request.url.path.rpartition("/")[2]
        self.said.append(operation)
        if operation == "sign-on" and self.sign_on_answers:
            response.status_code = self.sign_on_answers.pop(0)
            return {"code": response.status_code, "message": "unknown worker or wrong secret"}
        return {"uuid": WORKER, "status_requested": "awake"}

    async def _image(self, request: Request, response: Response) -> None:
        self.images.append(await request.body())
        response.status_code = 202


async def eventually(condition: Ask, within_s: float = 20.0) -> None:
    """Until the condition holds; it is the test's failure if it does not in time."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.005)
