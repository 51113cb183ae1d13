"""`tablao doctor --workers`: what the doctors on the machines of connected workers find."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from manager_api.cli.client import Manager, Refused
from workflows.domain.doctor import Finding, broken, read, to_look_at, told

#: A cold start of Blender from a slow disk takes minutes; a machine's doctor gives up before.
PATIENCE_S = 300.0
#: The check that a machine without a report has.
DOCTOR = "doctor"
_ASK_EVERY_S = 1.0
#: Refusals that say nothing of the other workers.
_OF_ONE_WORKER = frozenset({404, 409})


@dataclass(frozen=True, slots=True)
class Machine:
    """A worker's machine, and what its doctor has found."""

    name: str
    version: str
    """Of the host that has looked; empty if none has."""
    findings: Sequence[Finding]

    def told(self) -> dict[str, Any]:
        return {"name": self.name, **told(self.findings, self.version)}


def examined_machines(farm: Manager, patience_s: float = PATIENCE_S) -> list[Machine]:
    """Ask the doctors of all connected workers at once, and wait for their reports.

    Raises:
        Refused: the caller may not, or the manager has failed.
    """
    workers = farm.get("/api/tablao/v1/workers")["workers"]
    names = {each["id"]: str(each["name"]) for each in workers if each["is_connected"]}
    found: dict[str, Machine] = {}
    for worker_id, name in names.items():
        if (refusal := _refusal(farm, worker_id)) is not None:
            found[worker_id] = Machine(name, "", [_not_asked(refusal)])
    until = time.monotonic() + patience_s
    while waiting := names.keys() - found.keys():
        for worker_id in waiting:
            report = _report(farm, worker_id)
            if report is not None:
                found[worker_id] = Machine(names[worker_id], report["version"], read(report))
            elif time.monotonic() > until:
                found[worker_id] = Machine(names[worker_id], "", [_silent(patience_s)])
        if names.keys() - found.keys():
            time.sleep(_ASK_EVERY_S)
    return [found[worker_id] for worker_id in names]


def _refusal(farm: Manager, worker_id: str) -> Refused | None:
    """Ask a worker's doctor; return why it was not asked."""
    try:
        farm.post(f"/api/tablao/v1/workers/{worker_id}/doctor", None)
    except Refused as refusal:
        if refusal.status_code not in _OF_ONE_WORKER:
            raise
        return refusal
    return None


def _report(farm: Manager, worker_id: str) -> Mapping[str, Any] | None:
    """Return the report that was asked for; None if it has not come yet."""
    examination = farm.get(f"/api/tablao/v1/workers/{worker_id}/doctor")
    if examination["told"] is None:
        return None
    asked, came = (datetime.fromisoformat(examination[each]) for each in ("asked", "told"))
    report: Mapping[str, Any] = examination["report"]
    return report if came >= asked else None


def _not_asked(refusal: Refused) -> Finding:
    advice = "Call `tablao-worker doctor` on its machine, if it is one of Tablao's."
    return to_look_at(DOCTOR, f"It was not asked: {refusal}.", advice)


def _silent(patience_s: float) -> Finding:
    return broken(
        DOCTOR,
        f"It has not answered for {patience_s:.0f} s.",
        "Call `tablao-worker doctor` on its machine. A worker older than the manager has to be "
        "upgraded first: `tablao versions`.",
    )
