"""The activity reports what became of a run, and tells a clear order from being cut off."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from temporalio.activity import ActivityCancellationDetails, _CompleteAsyncError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.run_task import LocalRendering
from tests.farm.ids import JOB, LEASE
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef

REF = RunRef(JOB, 1, 1, 1, LEASE, 0, 1)
COMPLETED = Outcome(OutcomeKind.COMPLETED, "done")
WITHDRAWN = Outcome(OutcomeKind.WITHDRAWN)
CANCELED = Outcome(OutcomeKind.CANCELED, "canceled")


class OneRun:
    """Implements `activities.run_task.Runs` for a single run that a test ends."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.attached = asyncio.Event()
        self.calls: list[tuple[Any, ...]] = []
        self.when_stopped = CANCELED

    async def run_or_attach(self, ref: RunRef) -> Outcome:
        self.attached.set()
        try:
            return await asyncio.shield(self.ended)
        except asyncio.CancelledError:
            self.calls.append(("let go",))
            raise

    async def stop(self, key: RunKey, reason: str) -> None:
        self.calls.append(("stop",))
        if not self.ended.done():
            self.ended.set_result(self.when_stopped)

    async def withdraw(self, key: RunKey) -> Outcome:
        self.calls.append(("withdraw", key))
        return WITHDRAWN

    def progress(self, key: RunKey) -> Mapping[str, Any]:
        return {"frame": 7, "frames_total": 24}


@pytest.fixture
async def run() -> OneRun:
    return OneRun()


@pytest.fixture
def cut_off(run: OneRun) -> Callable[..., Awaitable[Outcome]]:
    """Runs the activity, cancels it with these details, returns what it reports."""

    async def cut_off(**details: bool) -> Outcome:
        environment = ActivityEnvironment()
        running = asyncio.ensure_future(environment.run(LocalRendering(run).run_task, REF))
        await run.attached.wait()
        environment.cancel(cancellation_details=ActivityCancellationDetails(**details))
        return await running

    return cut_off


async def test_the_outcome_of_the_run_is_the_answer(run: OneRun) -> None:
    run.ended.set_result(COMPLETED)

    assert await ActivityEnvironment().run(LocalRendering(run).run_task, REF) == COMPLETED


async def test_progress_travels_with_heartbeats_while_a_frame_renders_in_silence(
    run: OneRun,
) -> None:
    beats: list[Any] = []
    environment = ActivityEnvironment()

    def heard(*details: Any) -> None:
        beats.extend(details)
        if len(beats) == 2:
            run.ended.set_result(COMPLETED)

    environment.on_heartbeat = heard

    await environment.run(LocalRendering(run, heartbeat_every_s=0.01).run_task, REF)

    assert beats == [{"frame": 7, "frames_total": 24}] * 2


async def test_a_short_task_costs_no_heartbeat(run: OneRun) -> None:
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *_: pytest.fail("a heartbeat")
    run.ended.set_result(COMPLETED)

    await environment.run(LocalRendering(run, heartbeat_every_s=0.0).run_task, REF)


async def test_a_clear_order_stops_the_run_and_reports_when_it_has_stopped(
    run: OneRun, cut_off: Callable[..., Awaitable[Outcome]]
) -> None:
    with pytest.raises(asyncio.CancelledError):
        await cut_off(cancel_requested=True)

    assert run.calls == [("stop",)]


async def test_a_run_that_ends_before_the_stop_reaches_it_counts(
    run: OneRun, cut_off: Callable[..., Awaitable[Outcome]]
) -> None:
    run.when_stopped = COMPLETED

    assert await cut_off(cancel_requested=True) == COMPLETED


@pytest.mark.parametrize("cause", ["not_found", "timed_out", "paused"])
async def test_an_ambiguous_end_of_the_activity_lets_the_run_live(
    cause: str, run: OneRun, cut_off: Callable[..., Awaitable[Outcome]]
) -> None:
    with pytest.raises(asyncio.CancelledError):
        await cut_off(**{cause: True})

    assert run.calls == [("let go",)]
    assert not run.ended.done()


async def test_the_end_of_the_worker_says_nothing_about_the_run(
    run: OneRun, cut_off: Callable[..., Awaitable[Outcome]]
) -> None:
    with pytest.raises(_CompleteAsyncError):
        await cut_off(worker_shutdown=True)

    assert run.calls == [("let go",)]


async def test_an_accident_of_the_run_table_is_raised(run: OneRun) -> None:
    run.ended.set_exception(OSError("no space left"))

    with pytest.raises(OSError, match="no space left"):
        await ActivityEnvironment().run(LocalRendering(run).run_task, REF)


async def test_a_run_that_no_workflow_scheduled_is_refused_before_anything_is_asked(
    run: OneRun,
) -> None:
    forged = replace(REF, job_id=f"{JOB}/../../api/v3/tasks/{JOB}/logtail?x=")

    with pytest.raises(ApplicationError, match="not a UUID") as refusal:
        await ActivityEnvironment().run(LocalRendering(run).run_task, forged)

    assert refusal.value.non_retryable
    assert not run.attached.is_set()


async def test_the_question_for_a_run_on_deck_is_passed_on(run: OneRun) -> None:
    rendering = LocalRendering(run)

    assert await ActivityEnvironment().run(rendering.withdraw_task, REF) == WITHDRAWN
    assert run.calls == [("withdraw", REF.key)]


async def test_a_forged_question_is_refused(run: OneRun) -> None:
    with pytest.raises(ApplicationError, match="not a UUID"):
        await ActivityEnvironment().run(
            LocalRendering(run).withdraw_task, replace(REF, job_id="../../etc")
        )

    assert not run.calls


@pytest.mark.parametrize(
    "after", ["1", "../../etc", f"{JOB}.0.1.1", f"{JOB}.1.1.1.1", "x" * 70_000]
)
async def test_a_run_that_waits_for_no_run_is_refused(run: OneRun, after: str) -> None:
    with pytest.raises(ApplicationError):
        await ActivityEnvironment().run(LocalRendering(run).run_task, replace(REF, after=after))

    assert not run.attached.is_set()
