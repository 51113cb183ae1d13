"""Sends hosts their provisioned settings when these change, whatever the cause."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Any, Protocol

from manager_api.database.engine import Database, DatabaseBusy
from manager_api.database.loops import whenever
from manager_api.database.payloads import WORKER_TAGS, WORKERS
from manager_api.events.live import LiveEvents
from manager_api.workers import provision_store as provisions
from workflows.domain.provisioning import Provision

#: Any worker may be concerned: the order of tags' names decides between their settings.
_OF_ALL = frozenset({provisions.PROVISIONS, WORKER_TAGS})

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
        self._outdated: set[str] = set()
        """Ids of the workers whose settings may have changed."""
        self._are_all_outdated = False
        live.react(self._look_again)

    async def run(self) -> None:
        """Send changed settings until canceled."""
        await whenever(self._is_outdated, self._tell_unless_it_fails)

    def _look_again(self, topic: str, payload: Mapping[str, Any]) -> None:
        if topic == WORKERS:
            # It may have got or lost a tag. Workers change with each task: the others did not.
            self._outdated.add(str(payload["id"]))
        elif topic in _OF_ALL:
            self._are_all_outdated = True
        else:
            return
        self._is_outdated.set()

    async def _tell_unless_it_fails(self) -> None:
        connected = self._hosts.connected
        told = connected if self._are_all_outdated else self._outdated & connected
        self._outdated, self._are_all_outdated = set(), False
        try:
            await self._tell(told)
        except DatabaseBusy:
            self._outdated |= told
            raise
        except Exception:
            # Only messages are lost: the settings for a task are read when a host fetches it.
            logger.exception("hosts could not be sent their settings")

    async def _tell(self, worker_ids: Collection[str]) -> None:
        if not worker_ids:
            return
        async with self._database.reading() as session:
            effective = await provisions.effective_by_id(session, worker_ids)
        for worker_id in worker_ids:
            self._hosts.provisioned(worker_id, effective.get(worker_id, Provision()).settings())
