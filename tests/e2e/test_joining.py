"""Hosts that must be let in: they wait, they render, and they are out when their secret ends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

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
