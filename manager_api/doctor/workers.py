"""Looks at the workers and managers as the farm knows them: statuses, versions, faults, clocks."""

from collections.abc import Sequence

from activities.process.examining import Check
from manager_api.contract.versions import Standing
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import WorkerRow
from manager_api.upgrades.comparing import compared_manager, compared_worker, manager_advice
from manager_api.upgrades.managers import ManagerPresence
from manager_api.workers.farm_workers import ConnectedHosts
from manager_api.workers.store import all_workers
from workflows.domain import asides
from workflows.domain import doctor_rules as rules
from workflows.domain.doctor import Finding, broken, fine, to_look_at
from workflows.domain.doctor_rules import WorkerState
from workflows.domain.fault_rules import BUILT_IN, Probe
from workflows.domain.statuses import WorkerStatus

WORKERS, SEEN, WAITING = "workers", "workers.seen", "workers.waiting"
REQUESTS, STORAGE, PROGRAMS = "workers.requests", "workers.storage", "workers.programs"
SET_ASIDE, CLOCKS, VERSIONS = "workers.set-aside", "workers.clocks", "workers.versions"
MANAGERS = "managers"
IDS = (
    *(WORKERS, SEEN, WAITING, REQUESTS, STORAGE, PROGRAMS, SET_ASIDE, CLOCKS, VERSIONS),
    MANAGERS,
)

_PROBES = {rule.name: rule.probe for rule in BUILT_IN}
_OF_STORAGE = frozenset({Probe.FOLDERS, Probe.STORAGE})
#: What a worker that does not run has told last may be mended by now.
_DO_NOT_RUN = frozenset({WorkerStatus.OFFLINE, WorkerStatus.ERROR})


class WorkerChecks:
    def __init__(
        self, database: Database, presence: ManagerPresence, hosts: ConnectedHosts
    ) -> None:
        self._database = database
        self._presence = presence
        self._hosts = hosts

    def check(self) -> Check:
        return Check(IDS, self._examine)

    async def _examine(self) -> Sequence[Finding]:
        async with self._database.reading() as session:
            rows = await all_workers(session)
            managers = await self._presence.others(session)
        now, states = utc_now(), [_state(row) for row in rows]
        running = [row for row in rows if row.status not in _DO_NOT_RUN]
        return [
            rules.workers(WORKERS, states),
            rules.not_seen(SEEN, states, now),
            rules.waiting(WAITING, states),
            rules.requests(REQUESTS, states, now),
            self._storage(running),
            self._programs(running),
            self._other_faults(running),
            self._clocks(rows),
            self._versions(rows),
            self._managers([(each.name, each.version) for each in managers]),
        ]

    def _storage(self, rows: Sequence[WorkerRow]) -> Finding:
        faults = _faults(rows, _OF_STORAGE)
        if not faults:
            return fine(STORAGE, "No worker is set aside for its storage or a disk.")
        return broken(
            STORAGE,
            f"Workers with a storage or a disk that fails: {_told(faults)}",
            "Mount the storage on these machines, or free some space there. "
            "`tablao-worker doctor` on the machine says which.",
        )

    def _programs(self, rows: Sequence[WorkerRow]) -> Finding:
        faults = _faults(rows, frozenset({Probe.PROGRAMS}))
        told = {name for name, _ in faults}
        for row in rows:
            missing = self._hosts.statistics(row.id).missing_programs
            if missing and row.name not in told:
                faults.append((row.name, f"It has not got {rules.named(missing)}."))
        if not faults:
            return fine(PROGRAMS, "No worker lacks a program.")
        return broken(
            PROGRAMS,
            f"Workers without a program: {_told(faults)}",
            "Install Blender or ffmpeg on these machines, or set where it is: `blender` in the "
            "machine's tablao-worker.yaml, or `tablao worker-settings set`.",
        )

    def _other_faults(self, rows: Sequence[WorkerRow]) -> Finding:
        others = frozenset(Probe) - _OF_STORAGE - {Probe.PROGRAMS}
        faults = _faults(rows, others)
        if not faults:
            return fine(SET_ASIDE, "No worker is set aside for another fault.")
        return to_look_at(
            SET_ASIDE,
            f"Workers that are set aside: {_told(faults)}",
            "Mend the machines, then `tablao worker forgive NAME`.",
        )

    def _clocks(self, rows: Sequence[WorkerRow]) -> Finding:
        clocks = self._hosts.clocks
        return rules.clocks(
            CLOCKS, [(row.name, clocks[row.id]) for row in rows if row.id in clocks]
        )

    def _versions(self, rows: Sequence[WorkerRow]) -> Finding:
        standings = {
            row.name: compared_worker(
                row.software, self._presence.version, is_http=row.is_http
            ).standing
            for row in rows
            # A worker that has registered only has not said its version.
            if row.software
        }
        older = [name for name, each in standings.items() if each is Standing.OLDER]
        newer = [name for name, each in standings.items() if each is Standing.NEWER]
        if older:
            return to_look_at(
                VERSIONS,
                f"Older than the manager: {rules.named(older)}.",
                "`tablao worker upgrade --all` upgrades them while they render.",
            )
        if newer:
            return to_look_at(
                VERSIONS, f"Newer than the manager: {rules.named(newer)}.", "Upgrade the manager."
            )
        return fine(VERSIONS, "No worker is older or newer than the manager.")

    def _managers(self, others: Sequence[tuple[str, str]]) -> Finding:
        own = self._presence.version
        for name, version in others:
            standing = compared_manager(version, own).standing
            if advice := manager_advice(standing):
                return to_look_at(
                    MANAGERS,
                    f"The manager on {name} has version {version}, this one {own}.",
                    advice,
                )
        if others:
            return fine(MANAGERS, f"All {len(others) + 1} managers have version {own}.")
        return fine(MANAGERS, f"One manager runs, version {own}.")


def _state(row: WorkerRow) -> WorkerState:
    return WorkerState(
        row.name,
        row.status,
        is_waiting=row.is_waiting,
        is_paused=row.is_paused,
        is_aside=any(each.is_for_all for each in asides.from_json(row.set_aside)),
        last_seen=row.last_seen,
        requested=row.status_requested,
        changed=row.updated,
    )


def _faults(rows: Sequence[WorkerRow], probes: frozenset[Probe]) -> list[tuple[str, str]]:
    """Return (worker, reason) of the faults that are mended in one of these ways."""
    return [
        (row.name, aside.reason)
        for row in rows
        for aside in asides.from_json(row.set_aside)
        if _PROBES.get(aside.cause, Probe.TIME) in probes
    ]


def _told(faults: Sequence[tuple[str, str]]) -> str:
    """Return the names, and the first one's reason."""
    names = list(dict.fromkeys(name for name, _ in faults))
    return f"{rules.named(names)}. {faults[0][0]}: {faults[0][1]}"
