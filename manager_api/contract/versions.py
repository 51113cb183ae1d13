"""Our interface: which version each part of the farm has, and what to do about it."""

from datetime import datetime
from enum import StrEnum

from manager_api.contract.base import Answer
from workflows.domain.control import UpgradeState
from workflows.domain.statuses import WorkerStatus


class Standing(StrEnum):
    """How a version compares with that of the manager that answers."""

    OLDER = "older"
    NEWER = "newer"
    UNKNOWN = "unknown"
    """It is no version of Tablao that can be compared, or it was not said yet."""
    SAME = "same"
    FLAMENCO = "flamenco"
    """A Flamenco Worker's, which is upgraded with Flamenco."""


class ManagerVersion(Answer):
    """A manager that runs."""

    name: str
    """The name of its machine."""
    version: str
    standing: Standing
    advice: str
    """What to do; empty: nothing."""
    started: datetime
    is_this: bool
    """Whether it is the manager that answers."""


class DatabaseVersion(Answer):
    kind: str
    """`SQLite` or `PostgreSQL`."""
    migration: str
    newest_migration: str
    """The newest that the manager knows. A lower number than `migration`: a newer manager of the
    farm has migrated the database."""


class WorkerUpgrade(Answer):
    """An upgrade that is under way, or has failed."""

    version: str
    """The version to which the worker is upgraded."""
    state: UpgradeState
    reason: str
    """Why it failed, in a sentence; empty: it has not."""


class VersionedWorker(Answer):
    id: str
    name: str
    status: WorkerStatus
    can_upgrade: bool
    """Whether `upgradeWorker` can upgrade it, if it is connected and older than the manager."""
    upgrade: WorkerUpgrade | None
    """Null if none is under way and none has failed."""


class WorkerVersion(Answer):
    """A version, and the workers that have it, sorted by name."""

    version: str
    """As it is shown: `0.1.0`, `Flamenco 3.5`; empty: not said."""
    standing: Standing
    advice: str
    """What to do; empty: nothing."""
    workers: list[VersionedWorker]


class Versions(Answer):
    version: str
    """Of the manager that answers."""
    managers: list[ManagerVersion]
    """All managers of the farm that run, this one first."""
    temporal: str
    """The version of Temporal's server; empty: it did not answer."""
    is_temporal_embedded: bool
    """Whether the manager runs its own Temporal, which is upgraded with it."""
    database: DatabaseVersion
    workers: list[WorkerVersion]
    """Versions for which there is something to do come first, then newer versions before older."""


class WorkerPackage(Answer):
    """The wheel of the version that the manager runs, for its workers."""

    file: str
    """Its name."""
    path: str
    """Its path at this manager, from the root of the manager's address."""
    version: str
    size: int
    """In bytes."""
    sha256: str
    """In hexadecimal."""
