"""The answer about versions: managers, Temporal, database, workers."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.database.engine import utc_now
from manager_api.database.schema_version import newest_migration
from manager_api.database.tables import ManagerRow
from manager_api.upgrades import service
from manager_api.version import VERSION
from manager_api.web.app import build_app
from tests.manager.api_calls import Register

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

ADDRESS = "/api/tablao/v1/versions"


async def versions(api: httpx.AsyncClient) -> dict[str, Any]:
    answer = await api.get(ADDRESS)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_farm_without_workers_says_its_manager_and_its_database(
    api: httpx.AsyncClient,
) -> None:
    found = await versions(api)

    assert found["version"] == VERSION
    assert [(each["version"], each["is_this"]) for each in found["managers"]] == [(VERSION, True)]
    assert found["managers"][0]["standing"] == "same"
    assert found["workers"] == []
    assert found["temporal"] == ""
    newest = newest_migration()
    assert found["database"] == {
        "kind": "SQLite",
        "migration": newest,
        "newest_migration": newest,
    }


async def test_workers_are_counted_by_version_and_what_needs_work_comes_first(
    api: httpx.AsyncClient,
    farm: "Farm",
    register: Register,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = ["Tablao 2.0", "Tablao 1.9", "Tablao 1.10", "Tablao 2.0", "3.5", "Tablao 2.1", ""]
    for software in said:
        worker = await register()
        await farm.set_worker(worker.id, software=software)
    monkeypatch.setattr(farm.parts.presence, "version", "2.0")

    found = (await versions(api))["workers"]

    assert [(each["version"], each["standing"], len(each["workers"])) for each in found] == [
        ("1.10", "older", 1),
        ("1.9", "older", 1),
        ("2.1", "newer", 1),
        ("", "unknown", 1),
        ("2.0", "same", 2),
        ("Flamenco 3.5", "flamenco", 1),
    ]
    assert [bool(each["advice"]) for each in found] == [True, True, True, True, False, False]
    assert "upgrade the manager" in found[2]["advice"]


async def test_a_deleted_worker_is_not_counted(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    worker = await register()
    await farm.set_worker(worker.id, deleted_at=utc_now())

    assert (await versions(api))["workers"] == []


async def test_managers_of_other_versions_are_named_with_what_to_do(
    api: httpx.AsyncClient, farm: "Farm"
) -> None:
    now = utc_now()
    async with farm.parts.database.writing() as session:
        for number, version in enumerate(("0.0.1", "99.1")):
            row = ManagerRow(id=str(number), name="cádiz", version=version, started=now, seen=now)
            session.add(row)

    this, *others = (await versions(api))["managers"]

    assert this["is_this"]
    assert {each["version"]: each["standing"] for each in others} == {
        "0.0.1": "older",
        "99.1": "newer",
    }
    assert all(each["advice"] for each in others)


async def test_temporals_version_is_what_its_server_says(farm: "Farm") -> None:
    async def said() -> str:
        return "1.29.0"

    farm.parts = replace(farm.parts, temporal_version=said)
    transport = httpx.ASGITransport(build_app(farm.parts))
    headers = {"authorization": f"Bearer {farm.parts.identities.local.token}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost:8080", headers=headers
    ) as api:
        assert (await versions(api))["temporal"] == "1.29.0"


def test_every_standing_that_needs_work_comes_before_those_that_do_not() -> None:
    assert [each.value for each in service._ORDER] == [
        "older",
        "newer",
        "unknown",
        "same",
        "flamenco",
    ]
