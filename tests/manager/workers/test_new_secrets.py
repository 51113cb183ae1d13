"""A worker's secret is replaced: at no moment is its host locked out, and the old one ends."""

import httpx
import pytest

from manager_api.contract.errors import NotAuthorized
from manager_api.database.engine import Database, DatabaseBusy
from manager_api.workers import store
from manager_api.workers.credentials import WorkerCredentials, new_secret
from tests.manager.api_calls import Register
from tests.manager.stand_in_farm import SECRET, Farm


def shown(worker_id: str, secret: str) -> str:
    auth = httpx.BasicAuth(worker_id, secret)
    request = next(auth.auth_flow(httpx.Request("GET", "http://-")))
    return str(request.headers["Authorization"])


async def fits(credentials: WorkerCredentials, worker_id: str, secret: str) -> bool:
    try:
        return (await credentials.check(shown(worker_id, secret))).id == worker_id
    except NotAuthorized:
        return False


async def ordered(farm: Farm, worker_id: str) -> None:
    async with farm.parts.database.writing() as session:
        row = await store.existing_worker_to_change(session, worker_id)
        store.order_new_secret(session, row)


async def another(farm: Farm, worker_id: str) -> str:
    """A secret that the worker's host was sent."""
    secret, secret_hash = await new_secret()
    async with farm.parts.database.writing() as session:
        row = await store.existing_worker_to_change(session, worker_id)
        assert store.add_new_secret(session, row, secret_hash)
    return secret


async def is_rotating(farm: Farm, worker_id: str) -> bool:
    async with farm.parts.database.reading() as session:
        return (await store.existing_worker(session, worker_id)).new_secret_hashes is not None


async def test_both_count_until_the_new_one_is_used(farm: Farm, register: Register) -> None:
    worker, known = (await register()).id, farm.parts.credentials
    await ordered(farm, worker)
    new = await another(farm, worker)

    assert await fits(known, worker, SECRET)
    assert await is_rotating(farm, worker)
    assert await fits(known, worker, new)
    assert not await fits(known, worker, SECRET)
    assert not await is_rotating(farm, worker)
    assert await fits(known, worker, new)
    # What a manager knows that has just started.
    assert not await fits(WorkerCredentials(farm.parts.database), worker, SECRET)


@pytest.mark.parametrize("used", [0, 1, 2])
async def test_each_secret_counts_that_the_host_may_have_stored(
    farm: Farm, register: Register, used: int
) -> None:
    worker, known = (await register()).id, farm.parts.credentials
    await ordered(farm, worker)
    sent = [await another(farm, worker) for _ in range(3)]

    assert await fits(known, worker, sent[used])
    later = [await fits(known, worker, each) for each in sent[used + 1 :]]
    older = [await fits(known, worker, each) for each in [SECRET, *sent[:used]]]

    assert all(later)
    assert not any(older)


async def test_of_secrets_without_end_the_last_three_count(farm: Farm, register: Register) -> None:
    worker, known = (await register()).id, farm.parts.credentials
    await ordered(farm, worker)
    sent = [await another(farm, worker) for _ in range(5)]

    assert [await fits(known, worker, each) for each in [SECRET, *sent]] == [
        True,
        False,
        False,
        True,
        True,
        True,
    ]


async def test_a_revoked_worker_has_no_secret_left(
    farm: Farm, register: Register, api: httpx.AsyncClient
) -> None:
    worker, known = (await register()).id, farm.parts.credentials
    await ordered(farm, worker)
    new = await another(farm, worker)

    await api.post(f"/api/tablao/v1/workers/{worker}/revoke")

    assert not await fits(known, worker, new)
    assert not await fits(known, worker, SECRET)


async def test_a_manager_that_remembers_the_worker_from_before_takes_the_new_one(
    farm: Farm, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("manager_api.workers.credentials._KNOWN_IF_WRONG_S", 0.0)
    worker = (await register()).id
    # The database of another manager: this one hears nothing of its changes.
    database = Database(farm.parts.database.url)
    elsewhere = WorkerCredentials(database)
    assert await fits(elsewhere, worker, SECRET)
    await ordered(farm, worker)
    new = await another(farm, worker)

    assert await fits(elsewhere, worker, new)
    assert not await fits(elsewhere, worker, SECRET)
    await database.close()


async def test_a_new_secret_that_another_manager_has_revoked_does_not_count(
    farm: Farm, register: Register, api: httpx.AsyncClient
) -> None:
    worker = (await register()).id
    database = Database(farm.parts.database.url)
    elsewhere = WorkerCredentials(database)
    await ordered(farm, worker)
    new = await another(farm, worker)
    assert await fits(elsewhere, worker, SECRET)  # It remembers the row from now on.

    await api.post(f"/api/tablao/v1/workers/{worker}/revoke")

    assert not await fits(elsewhere, worker, new)
    await database.close()


async def test_the_tokens_of_running_tasks_stay_good(farm: Farm, register: Register) -> None:
    worker, known = (await register()).id, farm.parts.credentials
    before = await known.tunnel_rights(worker)
    for _ in range(2):
        await ordered(farm, worker)
        assert await fits(known, worker, await another(farm, worker))

    assert await known.tunnel_rights(worker) == before
    assert before is not None


async def test_a_full_disk_keeps_no_worker_out(
    farm: Farm, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, known = (await register()).id, farm.parts.credentials
    await ordered(farm, worker)
    new = await another(farm, worker)

    def full() -> None:
        raise DatabaseBusy("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(farm.parts.database, "writing", full)
        assert await fits(known, worker, new)
        assert await fits(known, worker, SECRET)

    assert await fits(known, worker, new)
    assert not await fits(known, worker, SECRET)


async def test_a_worker_that_needs_no_secret_gets_none(farm: Farm, register: Register) -> None:
    worker = (await register()).id

    async with farm.parts.database.writing() as session:
        row = await store.existing_worker_to_change(session, worker)
        assert not store.add_new_secret(session, row, "hash")
