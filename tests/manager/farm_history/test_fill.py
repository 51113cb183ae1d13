"""The upgrade that adds the farm's history fills it from the tasks that are still there."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from manager_api.database.migrate import upgrade

#: Some hours ago, at half past an hour.
START = datetime.now(UTC).replace(minute=30, second=0, microsecond=0) - timedelta(hours=4)
JOB = {
    "id": "job",
    "name": "bulería",
    "job_type": "echo",
    "priority": 50,
    "status": "completed",
    "activity": "",
    "settings": "{}",
    "metadata": json.dumps({"project": "soleá", "user.name": "Camarón"}),
    "shaman_checkout_id": "",
    "steps_total": 1,
    "steps_completed": 1,
    "run": 1,
    "sequence": 0,
    "is_ended": True,
    "demand_version": 0,
}
TASK = {
    "job_id": "job",
    "name": "frames",
    "task_type": "blender",
    "priority": 50,
    "activity": "",
    "commands": "[]",
    "depends_on": "",
    "steps_total": 10,
    "steps_completed": 0,
    "attempt": 1,
    "failures": 0,
    "failed_by": "[]",
}


def insert(connection: Connection, table: str, **values: Any) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    for name, value in values.items():
        if isinstance(value, datetime):
            values[name] = value.strftime("%Y-%m-%d %H:%M:%S.%f") if is_sqlite else value
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


def fill(connection: Connection) -> None:
    times = {"created": START, "updated": START}
    insert(connection, "jobs", **JOB, **times)
    for index, status, start, end in (
        (1, "completed", START, START + timedelta(hours=1)),
        (2, "failed", START, START + timedelta(minutes=6)),
        (3, "active", START, None),
        (4, "completed", START - timedelta(days=200), START - timedelta(days=199)),
    ):
        about = {"id": str(index), "index_in_job": index, "status": status}
        insert(connection, "tasks", **TASK, **about, started_at=start, ended_at=end, **times)


def rows(connection: Connection) -> list[tuple[Any, ...]]:
    figures = "completed, failed, interrupted, frames, busy_ms, lost_ms"
    query = f"SELECT project, person, {figures} FROM farm_hours ORDER BY hour"
    return [tuple(row) for row in connection.execute(text(query))]


async def test_ended_tasks_of_the_last_months_are_counted(empty_url: str) -> None:
    await asyncio.to_thread(upgrade, empty_url, "0016")
    engine = create_async_engine(empty_url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(fill)

    await asyncio.to_thread(upgrade, empty_url)

    async with engine.connect() as connection:
        found = await connection.run_sync(rows)
    await engine.dispose()
    minute = 60_000
    assert found == [
        ("soleá", "Camarón", 0, 1, 0, 0, 36 * minute, 6 * minute),
        ("soleá", "Camarón", 1, 0, 0, 10, 30 * minute, 0),
    ]
