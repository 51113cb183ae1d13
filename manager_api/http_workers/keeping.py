"""Looks after the runs of HTTP workers, as a host looks after its own runs.

Every manager delivers outcomes to Temporal: at once those that it stored itself, and again and
again those that Temporal does not have yet. Only the farm keeper sends heartbeats and times out
runs.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from manager_api.database.engine import Changed, Database, utc_now
from manager_api.database.loops import whenever
from manager_api.database.tables import HttpRunRow, HttpRunState
from manager_api.http_workers.registry import HttpRuns
from manager_api.jobs import task_store as tasks
from manager_api.runs import http_store as http_runs
from manager_api.runs.http_store import Activity, WorkedRun
from manager_api.workers import store as workers
from workflows.domain.messages import Outcome, OutcomeKind, RunKey
from workflows.domain.run_sentences import in_words, ran_too_long, reported_nothing
from workflows.domain.run_times import FarmTimes, RunTimes

#: How long a run goes on that no activity waits for, in seconds (protocol rule 7).
UNATTACHED_GRACE_S = 60.0
LOOK_EVERY_S = 2.0

logger = logging.getLogger(__name__)


class Answer(Enum):
    """Temporal's answer about an activity."""

    GOES_ON = auto()
    CANCELED = auto()
    """Temporal said clearly that the activity is to stop."""
    GONE = auto()
    """The activity has ended. If its workflow continued as new, it asks for the run again."""
    AWAY = auto()
    """Temporal does not answer."""


class Activities(Protocol):
    async def complete(self, activity: Activity, outcome: Outcome) -> Answer: ...
    async def heartbeat(self, activity: Activity) -> Answer: ...


class OutcomeDelivery:
    """Delivers outcomes to activities. Every manager runs one as long as it lives."""

    def __init__(self, database: Database, activities: Activities) -> None:
        self._database = database
        self._activities = activities
        self._news = asyncio.Event()
        self._news.set()  # an earlier manager may have left undelivered outcomes

    async def run(self) -> None:
        """Deliver outcomes until canceled."""
        self._database.listen(Changed.HTTP_RUNS, self._news.set)
        try:
            await whenever(self._news, lambda: _unless_it_fails(self.deliver), tick_s=LOOK_EVERY_S)
        finally:
            self._database.unlisten(Changed.HTTP_RUNS, self._news.set)

    async def deliver(self) -> None:
        async with self._database.reading() as session:
            ended = await http_runs.undelivered(session)
        answers = await asyncio.gather(*map(self._complete, ended))
        done = [
            http_runs.activity_of(row)
            for row, answer in zip(ended, answers, strict=True)
            if answer is not Answer.AWAY
        ]
        if done:
            async with self._database.writing() as session:
                await http_runs.detach(session, done)

    async def _complete(self, row: HttpRunRow) -> Answer:
        outcome = http_runs.outcome_of(row)
        return await self._activities.complete(http_runs.activity_of(row), outcome)


