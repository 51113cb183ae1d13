"""Hosts that must be let in: they wait, they render, and they are out when their secret ends."""

import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from tests.farm.processes import SCALED, FarmProcesses, wait_until

API = "/api/tablao/v1"


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[FarmProcesses]:
    """A farm whose manager asks programs on its own machine, too, who they are."""
    settings = {**SCALED, "TABLAO_LOOPBACK": "token"}
    with FarmProcesses(tmp_path / "farm", frame_s=0.1, settings=settings) as farm:
        yield farm


def workers(farm: FarmProcesses) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = farm.http.get(f"{API}/workers").json()["workers"]
    return found


def waiting(farm: FarmProcesses, name: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        named = [each for each in workers(farm) if each["name"] == name]
        return next((each for each in named if each["is_waiting"] and each["is_connected"]), None)

    return wait_until(found, 120)


def test_a_host_waits_renders_and_is_out(farm: FarmProcesses) -> None:
    farm.start_host("north")
    worker = waiting(farm, "north")
    job = farm.submit_frames("1-3")
    assert farm.job(job)["status"] == "queued"
    assert httpx.get(f"{farm.url}/api/v3/jobs").status_code == 401

    assert farm.http.post(f"{API}/workers/{worker['id']}/admit").status_code == 204
    farm.until_job_is(job, "completed", timeout_s=180)

    assert farm.http.post(f"{API}/workers/{worker['id']}/revoke").status_code == 204
    farm.hosts["north"].wait(60)
    later = farm.submit_frames("4-5")
    farm.start_host("north")
    again = waiting(farm, "north")

    assert again["id"] != worker["id"]
    assert farm.job(later)["status"] == "queued"
    actions = [each["action"] for each in farm.http.get(f"{API}/audit").json()["entries"]]
    assert {"registerWorker", "admitWorker", "revokeWorkerSecret", "submitJob"} <= set(actions)


def test_a_host_with_a_join_token_renders_at_once(
    farm: FarmProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"name": "rack 1", "uses": 1, "hours": 1}
    token = farm.http.post(f"{API}/join-tokens", json=asked).json()["secret"]
    monkeypatch.setenv("TABLAO_JOIN_TOKEN", token)
    farm.start_host("south")
    job = farm.submit_frames("1-3")

    farm.until_job_is(job, "completed", timeout_s=180)

    logs = "".join(path.read_text(errors="replace") for path in farm.directory.glob("*.log"))
    assert token not in logs
    assert token not in (farm.directory / "south" / "tablao-worker-credentials.yaml").read_text()


@pytest.fixture
def slow_farm(tmp_path: Path) -> Iterator[FarmProcesses]:
    """A farm whose frames take longer than the replacement of a secret."""
    settings = {**SCALED, "TABLAO_LOOPBACK": "token"}
    with FarmProcesses(tmp_path / "slow", frame_s=8, settings=settings) as farm:
        yield farm


def test_a_secret_is_replaced_while_a_task_runs(slow_farm: FarmProcesses) -> None:
    farm = slow_farm
    farm.start_host("north")
    worker = waiting(farm, "north")["id"]
    farm.http.post(f"{API}/workers/{worker}/admit")
    file = farm.directory / "north" / "tablao-worker-credentials.yaml"
    before = secret_in(file)
    job = farm.submit_frames("1")
    wait_until(farm.started)

    assert farm.http.post(f"{API}/workers/{worker}/rotate").status_code == 204
    wait_until(lambda: not told(farm, worker)["is_rotating"])
    old = httpx.post(f"{farm.url}/api/v3/worker/sign-off", auth=(worker, before))
    assert farm.job(job)["status"] == "active"
    farm.until_job_is(job, "completed", timeout_s=180)

    assert old.status_code == 403
    assert secret_in(file) != before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(farm.started()) == 1
    assert told(farm, worker)["session"] == 1
    assert [each["id"] for each in workers(farm)] == [worker]
    logs = "".join(path.read_text(errors="replace") for path in farm.directory.glob("*.log"))
    assert secret_in(file) not in logs
    # The host has delivered the outcome with the token that it got before.
    events = asyncio.run(history_of(farm, job))
    assert EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED in events
    assert EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT not in events


def test_a_killed_host_signs_on_with_its_new_secret(slow_farm: FarmProcesses) -> None:
    farm = slow_farm
    farm.start_host("north")
    worker = waiting(farm, "north")["id"]
    file = farm.directory / "north" / "tablao-worker-credentials.yaml"
    before = secret_in(file)

    assert farm.http.post(f"{API}/workers/{worker}/rotate").status_code == 204
    wait_until(lambda: secret_in(file) != before, every_s=0.001)
    farm.hosts["north"].kill()
    farm.hosts["north"].wait(60)
    farm.start_host("north")
    wait_until(lambda: told(farm, worker)["session"] == 2)

    assert not told(farm, worker)["is_rotating"]
    assert [each["id"] for each in workers(farm)] == [worker]


async def history_of(farm: FarmProcesses, job_id: str) -> list["EventType.ValueType"]:
    address = farm.http.get(f"{API}/farm").json()["temporal_address"]
    client = await Client.connect(address)
    history = await client.get_workflow_handle(f"job-{job_id}").fetch_history()
    return [each.event_type for each in history.events]


def told(farm: FarmProcesses, worker_id: str) -> dict[str, Any]:
    worker: dict[str, Any] = farm.http.get(f"{API}/workers/{worker_id}").json()
    return worker


def secret_in(file: Path) -> str:
    (entry,) = yaml.safe_load(file.read_text()).values()
    return str(entry["secret"])
