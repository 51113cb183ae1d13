"""Says which version each part of the farm has, and what to do about differences."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable

from manager_api.contract.versions import (
    DatabaseVersion,
    ManagerVersion,
    Standing,
    VersionedWorker,
    Versions,
    WorkerUpgrade,
    WorkerVersion,
)
from manager_api.database.engine import Database
from manager_api.database.schema_version import current_migration, newest_migration
from manager_api.database.tables import ManagerRow, WorkerRow
from manager_api.upgrades.comparing import (
    Compared,
    compared_manager,
    compared_worker,
    manager_advice,
    worker_advice,
)
from manager_api.upgrades.managers import ManagerPresence
from manager_api.workers.store import all_workers

#: Returns the version of Temporal's server; empty if it does not answer.
TemporalVersion = Callable[[], Awaitable[str]]
_ORDER = list(Standing)


async def no_temporal() -> str:
    """Stand in for Temporal in a manager that does not reach one."""
    return ""


class VersionService:
    """
    Args:
        presence: this manager's row.
        is_embedded: whether Temporal is this manager's own.
    """

    def __init__(
        self,
        database: Database,
        presence: ManagerPresence,
        temporal: TemporalVersion,
        *,
        is_embedded: bool,
    ) -> None:
        self._database = database
        self._presence = presence
        self._version = presence.version
        self._temporal = temporal
        self._is_embedded = is_embedded

    async def versions(self) -> Versions:
        async with self._database.reading() as session:
            others = await self._presence.others(session)
            workers = await all_workers(session)
            migration = await current_migration(session)
        return Versions(
            version=self._version,
            managers=[self._manager(self._presence), *map(self._manager, others)],
            temporal=await self._temporal(),
            is_temporal_embedded=self._is_embedded,
            database=DatabaseVersion(
                kind="SQLite" if self._database.is_sqlite else "PostgreSQL",
                migration=migration,
                newest_migration=newest_migration(),
            ),
            workers=self._workers(workers),
        )

    def _manager(self, manager: ManagerRow | ManagerPresence) -> ManagerVersion:
        compared = compared_manager(manager.version, self._version)
        return ManagerVersion(
            name=manager.name,
            version=compared.version,
            standing=compared.standing,
            advice=manager_advice(compared.standing),
            started=manager.started,
            is_this=manager is self._presence,
        )

    def _workers(self, rows: Iterable[WorkerRow]) -> list[WorkerVersion]:
        by_version: defaultdict[Compared, list[VersionedWorker]] = defaultdict(list)
        for row in rows:
            compared = compared_worker(row.software, self._version, is_http=row.is_http)
            by_version[compared].append(_worker(row))
        newest_first = sorted(by_version, key=lambda each: each.order, reverse=True)
        return [
            WorkerVersion(
                version=compared.version,
                standing=compared.standing,
                advice=worker_advice(compared.standing),
                workers=by_version[compared],
            )
            for compared in sorted(newest_first, key=lambda each: _ORDER.index(each.standing))
        ]


def _worker(row: WorkerRow) -> VersionedWorker:
    upgrade = None if row.upgrade is None else WorkerUpgrade.model_validate(row.upgrade)
    return VersionedWorker(
        id=row.id,
        name=row.name,
        status=row.status,
        can_upgrade=row.can_upgrade,
        upgrade=upgrade,
    )
