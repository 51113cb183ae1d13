"""Workers' secrets, and what a worker's tunnel to Temporal gives access to."""

import asyncio
from base64 import b64encode

import pytest

from manager_api.contract.errors import NotAuthorized
from manager_api.database.engine import Database
from manager_api.workers.credentials import TunnelRights, WorkerCredentials
from manager_api.workers.store import worker_to_change
from tests.manager.api_calls import Register
from tests.manager.stand_in_farm import Farm


async def rights_of(worker_id: str, farm: Farm) -> TunnelRights:
    """As a manager of the farm knows them that has just started."""
    rights = await WorkerCredentials(farm.parts.database).tunnel_rights(worker_id)
    assert rights is not None
    return rights


async def test_all_managers_seal_a_workers_tokens_alike_and_others_otherwise(
    farm: Farm, register: Register
) -> None:
    carmen, paco = await register("carmen"), await register("paco")

    key = (await rights_of(carmen.id, farm)).token_key

    assert (await rights_of(carmen.id, farm)).token_key == key
    assert (await rights_of(paco.id, farm)).token_key != key
    assert len(key) == 32


async def test_a_tunnel_gives_access_to_the_newest_session(farm: Farm, register: Register) -> None:
    carmen = await register("carmen")
    known = farm.parts.credentials
    await known.tunnel_rights(carmen.id)
    async with farm.parts.database.writing() as session:
        row = await worker_to_change(session, carmen.id)
        assert row is not None
        row.session = 8

    rights = await known.tunnel_rights(carmen.id)

    assert rights is not None
    assert rights.session == 8


async def test_a_worker_that_is_not_there_has_no_rights(farm: Farm) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"

    assert await farm.parts.credentials.tunnel_rights(unknown) is None


@pytest.mark.parametrize("shown", ["\0", "a\0b", "é", "x" * 10_000, ""])
async def test_an_id_that_is_none_is_a_wrong_one_and_disturbs_no_other(
    db: Database, shown: str
) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    credentials = WorkerCredentials(db)
    headers = [
        f"Basic {b64encode(f'{each}:secret'.encode()).decode()}" for each in (unknown, shown)
    ]

    refused = await asyncio.gather(*map(credentials.check, headers), return_exceptions=True)

    assert [type(each) for each in refused] == [NotAuthorized] * 2
