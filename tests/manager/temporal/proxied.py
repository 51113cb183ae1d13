"""A manager's tunnel for workers, without the rest of a manager, and hosts that come through it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, WebSocket
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import GrpcCompression
from temporalio.worker import Worker

from activities.connections.tunnel_client import KEY_HEADER, TUNNEL_PATH, Tunnel
from activities.process.deployment import DEPLOYMENT
from manager_api.temporal.access import TemporalAccess
from manager_api.temporal.tunnel import tunnel_router
from manager_api.temporal.worker_tunnels import WorkerTunnels
from manager_api.workers.credentials import TunnelRights
from workflows.domain.messages import worker_task_queue

KEY = "a-key-that-only-the-process-of-the-host-knows"


class Manager:
    """Tunnels of workers. It can be stopped and started again, on the same port.

    A worker shows its id in place of credentials; `void` holds the ids that are refused.
    """

    def __init__(self, temporal: str, namespace: str = "default") -> None:
        self.void: set[str] = set()
        self.persons = False
        """Whether callers that are no workers get the raw tunnel."""
        self.tunnels: WorkerTunnels
        self._temporal = temporal
        self._namespace = namespace
        self._port = 0
        self._server: uvicorn.Server
        self._serving: asyncio.Task[None]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{TUNNEL_PATH}"

    async def start(self) -> None:
        self.tunnels = WorkerTunnels(
            TemporalAccess(self._temporal, self._namespace).connect_for_worker,
            self._worker_of,
            self._rights_of,
        )
        app = FastAPI()
        app.include_router(
            tunnel_router(lambda: self._temporal, self._is_person, serve_worker=self.tunnels.serve)
        )
        config = uvicorn.Config(
            app,
            port=self._port,
            log_level="warning",
            timeout_graceful_shutdown=1,
            ws="websockets-sansio",
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve())
        async with asyncio.timeout(60):
            while not self._server.started:  # noqa: ASYNC110 - uvicorn offers a flag only
                await asyncio.sleep(0.01)
        self._port = self._server.servers[0].sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.should_exit = True
        await self._serving

    async def _worker_of(self, websocket: WebSocket) -> str | None:
        worker_id = websocket.headers.get("x-worker")
        return None if worker_id in self.void else worker_id

    async def _is_person(self, _websocket: WebSocket) -> bool:
        return self.persons

    async def _rights_of(self, worker_id: str) -> TunnelRights | None:
        return TunnelRights(session=1, token_key=f"key of {worker_id}".encode())


@asynccontextmanager
async def managed(temporal: str, namespace: str = "default") -> AsyncIterator[Manager]:
    manager = Manager(temporal, namespace)
    await manager.start()
    try:
        yield manager
    finally:
        await manager.stop()


def headers_of(worker_id: str) -> dict[str, str]:
    return {"x-worker": worker_id, KEY_HEADER: KEY}


def tunnel(manager: Manager, worker_id: str, *, patience: float = 60.0) -> Tunnel:
    return Tunnel(manager.url, headers=lambda: headers_of(worker_id), patience=patience)


async def client_of(address: str, worker_id: str, *, key: str = KEY, **settings: Any) -> Client:
    """A host's client of Temporal."""
    return await Client.connect(
        address,
        data_converter=pydantic_data_converter,
        identity=f"carmen {worker_id}",
        rpc_metadata={KEY_HEADER: key},
        grpc_compression=GrpcCompression.NONE,
        **settings,
    )


def working(
    client: Client,
    worker_id: str,
    activities: Sequence[Callable[..., Coroutine[Any, Any, Any]]],
) -> Worker:
    """A host's Temporal worker, as `worker_host.temporal_link` has it."""
    return Worker(
        client,
        task_queue=worker_task_queue(worker_id, 1),
        activities=activities,
        max_concurrent_activities=66,
        max_concurrent_activity_task_polls=2,
        max_heartbeat_throttle_interval=timedelta(seconds=0.2),
        default_heartbeat_throttle_interval=timedelta(seconds=0.2),
        deployment_config=DEPLOYMENT,
    )


def new_worker_id() -> str:
    return str(uuid4())
