"""Serves a WebSocket by several loops at once, until the first of them ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from fastapi import WebSocketDisconnect


async def until_one_ends(*loops: Coroutine[Any, Any, Any]) -> None:
    """Ends the others, and raises what any of them raised; that a client went is no error."""
    asyncio_tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        await asyncio.wait(asyncio_tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in asyncio_tasks:
            each.cancel()
        results = await asyncio.gather(*asyncio_tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect):
            raise result
