"""The demand of a job, as its row has it."""

from collections.abc import Mapping
from typing import Any

from workflows.domain.messages import Demand, Want


def read_demand(stored: Mapping[str, Any] | None) -> Demand | None:
    """Return a row's demand; None if the job wants no worker."""
    if stored is None:
        return None
    wants = tuple(
        Want(want["task_type"], want["count"], tuple(want["blocked"]), tuple(want["failed"]))
        for want in stored["wants"]
    )
    return Demand(stored["version"], wants)
