"""`tablao import-flamenco`: what comes over, what stays behind, and that it can be repeated."""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from manager_api.cli.main import app as tablao
from manager_api.settings.model import ManagerSettings
from tests.manager.importing.flamenco_farm import (
    AWAKE_WORKER,
    BEING_DELETED,
    CANCELING,
    DELETED_WORKER,
    DONE,
    HALF_DONE,
    SECRET,
    SLEEPER,
    TAG,
    FlamencoFarm,
    task_id,
)

#: What there is of each kind in the farm that the tests carry over.
COUNTS = {
    "tags": 1,
    "workers": 3,
    "tag memberships": 1,
    "sleep schedules": 1,
    "jobs": 3,
    "tasks": 10,
    "task logs": 1,
    "images": 3,
    "settings": 7,
}
NOTHING = dict.fromkeys(COUNTS, 0)

Import = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def flamenco(tmp_path: Path) -> FlamencoFarm:
    farm = FlamencoFarm(tmp_path / "flamenco")
    farm.fill()
    return farm


@pytest.fixture
def run_import(flamenco: FlamencoFarm, settings: ManagerSettings) -> Import:
    """Answers with the command's report."""
    paths = ("--config", str(flamenco.config), "--files", str(flamenco.files))
    data_dir = ("--data-dir", str(settings.data_dir))

    async def run(*options: str) -> dict[str, Any]:
        command = ["import-flamenco", str(flamenco.database), *paths, *data_dir, "--json", *options]
        outcome = await asyncio.to_thread(CliRunner().invoke, tablao, command)
        assert outcome.exit_code == 0, outcome.output
        report: dict[str, Any] = json.loads(outcome.stdout)
        return report

    return run


async def test_a_rehearsal_counts_and_writes_nothing(
    run_import: Import, settings: ManagerSettings
) -> None:
    report = await run_import()

    assert report["new"] == COUNTS
    assert list(settings.data_dir.glob("**/*")) == []


async def test_everything_comes_over_once_however_often_it_is_asked_for(
    run_import: Import, api: httpx.AsyncClient
) -> None:
    first = await run_import("--apply")
    again = await run_import("--apply")

    files = {"task logs": 1, "images": 3}
    assert first["new"] == COUNTS
    assert again["new"] == {**NOTHING, **files}
    assert again["already_here"]["jobs"] == COUNTS["jobs"]
    assert len((await api.get("/api/v3/jobs")).json()["jobs"]) == COUNTS["jobs"]
    assert len((await api.get(f"/api/v3/jobs/{DONE}/tasks")).json()["tasks"]) == 4


async def test_what_stays_behind_is_named_with_its_reason(run_import: Import) -> None:
    left = "\n".join((await run_import())["left_behind"])

    assert BEING_DELETED in left
    for setting in ("listen", "database", "no_such_setting"):
        assert f"setting {setting}: " in left


async def test_workers_keep_their_secrets_and_what_they_were_told(
    run_import: Import, api: httpx.AsyncClient
) -> None:
    await run_import("--apply")

    sign_on = {"name": "render-1", "supported_task_types": ["blender"], "software_version": "3.8.5"}
    known = await api.post(
        "/api/v3/worker/sign-on", json=sign_on, auth=httpx.BasicAuth(AWAKE_WORKER, SECRET)
    )
    sleeper = await api.post(
        "/api/v3/worker/sign-on", json=sign_on, auth=httpx.BasicAuth(SLEEPER, SECRET)
    )
    deleted = await api.post(
        "/api/v3/worker/sign-on", json=sign_on, auth=httpx.BasicAuth(DELETED_WORKER, SECRET)
    )

    assert known.json() == {"status_requested": "awake"}
    assert sleeper.json() == {"status_requested": "asleep"}
    assert deleted.status_code == 403


async def test_tags_and_schedules_are_those_of_before(
    run_import: Import, api: httpx.AsyncClient
) -> None:
    await run_import("--apply")

    worker = (await api.get(f"/api/v3/worker-mgt/workers/{AWAKE_WORKER}")).json()
    schedule = await api.get(f"/api/v3/worker-mgt/workers/{SLEEPER}/sleep-schedule")
    assert worker["tags"] == [{"id": TAG, "name": "GPU", "description": "the fast ones"}]
    assert schedule.json() == {
        "is_active": True,
        "days_of_week": "mo tu",
        "start_time": "09:00",
        "end_time": "18:00",
    }


@pytest.mark.parametrize(
    ("job", "status", "tasks"),
    [
        (DONE, "completed", ["completed"] * 4),
        (HALF_DONE, "paused", ["completed", "paused", "paused", "paused"]),
        (CANCELING, "canceled", ["completed", "canceled"]),
    ],
)
async def test_what_had_not_ended_waits_for_somebody_to_requeue_it(
    run_import: Import, api: httpx.AsyncClient, job: str, status: str, tasks: list[str]
) -> None:
    await run_import("--apply")

    assert (await api.get(f"/api/v3/jobs/{job}")).json()["status"] == status
    listed = (await api.get(f"/api/v3/jobs/{job}/tasks")).json()["tasks"]
    assert [task["status"] for task in sorted(listed, key=lambda task: task["name"])] == tasks


