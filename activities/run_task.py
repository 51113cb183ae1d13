"""A task as an activity on the render machine: run or attach, heartbeat, return the outcome."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from temporalio import activity

from activities.checking import check_run
from activities.heartbeats import heartbeats
from workflows.activity_contracts import OnDeck, Rendering
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef


class Runs(Protocol):
    """The machine's runs, as far as this activity needs them."""

    async def run_or_attach(self, ref: RunRef) -> Outcome:
        """Begin the run, or attach to it if it is here already; return its outcome.

        A newer call for the same run ends an older one with `SUPERSEDED`. Canceling the call
        detaches it from the run, which goes on.
        """
        ...

    async def stop(self, key: RunKey, reason: str) -> None:
        """Stop a run, or keep it from beginning. Returns when its processes are gone."""
        ...

    async def withdraw(self, key: RunKey) -> Outcome:
        """Take a run off the deck, so that it never begins, or answer that it has begun."""
        ...

    def progress(self, key: RunKey) -> Mapping[str, Any]: ...


class LocalRendering(Rendering, OnDeck):
    """Runs on a render machine, from that machine's own task queue."""

    def __init__(self, runs: Runs, *, heartbeat_every_s: float = 5.0) -> None:
        self._runs = runs
        self._heartbeat_every_s = heartbeat_every_s
        self._leaving = asyncio.Event()

    def let_go(self) -> None:
        """End every present and later activity without a report; the next host adopts the runs."""
        self._leaving.set()

    @activity.defn(name="run_task")
    async def run_task(self, run: RunRef) -> Outcome:
        """Run a task's commands in order, or attach to the run that does so already.

        A failed render is an outcome, not an exception: the domain decides who tries next.
        """
        check_run(run)
        key = run.key
        report = asyncio.create_task(self._runs.run_or_attach(run), name=f"run {key}")
        async with heartbeats(lambda: self._runs.progress(key), self._heartbeat_every_s):
            leaving = asyncio.create_task(self._leaving.wait())
            try:
                await asyncio.wait({report, leaving}, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                return await self._cut_off(key, report)
            finally:
                leaving.cancel()
            if not report.done():
                await _let_go(report)
                activity.raise_complete_async()
            return report.result()

    @activity.defn(name="withdraw_task")
    async def withdraw_task(self, run: RunRef) -> Outcome:
        """Take a run off the deck; its own activity ends, too. A run that has begun goes on."""
        check_run(run)
        return await self._runs.withdraw(run.key)

    async def _cut_off(self, key: RunKey, report: asyncio.Task[Outcome]) -> Outcome:
        details = activity.cancellation_details()
        if details is not None and details.cancel_requested:
            await self._runs.stop(key, "canceled")
            outcome = await report
            if outcome.kind is OutcomeKind.CANCELED:
                # Temporal's history then shows the activity as canceled.
                raise asyncio.CancelledError
            return outcome  # the run ended before it was stopped, and that outcome counts
        # `not_found` and time-outs do not mean that the run shall stop: after a continue-as-new the
        # same run is asked for again at once.
        await _let_go(report)
        if details is not None and details.worker_shutdown:
            activity.raise_complete_async()  # no report: the host that adopts the run reports it
        raise asyncio.CancelledError


async def _let_go(report: asyncio.Task[Outcome]) -> None:
    """Detach from the run, which goes on; its grace begins unless another activity attaches."""
    report.cancel()
    await asyncio.wait({report})
