"""The manager's end of the control channel to hosts: presence, progress, logs, orders.

All of it is in memory and may be lost at any time; whatever it speeds up comes about without it
too (docs/protocol.md).
"""

from collections.abc import Callable, Mapping
from typing import Any

from workflows.domain.messages import RunKey
from workflows.domain.statuses import WorkerStatus


class Hosts:
    """The hosts connected to this manager."""

    on_change: Callable[[], None]
    """Called when a host came, went, was lost or changed its status; must not block."""

    @property
    def connected(self) -> frozenset[str]:
        """Ids of the workers whose channel is open."""
        raise NotImplementedError

    def is_present(self, worker_id: str) -> bool:
        """Whether it was heard of recently.

        Everybody counts as present until the manager has been listening for long enough
        (protocol rule 10).
        """
        raise NotImplementedError

    async def stop_run(self, worker_id: str, key: RunKey, reason: str) -> bool:
        """Order a run to be stopped. False: the host is not connected here."""
        raise NotImplementedError

    async def settled(self, worker_id: str, key: RunKey) -> None:
        """The database has the end of this run; its host may forget it."""
        raise NotImplementedError

    async def order_status(
        self, worker_id: str, status: WorkerStatus, *, is_lazy: bool = False
    ) -> bool:
        """Order a host to sleep, wake, shut down or restart. False: not connected here."""
        raise NotImplementedError

    def statistics(self, worker_id: str) -> Mapping[str, Any]:
        """What the host last said of its machine; empty if nothing."""
        raise NotImplementedError

    def progress(self, job_id: str, index: int) -> Mapping[str, Any]:
        """How far a running task is; empty if nobody said."""
        raise NotImplementedError