async def test_a_job_keeps_its_settings_times_failures_and_blocklist(
    run_import: Import, api: httpx.AsyncClient
) -> None:
    await run_import("--apply")

    job = (await api.get(f"/api/v3/jobs/{HALF_DONE}")).json()
    task = (await api.get(f"/api/v3/tasks/{task_id(HALF_DONE, 3)}")).json()
    blocked = (await api.get(f"/api/v3/jobs/{HALF_DONE}/blocklist")).json()
    assert job["settings"] == {"frames": "1-4", "chunk_size": 1}
    assert job["metadata"]["project"] == "Soleá"
    assert job["worker_tag"] == TAG
    assert job["created"].startswith("2026-04-01T12:05:06.123456")
    assert [worker["id"] for worker in task["failed_by_workers"]] == [SLEEPER]
    assert task["commands"][0]["parameters"] == {"message": "olé"}
    assert [(entry["worker_id"], entry["task_type"]) for entry in blocked] == [(SLEEPER, "blender")]


async def test_logs_and_images_are_served_as_before(
    run_import: Import, api: httpx.AsyncClient
) -> None:
    await run_import("--apply")

    info = (await api.get(f"/api/v3/tasks/{task_id(DONE, 1)}/log")).json()
    tail = await api.get(f"/api/v3/tasks/{task_id(DONE, 1)}/logtail")
    image = (await api.get("/api/v3/jobs/last-rendered")).json()
    picture = await api.get(f"{image['base']}/{image['suffixes'][0]}")
    assert "Saved: 'olé.png'" in tail.text
    assert (await api.get(info["url"])).text == tail.text
    assert DONE in image["base"]
    assert picture.headers["content-type"] == "image/jpeg"


async def test_settings_come_over_unless_this_farm_has_its_own(
    run_import: Import, settings: ManagerSettings, flamenco: FlamencoFarm
) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    file = settings.data_dir / "tablao-manager.yaml"
    file.write_text("blocklist_threshold: 2\n", encoding="utf-8")

    report = await run_import("--apply")

    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert content["blocklist_threshold"] == 2
    assert content["manager_name"] == "Compás"
    assert content["shared_storage_path"] == str(flamenco.files.parent / "shared")
    assert set(content["variables"]) == {"blender", "footage"}
    assert content["task_timeout"] == "20m0s"
    assert report["already_here"]["settings"] == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "no table jobs"), (b"no database at all" * 100, "cannot be read")],
)
def test_a_file_that_is_no_flamenco_database_is_refused(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    file = tmp_path / "other.sqlite"
    file.write_bytes(content)

    data_dir = str(tmp_path / "data")
    outcome = CliRunner().invoke(
        tablao, ["import-flamenco", str(file), "--data-dir", data_dir, "--apply"]
    )

    assert outcome.exit_code == 1
    assert complaint in outcome.stderr


def test_a_damage_in_the_middle_is_told(tmp_path: Path, flamenco: FlamencoFarm) -> None:
    content = flamenco.database.read_bytes()
    # The schema, at the beginning, is whole.
    flamenco.database.write_bytes(content[: len(content) // 2] + bytes(len(content) // 2))

    command = ["import-flamenco", str(flamenco.database), "--data-dir", str(tmp_path / "data")]
    outcome = CliRunner().invoke(tablao, [*command, "--apply"])

    assert outcome.exit_code == 1
    assert "flamenco-manager.sqlite cannot be read" in outcome.stderr


async def test_values_that_are_none_are_read_as_empty(
    run_import: Import, flamenco: FlamencoFarm, api: httpx.AsyncClient
) -> None:
    flamenco.spoil("UPDATE jobs SET priority = 'high', name = CAST(x'6f6cff00' AS text)")
    flamenco.spoil("UPDATE tasks SET priority = 99999999999, steps_completed = x'00'")
    bad = '[1, {"name": 1, "parameters": [1], "total_step_count": "many"}]'
    flamenco.spoil(f"UPDATE tasks SET commands = '{bad}'")

    report = await run_import("--apply")

    assert report["new"] == COUNTS
    job = (await api.get(f"/api/v3/jobs/{DONE}")).json()
    assert (job["name"], job["priority"]) == ("ol\ufffd\ufffd", 0)
    task = (await api.get(f"/api/v3/tasks/{task_id(DONE, 1)}")).json()
    assert task["priority"] == 0
    assert task["commands"] == [{"name": "1", "parameters": {}, "total_step_count": 0}]


async def test_a_job_whose_tasks_cannot_be_told_apart_stays_behind(
    run_import: Import, flamenco: FlamencoFarm
) -> None:
    one, other = task_id(DONE, 1), task_id(DONE, 2)
    flamenco.spoil(f"UPDATE tasks SET uuid = '{one}' WHERE uuid = '{other}'")

    report = await run_import("--apply")

    assert report["new"]["jobs"] == COUNTS["jobs"] - 1
    assert report["new"]["tasks"] == COUNTS["tasks"] - 4
    assert any(DONE in sentence and "id" in sentence for sentence in report["left_behind"])


def test_settings_of_another_version_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "flamenco-manager.yaml"
    file.write_text("_meta: {version: 2}\n", encoding="utf-8")

    outcome = CliRunner().invoke(tablao, ["import-flamenco", "--config", str(file)])

    assert outcome.exit_code == 1
    assert "version 2" in outcome.stderr


async def test_flamencos_database_is_not_changed(
    run_import: Import, flamenco: FlamencoFarm
) -> None:
    before = flamenco.database.read_bytes()

    await run_import("--apply")

    assert flamenco.database.read_bytes() == before
    assert sqlite3.connect(flamenco.database).execute("PRAGMA integrity_check").fetchone() == (
        "ok",
    )
