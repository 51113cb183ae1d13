"""Whose task a run belongs to, also once it has ended."""

from types import SimpleNamespace
from typing import Any, cast

from worker_host.fetched_runs import FetchedRuns
from worker_host.manager_client import ManagerClient
from workflows.domain.messages import Outcome, RunKey, RunRef

REF = RunRef("job", 1, 1, 1, lease_id="lease", slot=0, generation=1)


class QuickRuns:
    """Runs that end as soon as they have their commands."""

    async def run_or_attach(self, ref: RunRef, fetch: Any) -> Outcome:
        await fetch(ref)
        return cast(Outcome, None)

    def accepted(self, key: RunKey) -> None:
        pass


class ListeningManager:
    def __init__(self) -> None:
        self.images: list[tuple[str, bytes]] = []

    async def fetch(self, ref: RunRef) -> Any:
        return SimpleNamespace(task_id=f"task of {ref.key}", spec=None)

    async def send_image(self, task_id: str, jpeg: bytes) -> None:
        self.images.append((task_id, jpeg))


async def test_the_preview_of_a_run_that_has_ended_meanwhile_is_sent() -> None:
    manager = ListeningManager()
    runs = FetchedRuns(cast(Any, QuickRuns()), cast(ManagerClient, manager), lambda: None)
    await runs.run_or_attach(REF)
    runs.settled(REF.key)

    await runs.send_image(REF.key, b"a picture")

    assert manager.images == [("task of job.1.1.1", b"a picture")]
