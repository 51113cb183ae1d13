"""The tunnel for workers, behind which is a proxy in the place of Temporal (`worker_proxy`)."""

import logging
from collections.abc import Awaitable, Callable

from fastapi import WebSocket
from temporalio.client import Client

from activities.connections.tunnel_client import KEY_HEADER
from manager_api.database.loops import until_one_ends
from manager_api.temporal.binary_frames import (
    FIRST_BYTES_S,
    FORBIDDEN,
    BinaryFrames,
    close,
    until_ended,
)
from manager_api.temporal.grpc_connection import Call, GrpcConnection
from manager_api.temporal.grpc_messages import CallForbidden
from manager_api.temporal.open_tunnels import OpenTunnel, OpenTunnels, WorkerOf
from manager_api.temporal.task_tokens import TaskTokens
from manager_api.temporal.worker_proxy import TemporalForWorkers, WorkerProxy
from manager_api.temporal.worker_rules import WorkerRules
from manager_api.workers.credentials import TunnelRights
from workflows.domain.messages import worker_task_queue

#: The least length of a host's key.
_SHORTEST_KEY = 32

logger = logging.getLogger(__name__)


class WorkerTunnels:
    """Serves the tunnels of workers.

    Args:
        temporal: returns a new connection to Temporal, which many tunnels share.
        worker_of: see `open_tunnels`.
        rights_of: returns the rights of a worker as of now; None if it was deleted.
    """

    def __init__(
        self,
        temporal: Callable[[], Awaitable[Client]],
        worker_of: WorkerOf,
        rights_of: Callable[[str], Awaitable[TunnelRights | None]],
    ) -> None:
        self._temporal = TemporalForWorkers(temporal)
        self._worker_of = worker_of
        self._rights_of = rights_of
        self.open = OpenTunnels(worker_of)

    async def serve(self, websocket: WebSocket) -> bool:
        """Serve a worker's tunnel to its end; return False if the caller is no worker."""
        worker_id = await self._worker_of(websocket)
        if worker_id is None:
            return False
        key = websocket.headers.get(KEY_HEADER, "")
        if len(key) < _SHORTEST_KEY:
            sentence = "a host is too old for this manager, and gets no tasks; upgrade it"
            logger.warning(sentence, extra={"worker": worker_id})
            await websocket.close(FORBIDDEN)
            return True
        rights = await self._rights_of(worker_id)
        if rights is None:
            await websocket.close(FORBIDDEN)
            return True
        with self.open.opened(worker_id, websocket) as tunnel:
            namespace = await self._temporal.namespace()
            queue = worker_task_queue(worker_id, rights.session)
            rules = WorkerRules(worker_id, namespace, queue, TaskTokens(rights.token_key))
            await _converse(tunnel, WorkerProxy(self._temporal, rules, key))
        return True


async def _converse(tunnel: OpenTunnel, proxy: WorkerProxy) -> None:
    websocket = tunnel.websocket
    await websocket.accept()
    connection = GrpcConnection(websocket.send_bytes, _Answers(tunnel, proxy))
    frames = BinaryFrames(websocket, FIRST_BYTES_S)
    code, reason = await until_ended(
        until_one_ends(connection.serve(frames.receive), tunnel.ended.wait())
    )
    if tunnel.reason:
        code, reason = FORBIDDEN, tunnel.reason
    await close(websocket, code, reason)


class _Answers:
    """Answers the calls of one tunnel, and logs the first that the rules refuse."""

    def __init__(self, tunnel: OpenTunnel, proxy: WorkerProxy) -> None:
        self._tunnel = tunnel
        self._proxy = proxy
        self._has_logged = False

    async def __call__(self, call: Call) -> bytes:
        try:
            self._proxy.check_key(call)
            self._tunnel.is_hosts_own = True
            return await self._proxy.answer(call)
        except CallForbidden as refusal:
            if not self._has_logged:
                self._has_logged = True
                extra = {"worker": self._tunnel.worker_id, "call": call.path[:200]}
                logger.warning("a call by a worker's tunnel was refused: %s", refusal, extra=extra)
            raise
