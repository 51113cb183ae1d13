"""The runs of this machine, by key, on disk: begin, attach, keep, stop, adopt."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from worker_host.run_spec import RunHooks, RunSettings, RunSpec, SilentHooks
from workflows.domain.messages import Outcome, RunKey, RunRef

Fetch = Callable[[RunRef], Awaitable[RunSpec]]


class HostAlreadyRuns(Exception):
    """Another host process works in this directory."""


class RunTable:
    """Runs outlive this object and its process; a new one on the same directory adopts them."""

    def __init__(
        self,
        runs_dir: Path,
        *,
        settings: RunSettings = RunSettings(),  # noqa: B008 - frozen
        hooks: RunHooks | None = None,
    ) -> None:
        self._dir = runs_dir
        self._settings = settings
        self._hooks: RunHooks = hooks or SilentHooks()

    async def open(self) -> list[RunKey]:
        """Take the directory's lock and adopt what an earlier host left; returns what lives.

        Raises:
            HostAlreadyRuns: another process holds the lock.
        """
        raise NotImplementedError

    def live(self) -> list[RunKey]:
        """Runs that are beginning or live."""
        raise NotImplementedError

    def known(self, key: RunKey) -> bool:
        """Whether this key would attach or have a kept outcome."""
        raise NotImplementedError

    def refuse(self, reason: str) -> None:
        """Refuse new runs with this sentence (asleep, shutting down); empty accepts again."""
        raise NotImplementedError

    def signed_on(self) -> None:
        """A new session has begun: generations seen in the last one do not count."""
        raise NotImplementedError

    async def run_or_attach(self, ref: RunRef, fetch: Fetch) -> Outcome:
        """Begin the run, or report the one that is here already (docs/protocol.md).

        Canceling the call lets go of the run and nothing more: grace begins, and `detached`
        tells whether it was a clear order.
        """
        raise NotImplementedError

    def detached(self, key: RunKey, clearly_canceled: bool) -> None:
        """An activity was cut off: by a clear order the run stops, unless another is attached."""
        raise NotImplementedError

    async def stop(self, key: RunKey, reason: str) -> None:
        """Stop a run, or see to it that it never begins. Returns when its processes are gone."""
        raise NotImplementedError

    async def stop_all(self, reason: str) -> None:
        """Stop every run; returns when all processes are gone."""
        raise NotImplementedError

    def accepted(self, key: RunKey) -> None:
        """The outcome was delivered: the directory goes once the whole log is stored, too."""
        raise NotImplementedError

    def progress(self, key: RunKey) -> dict[str, Any]:
        """For heartbeats: `command`, `steps_completed`, and of Blender, when known, `frame`,
        `frames_done`, `frames_total`, `sample`, `samples`."""
        raise NotImplementedError

    async def close(self, *, stop_runs: bool) -> None:
        """Let go of everything; runs live on for the next host unless they are stopped."""
        raise NotImplementedError
