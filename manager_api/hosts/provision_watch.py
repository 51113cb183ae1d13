"""Sends hosts their provisioned settings when these change, whatever the cause."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from manager_api.database.engine import Database, DatabaseBusy
from manager_api.database.loops import whenever
from manager_api.database.payloads import WORKER_TAGS, WORKERS
from manager_api.events.live import LiveEvents
from manager_api.workers import provision_store as provisions
from workflows.domain.provisioning import Provision

#: Settings also change when a worker gets or loses a tag, and when a tag is renamed.
_TOPICS = frozenset({provisions.PROVISIONS, WORKERS, WORKER_TAGS})

logger = logging.getLogger(__name__)


class ToldHosts(Protocol):
    @property
    def connected(self) -> frozenset[str]: ...
    def provisioned(self, worker_id: str, provision: Mapping[str, Any]) -> None: ...


class ProvisionWatch:
    """Sends hosts their changed settings.

    Every manager receives all events, so each sends to the hosts that are connected to it.
    """

    def __init__(self, database: Database, live: LiveEvents, hosts: ToldHosts) -> None:
        self._database = database
        self._hosts = hosts
        self._is_outdated = asyncio.Event()
        live.react(self._look_again)

    async def run(self) -> None:
        """Send changed settings until canceled."""
        await whenever(self._is_outdated, self._tell_unless_it_fails)

    def _look_again(self, topic: str, _payload: Mapping[str, Any]) -> None:
        if topic in _TOPICS:
            self._is_outdated.set()

    async def _tell_unless_it_fails(self) -> None:
        try:
            await self._tell()
        except DatabaseBusy:
            raise
        except Exception:
            # Only messages are lost: the settings for a task are read when a host fetches it.
            logger.exception("hosts could not be sent their settings")

    async def _tell(self) -> None:
        connected = self._hosts.connected
        async with self._database.reading() as session:
            effective = await provisions.effective_by_id(session, connected)
        for worker_id in connected:
            self._hosts.provisioned(worker_id, effective.get(worker_id, Provision()).settings())
