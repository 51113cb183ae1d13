"""What the tests of the configuration share: how a worker gets to see a task's command."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest

from manager_api.database.engine import utc_now
from manager_api.database.tables import LeaseRow, LeaseState
from tests.manager.api_calls import Register

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

Fetch = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def fetch(api: httpx.AsyncClient, farm: "Farm", register: Register) -> Fetch:
    """Parameters of the first command of a job's first task, for a new worker of a platform."""

    async def fetch(job: dict[str, Any], platform: str) -> dict[str, Any]:
        worker = await register(platform=platform)
        lease = LeaseRow(
            id=str(uuid4()),
            worker_id=worker.id,
            session=1,
            slot=0,
            generation=1,
            job_id=job["id"],
            run=1,
            state=LeaseState.OFFERED,
            epoch=1,
            changed=utc_now(),
        )
        async with farm.parts.database.writing() as session:
            session.add(lease)
        url = f"/api/tablao/v1/runs/{job['id']}/1/1/1?lease={lease.id}"
        answer = await api.get(url, auth=worker)
        assert answer.status_code == 200, answer.text
        parameters: dict[str, Any] = answer.json()["commands"][0]["parameters"]
        return parameters

    return fetch
