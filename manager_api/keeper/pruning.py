"""Deletes leases that were returned long ago, for the farm keeper."""

import asyncio
import logging
from datetime import timedelta

from manager_api.database.engine import DatabaseBusy, utc_now
from manager_api.keeper.store import SqlKeeperStore

#: A host that was away may still ask for the commands of a lease; then it is told that the lease
#: was returned. After this time it is told that there is no such lease.
KEPT = timedelta(days=1)
EVERY_S = 3600.0

logger = logging.getLogger(__name__)


class LeasePruning:
    """A duty of the keeper. Without it, leases would pile up until their jobs are deleted."""

    def __init__(self, store: SqlKeeperStore, kept: timedelta = KEPT) -> None:
        self._store = store
        self._kept = kept

    async def run(self, epoch: int) -> None:
        """Prune until canceled. An older keeper that does it, too, does no harm."""
        while True:
            try:
                await self._store.prune_returned(utc_now() - self._kept)
            except DatabaseBusy as busy:
                logger.warning("returned leases are deleted later: %s", busy)
            await asyncio.sleep(EVERY_S)
