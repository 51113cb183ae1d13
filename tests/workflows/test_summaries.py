"""Temporal's UI names the task and the worker of each activity."""

import json
from collections.abc import Awaitable, Callable

import pytest
from temporalio.client import WorkflowHistory

from tests.workflows.job_at_work import SHORT, JobAtWork, snapshot
from workflows.domain.job.carrying import carry, restore
from workflows.domain.job.run import JobRun
from workflows.domain.messages import Recall
from workflows.job import JobWorkflow

AtWork = Callable[..., Awaitable[JobAtWork]]

#: Quotation marks and backslashes take two bytes in JSON, letters of other scripts four.
ODD = ["render-1-5", "", '"' * 255, "\\" * 255, "\U0001f600" * 255, "line\nbreak"]


async def test_an_activity_names_its_task_and_its_worker(at_work: AtWork) -> None:
    job = await at_work(tasks=2, names=["render-1-5", "preview-video"])
    job.host.finish(1)
    job.host.finish(2)

    await job.lend()
    await job.handle.result()

    assert summaries(await job.handle.fetch_history()) == [
        "render-1-5 (task 1) on host, attempt 1",
        "preview-video (task 2) on host, attempt 1",
    ]


def test_names_are_carried_over_continue_as_new() -> None:
    job = JobRun(snapshot(2, names=["render-1-5", "preview-video"]))

    assert restore(carry(job)).task_names.of(2) == "preview-video"


@pytest.mark.parametrize("name", ODD, ids=range(len(ODD)))
async def test_a_task_of_any_name_is_rendered(at_work: AtWork, name: str) -> None:
    job = await at_work(tasks=1, names=[name])
    job.host.finish(1)

    await job.lend()

    assert await job.handle.result() == "completed"
    (summary,) = summaries(await job.handle.fetch_history())
    assert "task 1" in summary
    assert len(json.dumps(summary, ensure_ascii=False).encode()) <= 400


async def test_a_job_of_an_older_build_has_no_names(at_work: AtWork) -> None:
    job = await at_work(tasks=1)
    job.host.finish(1)

    await job.lend()
    await job.handle.result()

    assert summaries(await job.handle.fetch_history()) == ["task 1 on host, attempt 1"]
    assert await job.handle.query(JobWorkflow.status) is not None


async def test_a_task_on_deck_says_what_it_waits_for(at_work: AtWork) -> None:
    job = await at_work(tasks=3, names=["shot-1", "shot-2", "shot-3"])
    (lease,) = await job.lend(has_deck=True)
    job.host.finish(1, SHORT)
    await job.host.until_asked(3)
    await job.handle.signal(JobWorkflow.recall, [Recall(lease.id)])
    await job.host.until_asked_back()
    job.host.finish(2)
    job.host.forget(3)
    await job.lend()
    job.host.finish(3)
    await job.handle.result()

    history = await job.handle.fetch_history()

    assert "shot-3 (task 3) on host, after task 2, attempt 1" in summaries(history)
    assert summaries(history, "withdraw_task") == [
        "Withdraw unless begun: shot-3 (task 3) on host, after task 2, attempt 1"
    ]


def summaries(history: WorkflowHistory, activity: str = "run_task") -> list[str]:
    return [
        json.loads(event.user_metadata.summary.data)
        for event in history.events
        if event.activity_task_scheduled_event_attributes.activity_type.name == activity
    ]
