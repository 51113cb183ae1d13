"""Heartbeats on a timer: a frame may render for an hour in silence."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity


@asynccontextmanager
async def heartbeats(details: Callable[[], Any], every_s: float) -> AsyncIterator[None]:
    """Within an activity, tell Temporal every so often how far it is.

    The first one is sent after `every_s`, so that a short task costs none.
    """
    beating = asyncio.create_task(_beat(details, every_s), name="heartbeats")
    try:
        yield
    finally:
        beating.cancel()


async def _beat(details: Callable[[], Any], every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        activity.heartbeat(details())
