"""An HTTP worker's task as an activity of the manager: it is offered, then awaited."""

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
        """Offer the run to its worker, or return its outcome; None if the run has not ended.

        From then on, the outcome is delivered to this activity and to no older one.

        Raises:
            NotStored: the database was busy; the caller asks again.
        """
        ...


class HttpRendering(Rendering):
    """Runs in the managers, for HTTP workers, which have no task queue of their own."""

    def __init__(self, runs: OfferedRuns, *, heartbeat_every_s: float = 5.0) -> None:
        self._runs = runs
        self._heartbeat_every_s = heartbeat_every_s

    @activity.defn(name="run_task")
    async def run_task(self, run: RunRef) -> Outcome:
        """Return an outcome that is known already.

        Otherwise the activity ends later, when the worker reports.
        """
        check_run(run)
        async with heartbeats(lambda: None, self._heartbeat_every_s):
            try:
                outcome = await self._attached(run)
            except asyncio.CancelledError:
                # The manager stops, or the run shall stop; the worker has not reported anything.
                # The run is asked for again, or the keeper's manager ends it.
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
                # An exception would end the activity, and with it the attempt.
                logger.warning("a run could not be offered yet: %s", busy)
                await asyncio.sleep(_PAUSE_S)
