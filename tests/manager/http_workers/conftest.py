"""Workers that speak HTTP, against a manager on a real database; Temporal is a stand-in."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from manager_api.settings.model import ManagerSettings
from tests.manager.api_calls import Register, Submit
from tests.manager.http_workers.http_farm import POLL_S, AtWork, HttpFarm, StandInActivities
from tests.manager.stand_in_farm import Credentials, Farm


@pytest.fixture
def settings(tmp_path: Path) -> ManagerSettings:
    return ManagerSettings(data_dir=tmp_path / "data", http_poll_s=POLL_S)


@pytest.fixture
def http_farm(farm: Farm, api: httpx.AsyncClient) -> HttpFarm:
    return HttpFarm(farm, api, StandInActivities())


@pytest.fixture
def awake(
    api: httpx.AsyncClient,
    register: Register,
    sign_on: dict[str, Any],
) -> Callable[..., Awaitable[Credentials]]:
    """A worker that has signed on and said that it is awake."""

    async def awake(name: str = "carmen") -> Credentials:
        auth = await register(name)
        answer = await api.post("/api/v3/worker/sign-on", json=sign_on | {"name": name}, auth=auth)
        assert answer.json() == {"status_requested": "awake"}
        changed = {"status": "awake"}
        answer = await api.post("/api/v3/worker/state-changed", json=changed, auth=auth)
        assert answer.status_code == 204
        return auth

    return awake


@pytest.fixture
async def at_work(
    http_farm: HttpFarm,
    api: httpx.AsyncClient,
    awake: Callable[..., Awaitable[Credentials]],
    submit: Submit,
) -> AtWork:
    auth, job = await awake(), await submit()
    lease = await http_farm.lend(auth.id, job["id"])
    key, _ = await http_farm.offer(lease)
    answer = await api.post("/api/v3/worker/task", auth=auth)
    assert answer.status_code == 200, answer.text
    return AtWork(auth, lease, key, answer.json())
