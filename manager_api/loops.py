"""Does several things at once that have no end of their own, until one of them ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any


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
