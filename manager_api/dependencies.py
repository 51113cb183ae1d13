"""What the routers are given: one container, built where the manager is put together."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import APIRouter

from manager_api.db.engine import Database
from manager_api.events import LiveEvents
from manager_api.job_types.registry import JobTypeRegistry
from manager_api.last_rendered import LastRendered
from manager_api.services.jobs import JobControl
from manager_api.settings import ManagerSettings
from manager_api.task_logs import TaskLogs


@dataclass(frozen=True, slots=True)
class ManagerParts:
    """Everything that `manager_api.app.build_app` needs."""

    settings: ManagerSettings
    database: Database
    job_types: JobTypeRegistry
    control: JobControl
    logs: TaskLogs
    events: LiveEvents
    last_rendered: LastRendered
    started_at: datetime
    temporal_address: str = ""
    """Where this manager reaches Temporal; empty when it does not."""
    temporal_ui: str = ""
    """Address of Temporal's Web UI, for people; empty when there is none."""
    is_present: Callable[[str], bool] = lambda worker_id: False
    """Whether a worker's control channel is open."""
    extra_routers: tuple[APIRouter, ...] = field(default=())
    """The host's control channel and the tunnel, which come with their own dependencies."""
