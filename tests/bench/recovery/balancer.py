"""Stands before a farm's managers, and sends connections to the first one that takes them."""

import asyncio
from collections.abc import Sequence

from tests.chaos.relay import Relay


class Balancer(Relay):
    """`with Balancer([first_port, second_port]) as balancer: …`; hosts connect to `port`."""

    def __init__(self, ports: Sequence[int]) -> None:
        super().__init__()
        self._ports = ports

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for port in self._ports[:-1]:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
        return await asyncio.open_connection("127.0.0.1", self._ports[-1])
