"""A farm in which nothing ever happens, for tests of the keeper that change one thing of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

from activities.keeping import OpenWorkflow
from workflows.domain.farm_facts import FarmSnapshot
from workflows.domain.keeping import Message, OpenRun, StoredRun
from workflows.domain.matchmaking import Offer, Reasons, RecallOrder
from workflows.domain.messages import Lease
from workflows.domain.statuses import WorkerStatus


class EmptyFarm:
    """Implements what the keeper needs."""

    def __init__(self) -> None:
        self.seen = asyncio.Event()

    async def next_epoch(self) -> int:
        return 1

    async def snapshot(self, is_present: Callable[[str], bool]) -> FarmSnapshot:
        self.seen.set()
        return FarmSnapshot((), (), ())

    async def write_offers(self, epoch: int, offers: Sequence[Offer]) -> list[Lease]:
        return []

    async def unconfirmed_leases(self, older_than_s: float) -> list[Lease]:
        return []

    async def mark_recalled(self, epoch: int, recalls: Sequence[RecallOrder]) -> None: ...
    async def mark_returned(self, epoch: int, lease_ids: Sequence[str]) -> None: ...
    async def mark_lost(self, epoch: int, worker_id: str) -> bool:
        return False

    async def write_reasons(self, epoch: int, reasons: Reasons) -> bool:
        return True

    async def outbox(self, most: int | None = None) -> list[tuple[str, int]]:
        return []

    async def started(self, job_id: str, run: int) -> None: ...
    async def start_anew(self, job_id: str, run: int) -> bool:
        return False

    async def start_job(self, job_id: str, run: int) -> bool:
        return True

    async def unfinished_runs(self) -> list[StoredRun]:
        return []

    async def stored_runs(self, job_ids: Collection[str]) -> Mapping[str, StoredRun]:
        return {}

    async def open_run(self, stored: StoredRun) -> OpenRun | None:
        return None

    async def open_workflows(self) -> AsyncIterator[OpenWorkflow]:
        return
        yield

    async def end_workflow(self, workflow: OpenWorkflow, reason: str) -> None: ...
    async def tell(self, message: Message) -> None: ...
    def is_present(self, worker_id: str) -> bool:
        return True

    async def order_status(self, worker_id: str, status: WorkerStatus) -> bool:
        return True

    async def disconnect(self, worker_id: str, reason: str) -> None: ...
