"""Records histories of jobs that a real farm ran, for the replay test.

`python -m tests.workflows.record` starts a farm with two hosts in a temporary directory, and writes
one file per run into tests/workflows/histories/, named for what happened in it.
"""

import asyncio
import json
import platform
import tempfile
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter

from tests.farm.processes import SCALED, FarmProcesses, wait_until

HISTORIES = Path(__file__).parent / "histories"
#: Continue-as-new after a few tasks, so that a carried state is recorded, too.
SETTINGS = {**SCALED, "TABLAO_HISTORY_EVENTS": "100"}

_NOT_THERE = {
    "frames": "1-6",
    "chunk_size": 1,
    "render_output_path": "/nowhere/######",
    "blendfile": "/nowhere/not-there.blend",
    "fps": 0,
    "format": "PNG",
    "image_file_extension": ".png",
}


def main() -> None:
    HISTORIES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        FarmProcesses(Path(directory), frame_s=0.3, settings=SETTINGS) as farm,
    ):
        farm.start_hosts(2)
        jobs = _run_jobs(farm)
        asyncio.run(_save(_temporal_address(farm), jobs))


def _temporal_address(farm: FarmProcesses) -> str:
    return str(farm.http.get("/api/tablao/v1/farm").json()["temporal_address"])


def _run_jobs(farm: FarmProcesses) -> dict[str, str]:
    """Job ids, by what happened in them."""
    jobs = {"completed": farm.submit_frames("1-6")}
    farm.until_job_is(jobs["completed"], "completed")
    _ask(farm, jobs["completed"], "requeueing")
    farm.until_job_is(jobs["completed"], "completed")
    jobs["continued"] = farm.submit_frames("1-60")
    jobs["higher-priority"] = farm.submit_frames("1-4", priority=90)
    farm.until_job_is(jobs["continued"], "completed")
    jobs["paused"] = farm.submit_frames("1-30")
    farm.until_job_is(jobs["paused"], "active")
    _ask(farm, jobs["paused"], "pause-requested")
    farm.until_job_is(jobs["paused"], "paused")
    _ask(farm, jobs["paused"], "queued")
    farm.until_job_is(jobs["paused"], "active")
    _ask(farm, jobs["paused"], "cancel-requested")
    farm.until_job_is(jobs["paused"], "canceled")
    jobs["failed"] = farm.submit("simple-blender-render", _NOT_THERE)
    farm.until_job_is(jobs["failed"], "failed")
    jobs["host-restarted"] = farm.submit_frames("1-20")
    wait_until(lambda: len(farm.shim_pids()) >= 2)
    farm.kill_host("host1", with_shims=True)
    farm.start_host("host1")
    farm.until_job_is(jobs["host-restarted"], "completed")
    jobs["canceled-in-temporal"] = _canceled_in_temporal(farm)
    return jobs


def _canceled_in_temporal(farm: FarmProcesses) -> str:
    job_id = farm.submit_frames("1-30")
    wait_until(lambda: len(farm.shim_pids()) >= 2)
    asyncio.run(_cancel(_temporal_address(farm), job_id))
    farm.until_job_is(job_id, "canceled")
    return job_id


async def _cancel(address: str, job_id: str) -> None:
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    await client.get_workflow_handle(f"job-{job_id}").cancel()


def _ask(farm: FarmProcesses, job_id: str, status: str) -> None:
    body = {"status": status, "reason": "recording"}
    answer = farm.http.post(f"/api/v3/jobs/{job_id}/setstatus", json=body)
    assert answer.status_code == 204, answer.text


async def _save(address: str, jobs: dict[str, str]) -> None:
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    for what, job_id in jobs.items():
        number = 0
        async for run in client.list_workflows(f'WorkflowId = "job-{job_id}"'):
            number += 1
            handle = client.get_workflow_handle(run.id, run_id=run.run_id)
            _write(f"{what}-{number}", await handle.fetch_history())
    _write("farm", await client.get_workflow_handle("farm").fetch_history())


def _write(name: str, history: WorkflowHistory) -> None:
    text = json.dumps(_anonymous(history.to_json_dict()), indent=1)
    text = text.replace(platform.node(), "somewhere")
    (HISTORIES / f"{name}.json").write_text(text + "\n")


def _anonymous(value: Any) -> Any:
    """Without the names of the machines that took part."""
    if isinstance(value, list):
        return [_anonymous(item) for item in value]
    if isinstance(value, dict):
        return {
            key: "someone" if key.lower().endswith("identity") else _anonymous(item)
            for key, item in value.items()
        }
    return value


if __name__ == "__main__":
    main()
