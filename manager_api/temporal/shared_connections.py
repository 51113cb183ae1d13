"""The connections to Temporal that the tunnels of workers share.

A connection of its own for each host costs Temporal half a megabyte and its pings. A single one for
all would carry more polls than some gateways before a Temporal allow.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from temporalio.client import Client

#: Calls that are open on one connection at the same time, polls among them. Gateways allow 100 and
#: more.
MOST_CALLS = 64


@dataclass(eq=False, slots=True)
class _Connection:
    client: Client
    calls: int = 0


class SharedConnections:
    """As many connections as the open calls need; one that has none any more is given up.

    Args:
        connect: returns a new connection.
    """

    def __init__(self, connect: Callable[[], Awaitable[Client]]) -> None:
        self._connect = connect
        self._connections: list[_Connection] = []
        """The oldest first. It is filled first, so that younger ones become empty."""

    @contextlib.asynccontextmanager
    async def taken(self) -> AsyncIterator[Client]:
        """Yield a connection with room for one call, for the time of that call."""
        connection = self._with_room()
        if connection is None:
            connection = _Connection(await self._connect())
            self._connections.append(connection)
        connection.calls += 1
        try:
            yield connection.client
        finally:
            connection.calls -= 1
            if not connection.calls and connection is not self._connections[0]:
                self._connections.remove(connection)

    def _with_room(self) -> _Connection | None:
        return next((each for each in self._connections if each.calls < MOST_CALLS), None)
