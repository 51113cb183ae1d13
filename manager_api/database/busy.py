"""Repeats a call while the database is busy, for clients that do not repeat their request."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from manager_api.database.engine import DatabaseBusy

T = TypeVar("T")

_PAUSE_S = 0.5


async def retry_while_busy(call: Callable[[], Awaitable[T]], wait_s: float) -> T:
    """Repeat a call until the database is free, for `wait_s` at most.

    A Flamenco Worker takes every answer as final. If its sign-on is refused, it registers as a new
    worker. If a report is refused, it does not send the report again.

    Raises:
        DatabaseBusy: the database was busy all the time.
    """
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        try:
            return await call()
        except DatabaseBusy:
            if asyncio.get_running_loop().time() >= deadline:
                raise
            await asyncio.sleep(_PAUSE_S)
