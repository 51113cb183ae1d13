"""Jobs in Temporal's own list: their names, and the queries of docs/scripting.md."""

import asyncio
import json
import re
import shlex
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import update
from temporalio.client import Client

from manager_api.database.engine import Database
from manager_api.database.tables import JobRow
from manager_api.temporal.access import TemporalAccess
from manager_api.temporal.orchestrator import TemporalJobs, workflow_id
from manager_api.temporal.process import temporal_binary
from manager_api.temporal.server import TemporalServer

Insert = Callable[..., Awaitable[str]]

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)

STATUSES = ("active", "queued")
DOCUMENTED = re.findall(
    r"^temporal (workflow (?:list|count)) --address \S+ (--query '[^']+')$",
    Path("docs/scripting.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    server = TemporalServer(tmp_path / "temporal", stop_timeout=2.0)
    await server.start()
    yield await TemporalAccess(server.address).connect()
    await server.stop()


async def test_a_workflow_says_its_jobs_name_type_project_and_user(
    client: Client, db: Database, insert: Insert
) -> None:
    metadata = {"project": "pilot", "user.name": "ana"}
    job_id = await insert(name="sh010 lighting", metadata=metadata)

    await TemporalJobs(client, db).start_job(job_id, 1)

    described = await client.get_workflow_handle(workflow_id(job_id)).describe()
    assert await described.static_summary() == "sh010 lighting"
    assert await described.static_details() == ("* Job type: echo\n* Project: pilot\n* User: ana")


@pytest.mark.parametrize("name", ["\U0001f600" * 255, '"' * 255, "\\" * 255, "a\nb"])
async def test_a_job_of_any_name_is_started(
    client: Client, db: Database, insert: Insert, name: str
) -> None:
    job_id = await insert(name=name, metadata={"project": name * 100, "user.name": name})

    assert await TemporalJobs(client, db).start_job(job_id, 1)

    described = await client.get_workflow_handle(workflow_id(job_id)).describe()
    summary = await described.static_summary()
    assert summary
    assert name.startswith(summary)
    assert len(summary.encode()) <= 400


async def count_of(client: Client, query: str) -> int:
    return (await client.count_workflows(query)).count


async def printed(command: list[str]) -> str:
    program = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    output, _ = await program.communicate()
    assert program.returncode == 0
    return output.decode()


async def test_the_documented_queries_find_a_job(
    client: Client, db: Database, insert: Insert
) -> None:
    metadata = {"project": "pilot", "user.name": "ana"}
    for status in STATUSES:
        fields = {"name": "sh010 lighting", "metadata": metadata, "priority": 90}
        job_id = await insert(**fields)
        async with db.writing() as session:
            row = update(JobRow).where(JobRow.id == job_id)
            await session.execute(row.values(status=status))
        await TemporalJobs(client, db).start_job(job_id, 1)
    address = client.service_client.config.target_host
    async with asyncio.timeout(60):
        while await count_of(client, 'WorkflowType = "Job"') < len(STATUSES):
            pass

    found = []
    for verb, query in DOCUMENTED:
        command = [temporal_binary(), *verb.split(), *shlex.split(query), "--address", address]
        if verb == "workflow list":
            found.append(len(json.loads(await printed([*command, "-o", "json"]))))
        else:
            found.append(int((await printed(command)).split()[1]))

    active, named, waiting, failed, counted = found
    assert (active, named, waiting, failed, counted) == (1, 2, 1, 0, 2)