class HttpRunKeeping:
    """The farm keeper's duty to send heartbeats for runs, and to end runs that are abandoned.

    Args:
        heartbeat_every_s: called before each pause; well below the heartbeat time-out that jobs'
            workflows set.
        times: returns the times of runs in force.
    """

    def __init__(
        self,
        runs: HttpRuns,
        activities: Activities,
        heartbeat_every_s: Callable[[], float],
        times: Callable[[], FarmTimes] = FarmTimes,
    ) -> None:
        self._runs = runs
        self._database = runs.database
        self._activities = activities
        self._heartbeat_every_s = heartbeat_every_s
        self._times = times
        self._unattached: dict[str, float] = {}
        """Runs that no activity waits for, and since when."""
        self._ages: dict[tuple[str, datetime], _Age] = {}
        """By key of a run, and when it began."""

    async def run(self, epoch: int) -> None:
        """Do the duty until canceled. An older keeper may do it at the same time."""
        beaten = float("-inf")
        while True:
            every_s = self._heartbeat_every_s()
            if time.monotonic() - beaten >= every_s:
                beaten = time.monotonic()
                await _unless_it_fails(self.heartbeat)
            await _unless_it_fails(self.look)
            await asyncio.sleep(min(LOOK_EVERY_S, every_s))

    async def heartbeat(self) -> None:
        """Send a heartbeat for every open run.

        Stop runs whose activity was canceled, and detach those whose activity has ended.
        """
        async with self._database.reading() as session:
            rows = [row for row in await http_runs.open_runs(session) if row.activity_id]
        activities = [http_runs.activity_of(row) for row in rows]
        answers = await asyncio.gather(*map(self._activities.heartbeat, activities))
        told = list(zip(activities, answers, strict=True))
        gone = [activity for activity, answer in told if answer is Answer.GONE]
        if gone:
            async with self._database.writing() as session:
                await http_runs.detach(session, gone)
        for activity, answer in told:
            if answer is Answer.CANCELED:
                await self._stop(str(activity.key), "its job stopped it")

    async def look(self) -> None:
        """Stop runs that no activity waits for, end those whose time is over, delete settled ones.

        Tell which tasks are stuck.
        """
        await self._correct_times()
        async with self._database.reading() as session:
            rows = await http_runs.open_runs(session)
            worked_on = await http_runs.worked_on(session)
            settled = await http_runs.settled(session)
        for key in self._abandoned(rows):
            await self._stop(key, "no activity waits for it any more")
        if late := [row.key for row in rows if self._outcome_of_silence(row)]:
            await self._time_out(late)
        await self._watch_times(worked_on)
        if settled:
            async with self._database.writing() as session:
                await http_runs.forget(session, settled)

    async def _correct_times(self) -> None:
        """Once the clock was put, times that lie in the future are as if of this moment.

        Otherwise a worker that fell silent would not be missed before the clock shows them again.
        """
        now = self._runs.presence.now()
        if not self._runs.presence.must_correct:
            return
        async with self._database.writing() as session:
            await http_runs.heard_by(session, now)
            await workers.seen_by(session, now)
        self._runs.presence.must_correct = False

    def _abandoned(self, rows: Sequence[HttpRunRow]) -> list[str]:
        now = time.monotonic()
        unattached = {row.key for row in rows if not row.activity_id and not row.stop_reason}
        self._unattached = {key: self._unattached.get(key, now) for key in unattached}
        return [k for k, since in self._unattached.items() if now - since > UNATTACHED_GRACE_S]

    async def _stop(self, key: str, reason: str) -> None:
        async with self._database.writing() as session:
            row = await http_runs.run_to_change(session, key)
            if row is not None and row.state is not HttpRunState.ENDED:
                await http_runs.stop(session, row, reason)

    async def _time_out(self, keys: Sequence[str]) -> None:
        await self._runs.store_heard()
        async with self._database.writing() as session:
            for key in keys:
                row = await http_runs.run_to_change(session, key)
                outcome = self._outcome_of_silence(row) if row is not None else None
                if row is not None and outcome is not None:
                    http_runs.end(session, row, outcome)

    async def _watch_times(self, runs: Sequence[WorkedRun]) -> None:
        passed = self._runs.presence.passed()
        self._ages = {
            (run.key, run.began): self._ages.get((run.key, run.began)) or _Age(run.began, passed)
            for run in runs
        }
        silences: dict[RunKey, datetime | None] = {}
        for run in runs:
            times = self._times().of_run(run.task_type, run.job_metadata)
            ran_s = self._ages[run.key, run.began].seconds(passed)
            silent_s = self._runs.presence.silent_s(run.reported)
            if reason := _why_its_time_is_over(times, ran_s, silent_s):
                await self._fail(run.key, reason)
                continue
            is_stuck = 0 < times.silent_after_s < silent_s
            since = run.reported if is_stuck else None
            if since != run.silent_since:
                silences[RunKey.parse(run.key)] = since
        if silences:
            async with self._database.writing() as session:
                await tasks.set_silences(session, silences)

    async def _fail(self, key: str, reason: str) -> None:
        async with self._database.writing() as session:
            row = await http_runs.run_to_change(session, key)
            if row is not None and row.state is HttpRunState.RUNNING and not row.stop_reason:
                http_runs.end(session, row, Outcome(OutcomeKind.FAILED, reason))

    def _outcome_of_silence(self, row: HttpRunRow) -> Outcome | None:
        """Return the outcome of a run that has been silent for too long; None if it has not."""
        patience = self._runs.patience()
        is_offered = row.state is HttpRunState.OFFERED
        allowed = patience.worker if is_offered else patience.task
        if row.state is HttpRunState.ENDED or not patience.has_end:
            return None
        if not self._runs.presence.is_silent(row.touched, allowed):
            return None
        if is_offered:
            return Outcome(OutcomeKind.REFUSED, "its worker did not fetch it")
        if row.stop_reason:
            return Outcome(OutcomeKind.CANCELED, row.stop_reason)
        reason = f"timed out: its worker reported nothing for {in_words(allowed.total_seconds())}"
        return Outcome(OutcomeKind.FAILED, reason)


class _Age:
    """How long a run lasts: by the clock up to the first look, then by the time that passed."""

    def __init__(self, began: datetime, passed: float) -> None:
        self._at_first = (utc_now() - began).total_seconds()
        self._looked = passed

    def seconds(self, passed: float) -> float:
        return self._at_first + passed - self._looked


def _why_its_time_is_over(times: RunTimes, ran_s: float, silent_s: float) -> str:
    if 0 < times.longest_s < ran_s:
        return ran_too_long(times.longest_s, ran_s)
    if times.stops_silent and 0 < times.silent_after_s < silent_s:
        return reported_nothing(silent_s)
    return ""


async def _unless_it_fails(duty: Callable[[], Awaitable[None]]) -> None:
    try:
        await duty()
    except Exception:
        # A busy database must not end the loop; the next round tries again.
        logger.exception("looking after HTTP workers' runs failed")
