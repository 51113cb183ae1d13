"""The task of a worker that speaks HTTP as an activity of the manager's: offered, then awaited."""

import asyncio
import logging
from typing import Protocol

from temporalio import activity

from activities.checking import check_run
from activities.heartbeats import heartbeats
from workflows.activity_contracts import Rendering
from workflows.domain.messages import Outcome, RunRef

_PAUSE_S = 0.5

logger = logging.getLogger(__name__)


class NotStored(Exception):
    """The database was busy; nothing was stored."""


class OfferedRuns(Protocol):
    async def attach(self, ref: RunRef, workflow_run_id: str, activity_id: str) -> Outcome | None:
        """Offer the run to its worker, or report what became of it; None: that is still to come.

        From then on, the outcome is delivered to this activity and to no older one.

        Raises:
            NotStored: ask again.
        """
        ...


class HttpRendering(Rendering):
    """Runs in the managers, for workers that have no task queue of their own."""

    def __init__(self, runs: OfferedRuns, *, heartbeat_every_s: float = 5.0) -> None:
        self._runs = runs
        self._heartbeat_every_s = heartbeat_every_s

    @activity.defn(name="run_task")
    async def run_task(self, run: RunRef) -> Outcome:
        """Returns only what is known already: else the activity ends when the worker reports."""
        check_run(run)
        async with heartbeats(lambda: None, self._heartbeat_every_s):
            try:
                outcome = await self._attached(run)
            except asyncio.CancelledError:
                # Neither a manager that stops nor an order to the run is the worker's word. The
                # run is asked for again, or ended by the one that looks after all of them.
                activity.raise_complete_async()
        if outcome is None:
            activity.raise_complete_async()
        return outcome

    async def _attached(self, run: RunRef) -> Outcome | None:
        info = activity.info()
        while True:
            try:
                return await self._runs.attach(run, info.workflow_run_id or "", info.activity_id)
            except NotStored as busy:
                # An exception would end the attempt.
                logger.warning("a run could not be offered yet: %s", busy)
                await asyncio.sleep(_PAUSE_S)
