"""Calls again while the database is busy, for callers that cannot ask again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from manager_api.database.engine import DatabaseBusy

T = TypeVar("T")

_PAUSE_S = 0.5


async def retry_while_busy(call: Callable[[], Awaitable[T]], wait_s: float) -> T:
    """Calls until the database is free, for `wait_s` at most.

    A stock Flamenco worker takes any answer for final: refused at its sign-on it registers anew,
    and of a report that was not taken it never speaks again.

    Raises:
        DatabaseBusy: it was all the time.
    """
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        try:
            return await call()
        except DatabaseBusy:
            if asyncio.get_running_loop().time() >= deadline:
                raise
            await asyncio.sleep(_PAUSE_S)
