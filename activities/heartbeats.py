"""Heartbeats on a timer, because a frame may render for an hour without any output."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity


@asynccontextmanager
async def heartbeats(details: Callable[[], Any], every_s: float) -> AsyncIterator[None]:
    """Send Temporal an activity's progress in heartbeats, one every `every_s` seconds.

    The first one is sent after `every_s`, so that a short task sends none.
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
