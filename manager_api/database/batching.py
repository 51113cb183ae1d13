"""Answers many questions of the same kind that come at once with one query."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Batched(Generic[K, V]):
    """While a query runs, what is asked gathers for the next: nobody waits on purpose.

    An answer is never older than its question.
    """

    def __init__(self, load: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        """
        Args:
            load: answers for those of the keys that there is one for.
        """
        self._load = load
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._asyncio_task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """Raises whatever the query raises."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._asyncio_task is None or self._asyncio_task.done():
            self._asyncio_task = asyncio.create_task(self._work_off())
        # One who gives up must not take the answer from another who asked the same.
        return await asyncio.shield(future)

    async def _work_off(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            try:
                found = await self._load(batch.keys())
            except Exception as error:
                # It belongs to those who asked, and is answered or logged there.
                for future in batch.values():
                    future.set_exception(error)
            else:
                for key, future in batch.items():
                    future.set_result(found.get(key))
