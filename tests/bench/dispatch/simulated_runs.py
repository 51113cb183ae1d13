"""Runs whose commands take their time and nothing else."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.bench.dispatch.cells import duration
from tests.bench.dispatch.records import Ran
from worker_host.run_spec import RunHooks, RunRefused, RunSpec
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef

WITHDRAWN = Outcome(OutcomeKind.WITHDRAWN)
_LOG = b"sleeping\nslept\n"


class SimulatedRuns:
    """`worker_host.host.Runs`. Logs are sent as a real host sends them."""

    def __init__(self, host: int, hooks: RunHooks, tell: Callable[[Ran], None]) -> None:
        self._host = host
        self._hooks = hooks
        self._tell = tell
        self._refusal = ""
        self._live: dict[RunKey, asyncio.Task[Outcome]] = {}
        self._attached: dict[RunKey, asyncio.Future[Outcome]] = {}
        self._kept: dict[RunKey, Outcome] = {}
        self._logs: set[asyncio.Task[None]] = set()
        self._on_deck: dict[RunKey, RunRef] = {}
        self._never: set[RunKey] = set()
        """Runs that were withdrawn before they were asked for, as after an outage of Temporal."""
        self._slots: dict[int, asyncio.Lock] = {}

    async def open(self) -> list[RunKey]:
        return []

    def live(self) -> list[RunKey]:
        return list(self._live)

    def named(self) -> list[RunKey]:
        return [*self._live, *self._kept]

    def pids(self) -> Mapping[RunKey, int]:
        return {}

    async def task_id(self, key: RunKey) -> str:
        raise RunRefused("these runs make no images")

    def refuse(self, reason: str) -> None:
        self._refusal = reason

    def signed_on(self) -> None: ...

    async def run_or_attach(self, ref: RunRef) -> Outcome:
        key = ref.key
        if key in self._kept:
            return self._kept[key]
        if key not in self._live:
            if key in self._never:
                return Outcome(OutcomeKind.CANCELED)
            if self._refusal:
                return Outcome(OutcomeKind.REFUSED, self._refusal)
            self._live[key] = asyncio.create_task(self._run(ref))
        self._supersede(key)
        attached: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._attached[key] = attached
        return await attached

    async def stop(self, key: RunKey, reason: str) -> None:
        if key in self._live:
            self._live[key].cancel()
            await asyncio.wait({self._live[key]})

    async def withdraw(self, key: RunKey) -> Outcome:
        if key in self._live.keys() - self._on_deck.keys() or key in self._kept:
            return Outcome(OutcomeKind.BEGUN)
        if key not in self._live:
            self._never.add(key)
            return Outcome(OutcomeKind.CANCELED)
        self._live[key].cancel()
        await asyncio.wait({self._live[key]})
        return WITHDRAWN

    async def stop_all(self, reason: str) -> None:
        for key in self.live():
            await self.stop(key, reason)

    def accepted(self, key: RunKey) -> None:
        self._kept.pop(key, None)

    def progress(self, key: RunKey) -> dict[str, Any]:
        return {}

    async def close(self, *, stop_runs: bool) -> None:
        for work in [*self._live.values(), *self._logs]:
            work.cancel()

    def _supersede(self, key: RunKey) -> None:
        older = self._attached.pop(key, None)
        if older is not None and not older.done():
            older.set_result(Outcome(OutcomeKind.SUPERSEDED))

    async def _run(self, ref: RunRef) -> Outcome:
        outcome = Outcome(OutcomeKind.CANCELED)
        self._on_deck[ref.key] = ref
        try:
            spec = await self._hooks.fetch(ref)
            async with self._slots.setdefault(ref.slot, asyncio.Lock()):
                del self._on_deck[ref.key]
                outcome = await self._execute(ref, spec)
        except asyncio.CancelledError:
            if ref.key in self._on_deck:
                outcome = WITHDRAWN
        except RunRefused as refused:
            outcome = Outcome(OutcomeKind.REFUSED, str(refused))
        finally:
            self._on_deck.pop(ref.key, None)
            self._ended(ref.key, outcome)
        return outcome

    async def _execute(self, ref: RunRef, spec: RunSpec) -> Outcome:
        began = time.monotonic()
        for command in spec.commands:
            seconds = command.parameters.get("duration_in_seconds", 0)
            if seconds:
                await asyncio.sleep(duration(ref.index, seconds))
        ended = time.monotonic()
        self._tell(Ran(self._host, ref.job_id, ref.index, ref.attempt, began, ended))
        sending = asyncio.create_task(self._send_log(ref.key))
        self._logs.add(sending)
        sending.add_done_callback(self._logs.discard)
        return Outcome(OutcomeKind.COMPLETED, ran_s=ended - began)

    async def _send_log(self, key: RunKey) -> None:
        # Unlike a real host's it is sent once: a benchmark's logs may be lost.
        await self._hooks.log_written(key, 0, _LOG)

    def _ended(self, key: RunKey, outcome: Outcome) -> None:
        del self._live[key]
        if outcome.kind not in (OutcomeKind.REFUSED, OutcomeKind.WITHDRAWN):
            self._kept[key] = outcome
        attached = self._attached.pop(key, None)
        if attached is not None and not attached.done():
            attached.set_result(outcome)
        self._hooks.run_ended()
