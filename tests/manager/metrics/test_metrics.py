"""The figures for Prometheus: what they count, and that pages and dashboards name them rightly."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import JobRow
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.metrics import measures
from tests.manager.api_calls import Register, Submit
from workflows.domain.messages import ProjectionWrite, TasksMoved, WriteAnswer
from workflows.domain.statuses import TaskStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

ROOT = Path(__file__).parents[3]
Make = Callable[..., Awaitable[str]]
Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Figures:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def figures(api: httpx.AsyncClient) -> Figures:
    answer = await api.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return read(answer.text)


async def test_jobs_and_workers_are_counted(
    api: httpx.AsyncClient, submit: Submit, register: Register
) -> None:
    await submit()
    await register()

    found = await figures(api)

    assert found["tablao_jobs", (("status", "queued"),)] == 1
    assert found["tablao_jobs", (("status", "failed"),)] == 0
    assert found["tablao_workers", (("status", "never-signed-on"),)] == 1
    assert found["tablao_workers", (("status", "awake"),)] == 0
    assert found["tablao_hosts_connected", ()] == 0


async def test_waiting_tasks_are_counted_by_what_keeps_workers_from_them(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    job = await submit()
    hindered = [
        {"cause": "other-tag", "workers": 9, "names": []},
        {"cause": "asleep", "workers": 2, "names": []},
        {"cause": "busy-higher", "workers": 1, "names": []},
    ]
    waits = {"sentence": "", "types": [{"tasks": 7, "hindered": hindered}]}
    demand = {
        "version": 1,
        "wants": [{"task_type": "misc", "count": 8, "blocked": [], "failed": []}],
    }
    async with farm.parts.database.writing() as session:
        row = await session.get_one(JobRow, job["id"])
        row.waits, row.demand = waits, demand

    found = await figures(api)

    assert found["tablao_tasks_waiting", (("cause", "asleep"),)] == 7
    assert found["tablao_tasks_ready", ()] == 8


async def test_requests_are_counted_by_their_operation(api: httpx.AsyncClient) -> None:
    await api.get("/api/v3/version")
    await api.get("/no/such/address")

    found = await figures(api)

    count = "tablao_http_request_seconds_count"
    assert found[count, (("operation", "getVersion"), ("status", "200"))] >= 1
    assert found[count, (("operation", "other"), ("status", "404"))] >= 1


async def test_tasks_that_end_are_counted_with_their_times(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await worker("carmen")
    before = read(measures_text())
    for sequence, (index, status) in enumerate(
        [
            ("1", TaskStatus.ACTIVE),
            ("1", TaskStatus.COMPLETED),
            ("2", TaskStatus.ACTIVE),
            ("2", TaskStatus.FAILED),
        ],
        start=1,
    ):
        move = TasksMoved(index, status, "", worker_id=worker_id, attempt=1)
        write = ProjectionWrite(job_id, 1, sequence, tasks=(move,))
        assert await SqlProjectionStore(db).store(write) is WriteAnswer.STORED

    after = read(measures_text())

    def grown(name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return after[key] - before.get(key, 0)

    assert grown("tablao_tasks_ended_total", task_type="blender", status="completed") == 1
    assert grown("tablao_tasks_ended_total", task_type="blender", status="failed") == 1
    assert grown("tablao_task_seconds_count", task_type="blender") == 1
    assert grown("tablao_worker_gap_seconds_count") == 1


def test_only_a_gap_within_a_job_is_one() -> None:
    now = utc_now()
    before = read(measures_text())["tablao_worker_gap_seconds_count", ()]
    measures.task_ended("blender", "completed", "a job", "a worker", now)
    measures.task_started("a worker", "another job", now + timedelta(seconds=1))
    measures.task_started("a worker", "a job", now + timedelta(seconds=2))

    assert read(measures_text())["tablao_worker_gap_seconds_count", ()] == before


def test_very_many_task_types_are_one() -> None:
    for number in range(200):
        measures.task_took(f"type {number}", 1)

    types = {
        dict(labels)["task_type"]
        for name, labels in read(measures_text())
        if name == "tablao_task_seconds_count"
    }
    assert "other" in types
    assert len(types) <= 51


def measures_text() -> str:
    return generate_latest(measures.REGISTRY).decode()


@pytest.mark.parametrize("file", ["docs/monitoring.md", "deploy/grafana/tablao.json"])
async def test_each_figure_that_is_named_exists(
    file: str, api: httpx.AsyncClient, submit: Submit
) -> None:
    await submit()
    measures.task_ended("blender", "completed", "a job", None, utc_now())
    measures.task_took("blender", 1)
    await api.get("/metrics")  # counts itself
    known = {name for name, _ in await figures(api)}
    known |= {name.rsplit("_", 1)[0] for name in known}  # histograms, as the page calls them
    text = (ROOT / file).read_text()

    named = set(re.findall(r"\btablao_(?!service)[a-z_]*[a-z]", text))

    # `tablao_tasks_waiting` has no value while none waits.
    assert named - known - {"tablao_tasks_waiting", "tablao_manager_process"} == set()
    assert len(named) > 12


def test_the_dashboard_for_grafana_is_whole() -> None:
    content: dict[str, Any] = json.loads((ROOT / "deploy/grafana/tablao.json").read_text())

    places = [tuple(panel["gridPos"].values()) for panel in content["panels"]]
    assert len(set(places)) == len(places)
    assert all(panel["targets"] for panel in content["panels"])
