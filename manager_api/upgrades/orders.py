"""Orders workers to install this manager's version, which their hosts do while they render."""

import asyncio

from manager_api.contract.errors import Conflict
from manager_api.contract.versions import Standing
from manager_api.database import events
from manager_api.database.engine import Database
from manager_api.database.payloads import HOST_ORDERS
from manager_api.database.tables import WorkerRow
from manager_api.upgrades.comparing import compared_worker
from manager_api.upgrades.package import ManagerPackage
from manager_api.workers import store as workers
from workflows.domain.control import UpgradeReport, UpgradeState

_STOCK_WORKER = "a Flamenco Worker is upgraded with Flamenco"
_NOT_CONNECTED = "this worker's host is not connected: upgrade it when it is"
_CANNOT = (
    "this worker's host cannot be upgraded from here, because it is too old for that, or does not "
    "run from an installed package: install the manager's version on its machine"
)


class UpgradeOrders:
    """
    Args:
        version: this manager's.
    """

    def __init__(self, database: Database, package: ManagerPackage, version: str) -> None:
        self._database = database
        self._package = package
        self._version = version

    async def order(self, worker_id: str, *, is_connected: bool) -> None:
        """Order that a worker's host takes this manager's version.

        Raises:
            WorkerNotFound: there is no such worker.
            Conflict: the worker has the version already, or cannot be upgraded.
            PackageReplaced: this manager has no wheel of the version that it runs.
        """
        await asyncio.to_thread(self._package.wheel)
        async with self._database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            self._check(row, is_connected=is_connected)
            # It shows from now on; the host's own reports take its place.
            report = UpgradeReport(self._version, UpgradeState.FETCHING)
            workers.set_upgrade(session, row, report)
            events.append(session, HOST_ORDERS, {"order": "upgrade", "worker": row.id})

    def _check(self, row: WorkerRow, *, is_connected: bool) -> None:
        """
        Raises:
            Conflict: the worker cannot be upgraded to this manager's version.
        """
        has, standing, _ = compared_worker(row.software, self._version, is_http=row.is_http)
        if row.is_http:
            raise Conflict(_STOCK_WORKER)
        if standing is Standing.SAME:
            raise Conflict(f"this worker has version {has} already")
        if standing is Standing.NEWER:
            raise Conflict(
                f"this worker has version {has}, which is newer than the manager's, "
                f"{self._version}: upgrade the manager"
            )
        if not is_connected:
            raise Conflict(_NOT_CONNECTED)
        if not row.can_upgrade:
            raise Conflict(_CANNOT)
