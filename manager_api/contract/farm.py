"""Our interface: the farm, and the health of its manager."""

from datetime import datetime

from manager_api.contract.base import Answer
from workflows.domain.statuses import FarmStatus

#: Where the manager serves the Web UI of its own Temporal, below the path of `public_url`.
TEMPORAL_UI = "/temporal/"


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
    """The address of Temporal's Web UI, or its path at this manager; empty without a Web UI."""


class Health(Answer):
    database: bool
