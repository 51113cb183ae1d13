"""Workers are ordered to take the manager's version: who is, who is refused, and what is kept."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.version import VERSION
from manager_api.workers import store as workers
from tests.manager.api_calls import Register
from workflows.domain.control import UpgradeReport

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

API = "/api/tablao/v1"
OLDER = {"software": "Tablao 0.0.1", "can_upgrade": True}
UNKNOWN = "c0ffee00-0000-4000-8000-00000000dead"


async def upgrade_of(api: httpx.AsyncClient, worker_id: str) -> Any:
    groups = (await api.get(f"{API}/versions")).json()["workers"]
    (found,) = [each for group in groups for each in group["workers"] if each["id"] == worker_id]
    return found["upgrade"]


async def test_a_worker_is_ordered_to_take_the_managers_version(
    farm: "Farm", connected_api: httpx.AsyncClient, register: Register
) -> None:
    worker = await register()
    await farm.set_worker(worker.id, **OLDER)

    answer = await connected_api.post(f"{API}/workers/{worker.id}/upgrade")

    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    assert await farm.told("/internal/host-orders") == [{"order": "upgrade", "worker": worker.id}]
    under_way = {"version": VERSION, "state": "fetching", "reason": ""}
    assert await upgrade_of(connected_api, worker.id) == under_way


async def test_the_order_names_the_package_that_the_manager_gives_out(
    farm: "Farm", api: httpx.AsyncClient
) -> None:
    given = (await api.get(f"{API}/package")).json()

    order = await farm.parts.package.upgrade_order()

    order.check()
    assert (order.version, order.path) == (given["version"], given["path"])
    assert (order.size, order.sha256) == (given["size"], given["sha256"])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"is_http": True, "software": "3.5"}, "upgraded with Flamenco"),
        ({"software": f"Tablao {VERSION}", "can_upgrade": True}, f"has version {VERSION} already"),
        ({"software": "Tablao 999.0", "can_upgrade": True}, "newer than the manager's"),
        ({"software": "Tablao 0.0.1"}, "install the manager's version on its machine"),
        ({"software": "Tablao"}, "install the manager's version on its machine"),
    ],
)
async def test_who_cannot_be_upgraded_is_refused_with_the_reason(
    farm: "Farm",
    connected_api: httpx.AsyncClient,
    register: Register,
    row: dict[str, Any],
    words: str,
) -> None:
    worker = await register()
    await farm.set_worker(worker.id, **row)

    answer = await connected_api.post(f"{API}/workers/{worker.id}/upgrade")

    assert answer.status_code == 409
    assert words in answer.json()["message"]
    assert await farm.told("/internal/host-orders") == []
    assert await upgrade_of(connected_api, worker.id) is None


async def test_a_worker_that_is_not_connected_or_not_there_is_refused(
    farm: "Farm", api: httpx.AsyncClient, register: Register
) -> None:
    worker = await register()
    await farm.set_worker(worker.id, **OLDER)

    away = await api.post(f"{API}/workers/{worker.id}/upgrade")
    unknown = await api.post(f"{API}/workers/{UNKNOWN}/upgrade")

    assert (away.status_code, unknown.status_code) == (409, 404)
    assert "is not connected" in away.json()["message"]


async def test_a_manager_that_was_replaced_while_it_runs_orders_nothing(
    connected_api: httpx.AsyncClient, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("manager_api.upgrades.package.VERSION", "0.0.0")

    answer = await connected_api.post(f"{API}/workers/{(await register()).id}/upgrade")

    assert answer.status_code == 503
    assert "restart the manager" in answer.json()["message"]


FAILED = UpgradeReport("2.0", "failed", "The disk is full.")
INSTALLING = UpgradeReport("2.0", "installing")
Expected = Callable[[UpgradeReport | None], bool]


@pytest.mark.parametrize(
    ("before", "software", "expected"),
    [
        (INSTALLING, "Tablao 2.0", lambda after: after is None),
        (FAILED, "Tablao 2.0", lambda after: after is None),
        (INSTALLING, "Tablao 1.0", lambda after: "began again" in after.reason),
        (FAILED, "Tablao 1.0", lambda after: after == FAILED),
        (None, "Tablao 1.0", lambda after: after is None),
    ],
)
async def test_a_host_that_begins_ends_what_was_under_way(
    farm: "Farm",
    register: Register,
    before: UpgradeReport | None,
    software: str,
    expected: Expected,
) -> None:
    worker = await register()
    async with farm.parts.database.writing() as session:
        row = await workers.existing_worker_to_change(session, worker.id)
        workers.set_upgrade(session, row, before)

        workers.process_began(session, row, software)

        assert expected(None if row.upgrade is None else UpgradeReport(**row.upgrade))
