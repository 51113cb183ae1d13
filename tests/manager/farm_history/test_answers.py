"""The farm's history over HTTP: groups, hours, days, utilisation, and its table."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import select

from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import (
    HistoryCauseRow,
    HistoryRow,
    HistorySampleRow,
    TaskRow,
    WorkerRow,
)
from manager_api.keeper.sampling import Sampling
from manager_api.keeper.store import SqlKeeperStore
from tests.manager.api_calls import Register, Submit
from workflows.domain.farm_history import HOUR, hour_of
from workflows.domain.statuses import TaskStatus, WorkerStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

Json = dict[str, Any]
#: An hour of the past.
THEN = hour_of(utc_now()) - 5 * HOUR


def hour(at: datetime = THEN, **fields: Any) -> HistoryRow:
    zero = dict.fromkeys(("completed", "failed", "interrupted", "frames", "busy_ms", "lost_ms"), 0)
    words = {"project": "", "person": "", "worker_id": "", "tag": ""}
    return HistoryRow(hour=at, **(words | zero | fields))


async def stored(farm: "Farm", *rows: Any) -> None:
    async with farm.parts.database.writing() as session:
        session.add_all(rows)


async def ask(api: httpx.AsyncClient, **query: str) -> Json:
    answer = await api.get("/api/tablao/v1/history", params=query)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_a_farm_without_history_says_so(api: httpx.AsyncClient) -> None:
    found = await ask(api)

    assert "since" not in found
    assert len(found["rows"]) == 25
    assert found["total"] == {
        "completed": 0,
        "failed": 0,
        "interrupted": 0,
        "frames": 0,
        "busy_s": 0,
        "lost_s": 0,
    }
    assert (await ask(api, by="project"))["rows"] == []


async def test_projects_are_in_the_order_of_their_time(
    api: httpx.AsyncClient, farm: "Farm"
) -> None:
    await stored(
        farm,
        hour(project="soleá", busy_ms=1000, frames=3, completed=1),
        hour(THEN + HOUR, project="soleá", busy_ms=1500, lost_ms=500, failed=1),
        hour(project="tangos", busy_ms=9000, completed=2),
        hour(THEN - 48 * HOUR, project="tangos", busy_ms=9000),
    )

    found = await ask(api, by="project")

    assert [(row["name"], row["busy_s"], row["frames"]) for row in found["rows"]] == [
        ("tangos", 9.0, 0),
        ("soleá", 2.5, 3),
    ]
    assert found["total"]["busy_s"] == 11.5
    assert found["total"]["failed"] == 1
    assert datetime.fromisoformat(found["since"]) == THEN - 48 * HOUR
    assert found["left_off"] == 0


async def test_workers_have_names_and_keep_them_when_they_are_deleted(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    worker = await register("carmen")
    await stored(farm, hour(worker_id=worker.id, busy_ms=1000), hour(busy_ms=1))
    assert (await api.delete(f"/api/v3/worker-mgt/workers/{worker.id}")).status_code == 204

    found = await ask(api, by="worker")

    assert [(row["name"], row.get("id")) for row in found["rows"]] == [
        ("carmen", worker.id),
        ("", None),
    ]


async def test_causes_with_the_most_failures_come_first(
    api: httpx.AsyncClient, farm: "Farm"
) -> None:
    await stored(
        farm,
        HistoryCauseRow(hour=THEN, cause="no GPU", failed=2),
        HistoryCauseRow(hour=THEN + HOUR, cause="no GPU", failed=3),
        HistoryCauseRow(hour=THEN, cause="a missing file", failed=4),
    )

    found = await ask(api, by="cause")

    assert [(row["name"], row["failed"]) for row in found["rows"]] == [
        ("no GPU", 5),
        ("a missing file", 4),
    ]


async def test_utilisation_is_the_part_of_the_time_that_awake_workers_had(
    api: httpx.AsyncClient, farm: "Farm"
) -> None:
    await stored(
        farm,
        hour(busy_ms=3_600_000),
        hour(THEN + HOUR, busy_ms=99_000_000),
        HistorySampleRow(hour=THEN, samples=2, slots=8, ready=10, waiting={"other-tag": 4}),
    )

    rows = {datetime.fromisoformat(row["start"]): row for row in (await ask(api))["rows"]}

    assert rows[THEN]["utilisation"] == 0.25
    assert rows[THEN]["available_s"] == 4 * 3600
    assert (rows[THEN]["ready"], rows[THEN]["waiting"]) == (5, {"other-tag": 2})
    assert "utilisation" not in rows[THEN + HOUR]


async def test_days_begin_in_the_zone_of_the_question(api: httpx.AsyncClient, farm: "Farm") -> None:
    summer = datetime(2026, 7, 1, 21, tzinfo=UTC)
    await stored(farm, hour(summer, completed=1), hour(summer + HOUR, completed=2))

    period = {"from": "2026-07-01T00:00", "to": "2026-07-03T00:00", "by": "day"}
    found = await ask(api, **period, zone="Europe/Madrid")

    assert [(row["start"], row["completed"]) for row in found["rows"]] == [
        ("2026-06-30T22:00:00Z", 1),
        ("2026-07-01T22:00:00Z", 2),
    ]


async def test_tasks_at_work_count_until_now(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, register: Register
) -> None:
    worker, job = await register("carmen"), await submit(metadata={"project": "soleá"})
    async with farm.parts.database.writing() as session:
        row = await session.get_one(TaskRow, (job["id"], 1))
        row.status, row.started_at = TaskStatus.ACTIVE, utc_now() - timedelta(hours=2)
        row.worker_id = worker.id

    for by, name in (("project", "soleá"), ("worker", "carmen")):
        [row] = (await ask(api, by=by))["rows"]
        assert row["name"] == name
        assert 7200 <= row["busy_s"] < 7500
    busy = [row["busy_s"] for row in (await ask(api))["rows"]]
    assert busy[-2] == 3600


async def test_the_table_has_no_formulas_and_says_its_zone(
    api: httpx.AsyncClient, farm: "Farm"
) -> None:
    await stored(farm, hour(project='=HYPERLINK("http://x")', busy_ms=1000))

    answer = await api.get("/api/tablao/v1/history.csv", params={"by": "project"})
    hours = await api.get("/api/tablao/v1/history.csv", params={"zone": "Asia/Kolkata"})

    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="farm-history-by-project.csv"' in answer.headers["content-disposition"]
    head, row = csv.reader(io.StringIO(answer.text))
    assert head[:2] == ["project", "completed"]
    assert row[0] == '\'=HYPERLINK("http://x")'
    table = list(csv.reader(io.StringIO(hours.text)))
    assert table[0][0] == "hour (Asia/Kolkata)"
    assert table[1][0].endswith(":30")


async def test_a_name_is_one_cell_also_where_semicolons_separate(
    api: httpx.AsyncClient, farm: "Farm"
) -> None:
    await stored(farm, hour(project="solea;=1+1", busy_ms=1000))

    answer = await api.get("/api/tablao/v1/history.csv", params={"by": "project"})

    assert next(csv.reader(answer.text.splitlines()[1:], delimiter=";"))[0].startswith("solea;=1+1")


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"from": "2026-07-02T00:00", "to": "2026-07-01T00:00"},
        {"from": "2020-01-01T00:00"},
        {"from": "2026-01-01T00:00", "to": "2026-03-01T00:00", "by": "hour"},
        {"from": "0001-01-01T00:00:00+14:00"},
        {"from": "99999999999999999999"},
        {"zone": "../../etc/passwd"},
        {"zone": "a" * 65},
        {"by": "price"},
    ],
)
async def test_bad_questions_are_refused(api: httpx.AsyncClient, query: dict[str, str]) -> None:
    for path in ("history", "history.csv"):
        answer = await api.get(f"/api/tablao/v1/{path}", params=query)

        assert answer.status_code == 400, answer.text
        assert answer.json()["message"]


async def test_the_keeper_samples_and_removes_what_is_old(db: Database) -> None:
    old = utc_now() - timedelta(days=3)
    async with db.writing() as session:
        session.add_all(
            [
                hour(hour_of(old)),
                hour(hour_of(utc_now()), project="kept"),
                HistoryCauseRow(hour=hour_of(old), cause="", failed=1),
                WorkerRow(
                    id="w",
                    name="",
                    secret_hash="",
                    platform="linux",
                    slots=3,
                    status=WorkerStatus.AWAKE,
                    created=old,
                    updated=old,
                ),
            ]
        )
    epoch = await SqlKeeperStore(db).next_epoch()
    sampling = Sampling(db, lambda: timedelta(days=2), every_s=0.01)
    duty = asyncio.create_task(sampling.run(epoch))

    async def samples() -> list[HistorySampleRow]:
        async with db.reading() as session:
            return list(await session.scalars(select(HistorySampleRow)))

    async with asyncio.timeout(60):
        while sum(row.samples for row in await samples()) < 2:  # noqa: ASYNC110 -- only the database shows it
            await asyncio.sleep(0.01)
    duty.cancel()
    await asyncio.wait({duty})

    assert all(row.slots == 3 * row.samples for row in await samples())
    async with db.reading() as session:
        assert await session.get(HistoryCauseRow, (hour_of(old), "")) is None
        assert await session.get(HistoryRow, (hour_of(old), "", "", "", "")) is None
