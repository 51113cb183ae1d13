"""Provisioned settings as stored, on both databases."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from manager_api.contract.errors import NothingProvisioned
from manager_api.database.engine import Changed, Database
from manager_api.database.tables import ProvisionScope, WorkerRow
from manager_api.workers import provision_store as provisions
from manager_api.workers import store as workers
from manager_api.workers import tag_store as tags
from workflows.domain.provisioning import MOST_SLOTS, Provision

Make = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]


async def put(db: Database, scope: ProvisionScope, target: str, **settings: Any) -> None:
    async with db.writing() as session:
        await provisions.put(session, scope, target, settings)


async def in_force(db: Database, worker_id: str) -> Provision:
    async with db.reading() as session:
        return (await provisions.effective_by_id(session, [worker_id]))[worker_id]


async def test_every_place_counts_and_a_tag_by_its_name(db: Database, worker: Make) -> None:
    carmen, first, last = await worker(), str(uuid4()), str(uuid4())
    async with db.writing() as session:
        await tags.insert_tag(session, last, "zambra", "")
        await tags.insert_tag(session, first, "alegrías", "")
        row = await workers.existing_worker_to_change(session, carmen)
        await workers.set_tags(session, row, [last, first])
    await put(db, ProvisionScope.FARM, "", slots=1, environment={"A": "farm", "B": "farm"})
    await put(db, ProvisionScope.PLATFORM, "linux", slots=2, ffmpeg="/linux")
    await put(db, ProvisionScope.TAG, last, slots=3, blender_args="-b", blender_version="4.5")
    await put(db, ProvisionScope.TAG, first, slots=4, blender_version="5.0")
    await put(db, ProvisionScope.WORKER, carmen, environment={"B": None})
    await put(db, ProvisionScope.WORKER, str(uuid4()), slots=9)

    assert await in_force(db, carmen) == Provision(
        slots=4,
        ffmpeg="/linux",
        blender_args="-b",
        blender_version="5.0",
        environment={"A": "farm"},
    )


async def test_setting_again_replaces_and_a_change_wakes_the_keeper(
    db: Database, worker: Make, told: Told
) -> None:
    carmen, woken = await worker(), []
    db.listen(Changed.FARM, lambda: woken.append(True))
    await told()

    await put(db, ProvisionScope.FARM, "", slots=2, ffmpeg="/secret")
    await put(db, ProvisionScope.FARM, "", slots=3)
    replaced = await in_force(db, carmen)
    async with db.writing() as session:
        await provisions.remove(session, ProvisionScope.FARM, "")
        await provisions.remove(session, ProvisionScope.FARM, "")
        with pytest.raises(NothingProvisioned, match='farm "all"'):
            await provisions.existing_provision(session, ProvisionScope.FARM, "")

    assert replaced == Provision(slots=3)
    assert len(woken) == 3
    # Values stay out of events, which everybody may read.
    assert await told() == [("/provisions", {"scope": "farm", "target": ""})] * 3


def test_slots_that_an_older_manager_stored_are_bounded() -> None:
    row = WorkerRow(slots=10_000_000, is_http=False)

    assert provisions.slots(row, Provision()) == MOST_SLOTS
    assert provisions.slots(row, Provision(slots=3)) == 3


async def test_workers_without_settings_share_one_answer(db: Database, worker: Make) -> None:
    ids = [await worker(), await worker()]

    async with db.reading() as session:
        rows = [await workers.existing_worker(session, each) for each in ids]
        first, second = (await provisions.effective(session, rows)).values()

    assert first is second
    assert first == Provision()
