"""Our interface: the farm, and the health of its manager."""

from datetime import datetime

from manager_api.contract.base import Answer
from workflows.domain.statuses import FarmStatus


class Farm(Answer):
    name: str
    version: str
    flamenco_version: str
    status: FarmStatus
    started_at: datetime
    storage: str
    temporal_address: str
    temporal_namespace: str
    temporal_ui: str


class Health(Answer):
    database: bool
