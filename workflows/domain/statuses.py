"""Statuses, spelled as Flamenco's API spells them."""

from enum import StrEnum


class JobStatus(StrEnum):
    UNDER_CONSTRUCTION = "under-construction"
    """Only inside the job compiler; never stored."""
    QUEUED = "queued"
    """Waiting for a worker."""
    ACTIVE = "active"
    """At least one task was started."""
    COMPLETED = "completed"
    FAILED = "failed"
    PAUSE_REQUESTED = "pause-requested"
    """Active tasks may finish, nothing new starts."""
    PAUSED = "paused"
    CANCEL_REQUESTED = "cancel-requested"
    """Passed through within one change."""
    CANCELED = "canceled"
    REQUEUEING = "requeueing"
    """Passed through within one change."""


class TaskStatus(StrEnum):
    QUEUED = "queued"
    SOFT_FAILED = "soft-failed"
    """Failed, and may be tried again."""
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    PAUSED = "paused"


class WorkerStatus(StrEnum):
    UNREGISTERED = ""
    """Registered, never signed on. Flamenco shows it as an empty word."""
    STARTING = "starting"
    AWAKE = "awake"
    ASLEEP = "asleep"
    ERROR = "error"
    """Not heard of for too long."""
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


#: Tasks that can still come to something without anybody's help.
RUNNABLE = frozenset({TaskStatus.QUEUED, TaskStatus.SOFT_FAILED, TaskStatus.ACTIVE})
#: Tasks that wait for a worker.
WAITING = frozenset({TaskStatus.QUEUED, TaskStatus.SOFT_FAILED})
#: Jobs whose workflow has nothing left to do. A paused job's workflow stays open.
ENDED = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED})
#: Jobs whose tasks may start.
SCHEDULABLE = frozenset({JobStatus.QUEUED, JobStatus.ACTIVE})
