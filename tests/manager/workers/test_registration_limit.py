"""How many workers one address may register."""

import httpx
import pytest

from manager_api.web.app import build_app
from manager_api.workers.registration_limit import (
    AT_ONCE,
    ONE_MORE_EVERY_S,
    RegistrationLimit,
    TooManyRegistrations,
)
from tests.manager.api_calls import Fits
from tests.manager.stand_in_farm import Farm

WORKER = {"name": "w", "secret": "abcdefgh", "platform": "linux", "supported_task_types": ["a"]}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> RegistrationLimit:
    """An address has used up all that it may."""
    limit = RegistrationLimit(clock)
    for _ in range(AT_ONCE):
        limit.count("10.0.0.7")
    return limit


def test_one_more_is_refused_and_other_addresses_go_on(limit: RegistrationLimit) -> None:
    with pytest.raises(TooManyRegistrations) as refusal:
        limit.count("10.0.0.7")

    assert refusal.value.headers == {"Retry-After": "60"}
    limit.count("10.0.0.8")


def test_one_more_may_come_after_a_while(limit: RegistrationLimit, clock: Clock) -> None:
    clock.now += ONE_MORE_EVERY_S
    limit.count("10.0.0.7")

    with pytest.raises(TooManyRegistrations):
        limit.count("10.0.0.7")


def test_all_may_come_again_after_long(limit: RegistrationLimit, clock: Clock) -> None:
    clock.now += AT_ONCE * ONE_MORE_EVERY_S

    for _ in range(AT_ONCE):
        limit.count("10.0.0.7")


@pytest.mark.parametrize("other", ["2001:db8::2", "2001:db8:0:0:ffff::1", "2001:DB8::1%eth0"])
def test_addresses_of_one_ipv6_network_count_as_one(clock: Clock, other: str) -> None:
    limit = RegistrationLimit(clock)
    for number in range(AT_ONCE):
        limit.count(f"2001:db8::{number:x}:1")

    with pytest.raises(TooManyRegistrations):
        limit.count(other)

    limit.count("2001:db8:0:1::1")


def test_an_address_that_an_ipv6_socket_shows_is_the_same(limit: RegistrationLimit) -> None:
    with pytest.raises(TooManyRegistrations):
        limit.count("::ffff:10.0.0.7")


def test_many_addresses_do_not_fill_the_database(clock: Clock) -> None:
    limit = RegistrationLimit(clock)
    for number in range(10 * AT_ONCE):
        limit.count(f"2001:db8:0:{number:x}::1")

    with pytest.raises(TooManyRegistrations, match="many addresses") as refusal:
        limit.count("10.0.0.7")

    assert refusal.value.headers == {"Retry-After": "6"}
    clock.now += 6
    limit.count("10.0.0.7")


async def test_a_client_elsewhere_is_told_so_and_one_here_has_no_limit(
    api: httpx.AsyncClient, farm: Farm, fits: Fits
) -> None:
    parts = farm.parts
    network = {"insecure": True, "allowed_hosts": ("farm.studio",)}
    parts.configuration.settings = parts.settings.model_copy(update=network)
    elsewhere = httpx.ASGITransport(build_app(parts), client=("10.0.0.7", 1))
    for _ in range(AT_ONCE):
        parts.registrations.count("10.0.0.7")

    async with httpx.AsyncClient(transport=elsewhere, base_url="http://farm.studio") as client:
        refused = await client.post("/api/v3/worker/register-worker", json=WORKER)
    for _ in range(AT_ONCE):
        parts.registrations.count("127.0.0.1")
    here = await api.post("/api/v3/worker/register-worker", json=WORKER)

    fits("Error", refused.json())
    assert (refused.status_code, refused.json()["code"]) == (429, 429)
    assert refused.headers["retry-after"] == "60"
    assert here.status_code == 200
