"""The machine's runs as the activity asks for them: their commands come from the manager."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from worker_host.manager_client import ManagerClient
from worker_host.run_spec import RunRefused, RunSpec
from workflows.domain.messages import Outcome, RunKey, RunRef

Fetch = Callable[[RunRef], Awaitable[RunSpec]]

#: Runs whose task is known; many more than end while one image is decoded.
_REMEMBERED = 256


class Runs(Protocol):
    """The machine's runs. `worker_host.run_table.RunTable` is the real one."""

    async def open(self) -> list[RunKey]: ...
    def live(self) -> list[RunKey]: ...

    def named(self) -> list[RunKey]:
        """What lives, and what has ended and was not accepted."""
        ...

    def pids(self) -> Mapping[RunKey, int]:
        """The process at the top of each live run."""
        ...

    def refuse(self, reason: str) -> None: ...
    def signed_on(self) -> None: ...
    async def run_or_attach(self, ref: RunRef, fetch: Fetch) -> Outcome: ...
    def detached(self, key: RunKey, clearly_canceled: bool) -> None: ...
    async def stop(self, key: RunKey, reason: str) -> None: ...
    async def stop_all(self, reason: str) -> None: ...
    def accepted(self, key: RunKey) -> None: ...
    def progress(self, key: RunKey) -> dict[str, Any]: ...
    async def close(self, *, stop_runs: bool) -> None: ...


class FetchedRuns:
    """`activities.run_task.Runs`, with the manager for the commands.

    Args:
        on_end: called when a run was reported, or came to nothing.
    """

    def __init__(self, runs: Runs, manager: ManagerClient, on_end: Callable[[], None]) -> None:
        self._runs = runs
        self._manager = manager
        self._on_end = on_end
        self._refs: dict[RunKey, RunRef] = {}
        self._task_ids: dict[RunKey, str] = {}

    async def run_or_attach(self, ref: RunRef) -> Outcome:
        self._refs[ref.key] = ref
        try:
            return await self._runs.run_or_attach(ref, self._fetch)
        finally:
            self._on_end()

    def detached(self, key: RunKey, clearly_canceled: bool) -> None:
        self._runs.detached(key, clearly_canceled)

    async def stop(self, key: RunKey, reason: str) -> None:
        await self._runs.stop(key, reason)

    def progress(self, key: RunKey) -> Mapping[str, Any]:
        return self._runs.progress(key)

    def settled(self, key: RunKey) -> None:
        self._runs.accepted(key)
        self._refs.pop(key, None)

    async def send_image(self, key: RunKey, jpeg: bytes) -> None:
        """Raises `httpx.HTTPError` or `RunRefused`: it is not wanted."""
        await self._manager.send_image(await self._task_id(key), jpeg)

    async def _task_id(self, key: RunKey) -> str:
        """Of a run that an earlier process began we have the reference once it is asked for."""
        if key not in self._task_ids:
            if key not in self._refs:
                raise RunRefused("its task is not known before it is asked for again")
            self._remember(key, (await self._manager.fetch(self._refs[key])).task_id)
        return self._task_ids[key]

    async def _fetch(self, ref: RunRef) -> RunSpec:
        fetched = await self._manager.fetch(ref)
        self._remember(ref.key, fetched.task_id)
        return fetched.spec

    def _remember(self, key: RunKey, task_id: str) -> None:
        """Beyond its end: the preview of a run's last frame is sent when it is decoded."""
        self._task_ids[key] = task_id
        while len(self._task_ids) > _REMEMBERED:
            del self._task_ids[next(iter(self._task_ids))]
