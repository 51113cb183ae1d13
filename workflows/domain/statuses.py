"""Statuses, spelled as Flamenco's API spells them."""

from enum import StrEnum


class JobStatus(StrEnum):
    UNDER_CONSTRUCTION = "under-construction"
    """Used only while a job is compiled; never stored."""
    QUEUED = "queued"
    """Waiting for a worker."""
    ACTIVE = "active"
    """At least one task has started."""
    COMPLETED = "completed"
    FAILED = "failed"
    PAUSE_REQUESTED = "pause-requested"
    """Active tasks may finish, but no further task starts."""
    PAUSED = "paused"
    CANCEL_REQUESTED = "cancel-requested"
    """Passed through within one change."""
    CANCELED = "canceled"
    REQUEUEING = "requeueing"
    """Passed through within one change."""


class TaskStatus(StrEnum):
    QUEUED = "queued"
    SOFT_FAILED = "soft-failed"
    """The task has failed, but may be tried again."""
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    PAUSED = "paused"


class WorkerStatus(StrEnum):
    UNREGISTERED = ""
    """Registered, but never signed on. Flamenco shows it as an empty word."""
    STARTING = "starting"
    AWAKE = "awake"
    ASLEEP = "asleep"
    ERROR = "error"
    """The worker has been silent for too long."""
    TESTING = "testing"
    OFFLINE = "offline"
    RESTART = "restart"


class FarmStatus(StrEnum):
    STARTING = "starting"
    ACTIVE = "active"
    IDLE = "idle"
    WAITING = "waiting"
    ASLEEP = "asleep"
    INOPERATIVE = "inoperative"
    UNKNOWN = "unknown"


#: Tasks that can still complete without a user's help.
RUNNABLE = frozenset({TaskStatus.QUEUED, TaskStatus.SOFT_FAILED, TaskStatus.ACTIVE})
#: Tasks that wait for a worker.
WAITING = frozenset({TaskStatus.QUEUED, TaskStatus.SOFT_FAILED})
#: Statuses of ended jobs; their workflows have nothing left to do. A paused job's workflow waits.
ENDED = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED})
#: Jobs whose tasks may start.
SCHEDULABLE = frozenset({JobStatus.QUEUED, JobStatus.ACTIVE})
