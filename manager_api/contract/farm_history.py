"""The farm's history: tries of tasks, frames and times, over hours and days."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from manager_api.contract.base import Answer


class HistoryBy(StrEnum):
    """What the figures of a period are grouped by."""

    PROJECT = "project"
    USER = "user"
    WORKER = "worker"
    TAG = "tag"
    CAUSE = "cause"
    HOUR = "hour"
    DAY = "day"


class HistoryFigures(Answer):
    completed: int
    """Tasks that were completed."""
    failed: int
    """Tries of tasks that failed."""
    interrupted: int
    """Tries that neither completed nor failed: canceled, paused, or their worker was lost."""
    frames: int
    """Frames of the completed tasks."""
    busy_s: float
    """How long tasks were run, of all workers together."""
    lost_s: float
    """The part of `busy_s` of the tries that did not complete."""


class HistoryGroup(HistoryFigures):
    name: str
    """The project, user, worker, tag or cause; empty if there is none. Of hours and days the
    beginning, as `start`."""
    id: str | None = None
    """The worker's id."""
    start: datetime | None = None
    """Of hours and days."""
    available_s: float | None = None
    """How long slots of awake workers were there, of all together; left out if that was not
    sampled."""
    utilisation: float | None = None
    """The part of `available_s` in which tasks were run, from 0 to 1."""
    ready: float | None = None
    """How many tasks could have started if workers had been free, on average."""
    waiting: Mapping[str, float] | None = None
    """How many of these found no worker, on average, by what kept most workers from them."""


class FarmHistory(Answer):
    start: datetime
    end: datetime
    by: HistoryBy
    zone: str
    """The time zone in which days begin."""
    since: datetime | None = None
    """When the history that is kept begins; left out if there is none."""
    total: HistoryFigures
    """Of the whole period."""
    rows: list[HistoryGroup]
    """Hours and days in their order; others with the most time, or failures, first."""
    left_off: int
    """How many groups more there are."""
