"""The manager's answers to the doctor of a render machine, on a real port."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from manager_api.tls.authority import AuthorityFiles
from worker_host.doctor.service import findings_with
from worker_host.registration import Credentials, CredentialsFile
from worker_host.settings import HostSettings
from worker_host.software import software_version
from workflows.domain.doctor import Finding
from workflows.domain.storage_marker import NAME

MARK = "c0ffee00-0000-4000-8000-000000000001"
KNOWN = Credentials("c0ffee00-0000-4000-8000-000000000002", "a-secret-of-its-own")


class AnsweringManager:
    """
    Args:
        storage: the shared storage, which gets its marker.
    """

    def __init__(self, storage: Path) -> None:
        self.storage = storage
        (storage / NAME).write_text(f"{MARK}\n")
        self.version: Any = {"git": software_version()}
        self.status = 200
        self.clock_ahead = timedelta()
        self.certificate: AuthorityFiles | None = None
        self.needs: dict[str, Any] = {
            "name": "carmen",
            "is_waiting": False,
            "programs": {"blender": ["blender"], "ffmpeg": ["ffmpeg"]},
            "blender_arguments": "-b -y",
            "environment": {},
            "storage": {"path": str(storage), "id": MARK},
        }
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    async def start(self) -> None:
        files = self.certificate
        config = uvicorn.Config(
            self._app(),
            port=self.port,
            log_level="warning",
            date_header=False,
            ssl_certfile=files.certificate if files else None,
            ssl_keyfile=files.key if files else None,
        )
        self._server = uvicorn.Server(config)
        socket = config.bind_socket()
        # From now on connections wait for the server, which begins in a moment.
        socket.listen()
        self.port = socket.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve(sockets=[socket]))

    async def stop(self) -> None:
        self._server.should_exit = True
        with suppress(asyncio.CancelledError):
            await self._serving

    async def restart(self, certificate: AuthorityFiles | None) -> None:
        await self.stop()
        self.certificate, self.port = certificate, 0
        await self.start()

    def settings(self, data_dir: Path, **others: Any) -> HostSettings:
        """Of a host that has joined this manager."""
        settings = HostSettings(**{"data_dir": data_dir, "manager": self.url, **others})
        CredentialsFile(settings.credentials_file).write(self.url, KNOWN)
        return settings

    async def seen_by(self, data_dir: Path, **settings: Any) -> dict[str, Finding]:
        """What the doctor of a host finds that has joined this manager, by id."""
        found = await findings_with(self.settings(data_dir, **settings))
        return {each.check: each for each in found}

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def with_date(request: Request, answer: Any) -> Response:
            response: Response = await answer(request)
            now = datetime.now(UTC) + self.clock_ahead
            response.headers["date"] = format_datetime(now, usegmt=True)
            return response

        @app.get("/api/v3/version")
        async def version() -> Any:
            return JSONResponse(self.version, self.status)

        @app.get("/api/tablao/v1/host-needs")
        async def needs(request: Request) -> Any:
            if request.headers.get("authorization") != KNOWN.headers["Authorization"]:
                return JSONResponse({"message": "unknown worker"}, 403)
            return self.needs

        return app
