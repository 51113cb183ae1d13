"""What a manager does when another manager of the farm has changed or deleted a worker."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from manager_api.database.payloads import WORKERS
from manager_api.hosts.channel import Hosts
from manager_api.main import _forgetting
from manager_api.temporal.open_tunnels import OpenTunnels

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


class Looks(Hosts):
    """Notes that it shall look for deleted workers."""

    def __init__(self) -> None:
        self.looked = False

    def look_for_deleted(self) -> None:
        self.looked = True


async def _never(_: object) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_only_a_deletion_ends_what_is_open(farm: "Farm", is_deleted: bool) -> None:
    tunnels, hosts = OpenTunnels(_never), Looks()
    told = {"id": "carmen"} | ({"deleted_at": "2026-11-30T00:00:00Z"} if is_deleted else {})
    react = _forgetting(farm.parts.credentials, tunnels, hosts)

    with (
        tunnels.opened("carmen", None) as gone,  # type: ignore[arg-type] # only passed on
        tunnels.opened("paco", None) as other,  # type: ignore[arg-type]
    ):
        react(WORKERS, told)

        assert gone.ended.is_set() == is_deleted
        assert not other.ended.is_set()
    assert hosts.looked == is_deleted
