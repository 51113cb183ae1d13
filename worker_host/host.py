"""A host: everything a render machine does but the process and its command line.

Simulated hosts (bench, chaos) are this class with other `Runs`, many of them in one process.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from typing import Any, Protocol

from worker_host.run_spec import RunHooks, RunSpec
from workflows.domain.messages import Outcome, RunKey, RunRef

Fetch = Callable[[RunRef], Awaitable[RunSpec]]


class Runs(Protocol):
    """The machine's runs. `worker_host.run_table.RunTable` is the real one."""

    async def open(self) -> list[RunKey]: ...
    def live(self) -> list[RunKey]: ...
    def known(self, key: RunKey) -> bool: ...
    def refuse(self, reason: str) -> None: ...
    def signed_on(self) -> None: ...
    async def run_or_attach(self, ref: RunRef, fetch: Fetch) -> Outcome: ...
    def detached(self, key: RunKey, clearly_canceled: bool) -> None: ...
    async def stop(self, key: RunKey, reason: str) -> None: ...
    async def stop_all(self, reason: str) -> None: ...
    def accepted(self, key: RunKey) -> None: ...
    def progress(self, key: RunKey) -> dict[str, Any]: ...
    async def close(self, *, stop_runs: bool) -> None: ...


MakeRuns = Callable[[RunHooks], Runs]


class Ended(Enum):
    """Why a host came to its end."""

    SHUT_DOWN = auto()
    RESTART = auto()
    SUPERSEDED = auto()
    """Another process signed on with the same credentials."""


class Host:
    """`Host(settings, credentials, lambda hooks: RunTable(…, hooks=hooks))`, then `run()`."""

    async def run(self) -> Ended:
        """Serve the farm until told to end."""
        raise NotImplementedError

    def shut_down(self) -> None:
        """Stop what runs, report it, sign off and end."""
        raise NotImplementedError

    def statistics(self) -> Mapping[str, Any]:
        raise NotImplementedError
