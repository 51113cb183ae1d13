"""A large body is read only from a sender that is known: a stranger could fill the memory."""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx
import pytest

from manager_api.web.app import build_app
from tests.manager.api_calls import Register
from tests.manager.stand_in_farm import SECRET

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

LISTS = "/api/v3/shaman/checkout/requirements"
PIECE = b" " * 16_384
PIECES = 64


class Body:
    """A body of one mebibyte, sent as it is read."""

    def __init__(self) -> None:
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(PIECES):
            self.read += 1
            yield PIECE


@pytest.fixture
async def stranger(farm: "Farm", api: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(
        build_app(farm.parts), raise_app_exceptions=False, client=("10.0.0.7", 4711)
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        yield client


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"authorization": "Bearer tablao_user_wrong"},
        {"authorization": f"Basic {b64encode(b'carmen:wrong').decode()}"},
        {"cookie": "tablao-session=wrong"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [LISTS, "/api/v3/jobs", "/api/tablao/v1/login"])
async def test_a_large_body_of_a_stranger_is_not_read(
    stranger: httpx.AsyncClient, path: str, shown: dict[str, str]
) -> None:
    body = Body()

    answer = await stranger.post(path, content=body, headers=shown)

    assert answer.status_code == 401
    assert answer.json()["message"]
    assert body.read < 10


async def test_a_large_body_that_is_announced_is_not_read_at_all(
    stranger: httpx.AsyncClient,
) -> None:
    body = Body()
    announced = {"content-length": str(PIECES * len(PIECE))}

    assert (await stranger.post(LISTS, content=body, headers=announced)).status_code == 401
    assert body.read <= 1


async def test_large_bodies_of_those_who_are_known_are_read(
    api: httpx.AsyncClient, stranger: httpx.AsyncClient, register: Register
) -> None:
    worker = await register()
    shown = {"authorization": f"Basic {b64encode(f'{worker.id}:{SECRET}'.encode()).decode()}"}
    of_person, of_worker = Body(), Body()

    await api.post(LISTS, content=of_person)
    await stranger.post("/api/v3/worker/sign-on", content=of_worker, headers=shown)

    assert of_person.read == of_worker.read == PIECES
