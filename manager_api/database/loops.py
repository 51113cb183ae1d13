"""Loops that run until canceled: duties, several loops at once, and work on request."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any, Protocol

from manager_api.database.engine import Changed, Database, DatabaseBusy

_BUSY_PAUSE_S = 0.2
#: The pause before a duty that broke off begins again.
_BROKEN_PAUSE_S = 5.0
_FIRST_TIDIED_AFTER_S = 30.0

logger = logging.getLogger(__name__)


class Duty(Protocol):
    """Work that the manager does as long as it lives."""

    async def run(self) -> None:
        """Work until canceled; then close what must be closed."""
        ...


async def begin(stack: AsyncExitStack, duties: Mapping[str, Duty]) -> None:
    """Run the duties, given by name, until the stack ends them in the opposite order.

    A duty that breaks off begins again after a pause, because the manager is of little use without
    it.
    """
    for name, duty in duties.items():
        asyncio_task = asyncio.create_task(_again_and_again(name, duty), name=name)
        stack.push_async_callback(_end, asyncio_task)
    # A duty that is canceled before its first step could close nothing.
    await asyncio.sleep(0)


async def _again_and_again(name: str, duty: Duty) -> None:
    while True:
        try:
            return await duty.run()
        except Exception:
            logger.exception("a duty broke off, and begins again", extra={"duty": name})
            await asyncio.sleep(_BROKEN_PAUSE_S)


async def _end(asyncio_task: "asyncio.Task[None]") -> None:
    asyncio_task.cancel()
    await asyncio.wait({asyncio_task})


async def until_one_ends(*loops: Coroutine[Any, Any, Any]) -> None:
    """Run loops until one of them ends, then cancel the others.

    If loops raised exceptions, raise that of the first of them, in the order of the arguments.
    """
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


async def whenever(
    asked: asyncio.Event,
    work: Callable[[], Awaitable[None]],
    *,
    pause_s: float = 0.0,
    tick_s: float | None = None,
) -> None:
    """Call `work` whenever `asked` is set, until canceled; soon again if the database was busy.

    Args:
        asked: the event; cleared before each call, so a request during a call leads to another.
        work: the work.
        pause_s: seconds between two calls, even if `asked` is set sooner.
        tick_s: seconds after which `work` is called even if `asked` is not set; by default never.
    """
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(tick_s):
                await asked.wait()
        asked.clear()
        try:
            await work()
            await asyncio.sleep(pause_s)
        except DatabaseBusy:
            await asyncio.sleep(_BUSY_PAUSE_S)
            asked.set()


async def tidy(work: Callable[[], Awaitable[None]], *, every_s: float) -> None:
    """Call `work`, which removes what is old, until canceled; if the database is busy, next time.

    The first call comes a while after the start, which has more urgent work for the processor.

    Args:
        every_s: seconds between two calls.
    """
    await asyncio.sleep(min(_FIRST_TIDIED_AFTER_S, every_s))
    while True:
        with contextlib.suppress(DatabaseBusy):
            await work()
        await asyncio.sleep(every_s)


async def whenever_woken(
    database: Database, work: Callable[[], Awaitable[None]], *, pause_s: float, tick_s: float
) -> None:
    """Call `work` at once and whenever the farm has changed, until canceled.

    Args:
        database: the database whose changes count.
        work: the work.
        pause_s: seconds between two calls, even if the farm changes more often.
        tick_s: seconds after which `work` is called even if the farm has not changed.
    """
    has_changed = asyncio.Event()
    has_changed.set()
    database.listen(Changed.FARM, has_changed.set)
    try:
        await whenever(has_changed, work, pause_s=pause_s, tick_s=tick_s)
    finally:
        database.unlisten(Changed.FARM, has_changed.set)
