"""The audit: lists its entries, counts refusals, and removes what is old."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.access import store
from manager_api.access.identities import IDLE
from manager_api.contract.access import Audit, AuditEntry
from manager_api.database.engine import Database, DatabaseBusy, utc_now
from manager_api.database.loops import tidy, until_one_ends
from manager_api.database.tables import AuditRow
from manager_api.database.trail import Entry
from manager_api.settings.addresses import counted_as
from workflows.domain.bounded_dict import BoundedDict

#: How often counted refusals are stored, and old entries removed, in seconds.
_STORE_EVERY_S = 10.0
_REMOVE_EVERY_S = 3600.0
#: Different refusals that are counted between two stores.
_MOST_KINDS = 200
#: Different refusals of one address that get entries of their own, and the time after which it may
#: have one more, in seconds. Callers make up names and ids, so others get one entry together.
_KINDS_OF_ADDRESS = 50
_ONE_MORE_EVERY_S = 10.0
_REMEMBERED_ADDRESSES = 10_000
_AT_ONCE = 500

Counted = tuple[Entry, str, int]
"""Of refusals of one kind: the first, why the last was refused, and how many there were."""


class AuditService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, before: int | None, limit: int, name: str, action: str) -> Audit:
        """Return the newest entries, or those before the id `before`.

        Args:
            name: only entries of this name; empty: of all.
            action: only entries of this action; empty: of all.
        """
        async with self._database.reading() as session:
            rows = await _rows(session, before, limit + 1, name, action)
        return Audit(entries=[_answer(row) for row in rows[:limit]], has_more=len(rows) > limit)

    async def export(self) -> AsyncIterator[bytes]:
        """Yield all entries as lines of JSON, the newest first."""
        before: int | None = None
        while True:
            async with self._database.reading() as session:
                rows = await _rows(session, before, _AT_ONCE, "", "")
            if not rows:
                return
            before = rows[-1].id
            lines = [_answer(row).model_dump_json(exclude_none=True) for row in rows]
            yield "".join(f"{line}\n" for line in lines).encode()


class RefusalCounter:
    """Counts what was refused, so that an attack is a few entries and not a million.

    Also removes what is old: entries of the audit, sessions, and join tokens.
    """

    def __init__(
        self,
        database: Database,
        kept: Callable[[], timedelta],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._kept = kept
        self._clock = clock
        self._counts: dict[str, Counted] = {}
        self._storing = asyncio.Lock()
        self._kinds: BoundedDict[str, tuple[float, float]] = BoundedDict(_REMEMBERED_ADDRESSES)
        """By address: how many of its entries count still, and when that was so."""

    def count(self, entry: Entry, outcome: str) -> None:
        entry.is_stored = True  # will be, with others of its kind
        caller, network = entry.caller, counted_as(entry.address)
        key = json.dumps([caller.kind, caller.id, caller.name, network, entry.action])
        if key not in self._counts and not self._may_be_new(network):
            key = json.dumps([network])
            entry, outcome = Entry(address=entry.address, action="others"), "different refusals"
            if key not in self._counts and len(self._counts) >= _MOST_KINDS:
                key = ""
        self._add(key, entry, outcome, 1)

    def _may_be_new(self, network: str) -> bool:
        """Return whether an address gets an entry for a refusal of a new kind; count it if so."""
        now = self._clock()
        count, since = self._kinds.get(network, (0.0, now))
        count = max(0.0, count - (now - since) / _ONE_MORE_EVERY_S)
        if count > _KINDS_OF_ADDRESS - 1 or len(self._counts) >= _MOST_KINDS:
            return False
        self._kinds.pop(network, None)  # so that the oldest is forgotten first
        self._kinds[network] = (count + 1, now)
        return True

    async def run(self) -> None:
        try:
            await until_one_ends(
                self._store_every_so_often(), tidy(self.remove_old, every_s=_REMOVE_EVERY_S)
            )
        finally:
            await self.store()

    async def _store_every_so_often(self) -> None:
        while True:
            with contextlib.suppress(DatabaseBusy):  # kept for the next time
                await self.store()
            await asyncio.sleep(_STORE_EVERY_S)

    async def store(self) -> None:
        """Store all that was counted before this call, also if another call is at it."""
        async with self._storing:
            if self._counts:
                await self._store_all()

    async def _store_all(self) -> None:
        # What is counted from now on is stored the next time.
        counts, self._counts = self._counts, {}
        now = utc_now()
        try:
            async with self._database.writing() as session:
                session.add_all(
                    entry.row(now, outcome, times) for entry, outcome, times in counts.values()
                )
        except BaseException:
            # A manager that ends cancels this, and stores what is left as its last step.
            for key, (entry, outcome, times) in counts.items():
                self._add(key, entry, outcome, times)
            raise

    def _add(self, key: str, entry: Entry, outcome: str, more: int) -> None:
        _, _, times = self._counts.get(key, (entry, outcome, 0))
        self._counts[key] = (entry, outcome, times + more)

    async def remove_old(self) -> None:
        now = utc_now()
        async with self._database.writing() as session:
            await store.remove_expired(session, now, now - IDLE)
            if kept := self._kept():
                await session.execute(delete(AuditRow).where(AuditRow.happened < now - kept))


async def _rows(
    session: AsyncSession, before: int | None, limit: int, name: str, action: str
) -> list[AuditRow]:
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditRow.id < before)
    if name:
        query = query.where(AuditRow.name == name)
    if action:
        query = query.where(AuditRow.action == action)
    return list(await session.scalars(query))


def _answer(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        happened=row.happened,
        kind=row.kind,
        account_id=row.account_id,
        name=row.name,
        via=row.via,
        address=row.address,
        action=row.action,
        target=row.target,
        target_name=row.target_name or "",
        before=row.before,
        after=row.after,
        outcome=row.outcome,
        times=row.times,
    )
