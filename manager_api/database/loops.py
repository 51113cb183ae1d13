"""Loops without an end of their own: several at once, and one that is woken."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from activities.keeper_memory import Wakeup
from manager_api.database.engine import Changed, Database


async def until_one_ends(*loops: Coroutine[Any, Any, Any]) -> None:
    """Ends the others; raises what the first in the row raised, if any did."""
    asyncio_tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        await asyncio.wait(asyncio_tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in asyncio_tasks:
            each.cancel()
        results = await asyncio.gather(*asyncio_tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def whenever_woken(
    database: Database, work: Callable[[], Awaitable[None]], *, pause_s: float, tick_s: float
) -> None:
    """Whenever the farm has changed and there may be something to do, until canceled.

    Args:
        pause_s: between two looks, however often it is woken.
        tick_s: the safety net under being woken.
    """
    wakeup = Wakeup()
    database.listen(Changed.FARM, wakeup.wake)
    try:
        while True:
            await work()
            await asyncio.sleep(pause_s)
            await wakeup.wait(tick_s)
    finally:
        database.unlisten(Changed.FARM, wakeup.wake)
