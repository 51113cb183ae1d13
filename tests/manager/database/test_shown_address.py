"""The address of a database is shown without its passwords, however it is written."""

import pytest

from manager_api.database.engine import Database
from manager_api.events.mqtt import Broker


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("u:duende@db/x", "u:***@db/x"),
        ("me@studio:duende@db/x", "me%40studio:***@db/x"),
        ("u:x@duende@db:5432/x", "u:***@db:5432/x"),
        ("u:x@y/duende@db/x", "u:***@db/x"),
        ("u:x:duende@[::1]:5432/x", "u:***@[::1]:5432/x"),
        ("u:x?duende@db/x", "u:***@db/x"),
        ("u:%40duende@db/x", "u:***@db/x"),
        ("db/x?password=duende", "db/x?password=***"),
        ("u:duende@/x?host=a&sslpassword=duende", "u:***@/x?host=a&sslpassword=***"),
        ("u@db/x?user=a@b", "u@db/x?user=a@b"),
    ],
)
async def test_no_password_is_shown(written: str, shown: str) -> None:
    database = Database(f"postgresql+asyncpg://{written}")

    assert database.shown_url == f"postgresql+asyncpg://{shown}"


@pytest.mark.parametrize(
    "address", ["tcp://u:duende/x@b", "tcp://u:duende\u2100@b", "x://duende@b"]
)
def test_a_brokers_address_that_is_refused_is_not_quoted(address: str) -> None:
    with pytest.raises(ValueError, match=r"^a broker's address is written") as refusal:
        Broker.at(address)

    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
