"""Our interface: what the manager's doctor has found (docs/doctor.md)."""

from datetime import datetime

from manager_api.contract.base import Answer
from workflows.domain.doctor import State


class DoctorCheck(Answer):
    id: str
    """Such as `database.writes`; each has the same id in every version of Tablao that has it."""
    state: State
    sentence: str
    """What is so, or what is the matter."""
    advice: str
    """What to do about it; empty if, and only if, it is fine."""


class DoctorReport(Answer):
    state: State
    """The worst of the checks'."""
    version: str
    """Of the software that has looked."""
    checks: list[DoctorCheck]
    """Always the same checks in the same order."""


class WorkerExamination(Answer):
    """What the doctor on a worker's machine has found."""

    asked: datetime | None
    """When a person asked for it last; null: it was not asked for yet."""
    told: datetime | None
    """When the report came; null: none has come yet. Before `asked`: another one is to come."""
    report: DoctorReport | None
    """The newest report."""
