"""The next task of a busy host is there before it is free, on a farm of one worker."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client

from tests.farm.processes import FarmProcesses, wait_until

FRAME_S = 2.0
STARTED = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[FarmProcesses]:
    with FarmProcesses(tmp_path / "farm", frame_s=FRAME_S) as farm:
        farm.start_hosts(1)
        yield farm


async def taken(client: Client, job_id: str) -> int:
    """How many of the job's tasks the host has: the one that it renders, and the one on deck."""
    shown = await client.get_workflow_handle(f"job-{job_id}").describe()
    pending = shown.raw_description.pending_activities
    of_tasks = [each for each in pending if each.activity_type.name == "run_task"]
    return sum(each.state == STARTED for each in of_tasks)


async def until_on_deck(farm: FarmProcesses, client: Client, job_id: str) -> int:
    """Wait until the host has its next task; return how many frames have begun."""
    farm.until_job_is(job_id, "active")
    while await taken(client, job_id) < 2:
        assert farm.job(job_id)["status"] == "active"
    return len(farm.started())


async def test_the_next_frame_begins_though_temporal_does_not_answer(farm: FarmProcesses) -> None:
    job_id = farm.submit_frames("1-6")
    client = await Client.connect(farm.temporal_address)
    begun = await until_on_deck(farm, client, job_id)
    temporal = farm.temporal_pid()
    assert temporal is not None

    os.kill(temporal, signal.SIGSTOP)
    try:
        wait_until(lambda: len(farm.started()) > begun, 60)
    finally:
        os.kill(temporal, signal.SIGCONT)

    farm.until_job_is(job_id, "completed")
    # Each frame once, in order, and never two at a time.
    lines = [line.split()[:2] for line in farm.ledger.read_text().splitlines()]
    frames = [frame for what, frame in lines if what == "start"]
    assert [what for what, _ in lines] == ["start", "end"] * 6
    assert frames == sorted(frames)
    assert len(set(frames)) == 6


async def test_a_task_on_deck_is_queued_for_all_who_look(farm: FarmProcesses) -> None:
    job_id = farm.submit_frames("1-4")
    client = await Client.connect(farm.temporal_address)

    await until_on_deck(farm, client, job_id)

    statuses = [task["status"] for task in farm.tasks(job_id)]
    assert statuses.count("active") <= 1
    assert "queued" in statuses
    farm.until_job_is(job_id, "completed")
    attempts = farm.query("SELECT attempt FROM tasks WHERE job_id = ?", job_id)
    assert attempts == [(1,)] * 4


async def test_a_paused_job_renders_no_more_than_has_begun(farm: FarmProcesses) -> None:
    job_id = farm.submit_frames("1-6")
    client = await Client.connect(farm.temporal_address)
    await until_on_deck(farm, client, job_id)

    farm.http.post(
        f"/api/v3/jobs/{job_id}/setstatus", json={"status": "pause-requested", "reason": "test"}
    )
    farm.until_job_is(job_id, "paused")

    begun = len(farm.started())
    assert len(farm.ended()) == begun
    statuses = [task["status"] for task in farm.tasks(job_id)]
    assert statuses.count("completed") == begun
    assert statuses.count("paused") == 6 - begun
