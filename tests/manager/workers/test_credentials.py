"""What managers make of a worker's secret."""

import pytest

from manager_api.contract.errors import NotAuthorized
from manager_api.workers.credentials import WorkerCredentials
from tests.manager.api_calls import Register
from tests.manager.stand_in_farm import Farm


async def test_all_managers_make_the_same_key_of_a_worker_and_others_of_others(
    farm: Farm, register: Register
) -> None:
    carmen, paco = await register("carmen"), await register("paco")
    one, other = (WorkerCredentials(farm.parts.database) for _ in range(2))

    key = await one.token_key(carmen.id)

    assert await other.token_key(carmen.id) == key
    assert await one.token_key(paco.id) != key
    assert len(key) == 32


async def test_there_is_no_key_of_a_worker_that_is_not_there(farm: Farm) -> None:
    with pytest.raises(NotAuthorized):
        await farm.parts.credentials.token_key("00000000-0000-4000-8000-000000000000")
