"""Serves HTTP until SIGINT or SIGTERM, and announces its end to clients."""

import asyncio
import socket

import uvicorn

from manager_api.database.engine import Database
from manager_api.events.lifecycle import tell_lifecycle

#: Time between the announcement that the manager stops and its stop. Source: Flamenco.
GOODBYE_S = 0.5


class ManagerServer(uvicorn.Server):
    """A server that announces its end while it still has connections to its clients."""

    def __init__(self, config: uvicorn.Config, database: Database) -> None:
        super().__init__(config)
        self._database = database

    def stop(self) -> None:
        """Let the server end soon."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await tell_lifecycle(self._database, "manager-shutdown")
        await asyncio.sleep(GOODBYE_S)
        await super().shutdown(sockets)
