"""Answers many simultaneous questions of the same kind with one query."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Batched(Generic[K, V]):
    """Collects the questions that arrive while a query runs, and answers them with the next query.

    A question never waits while no query runs, and its answer is never older than the question.
    """

    def __init__(self, load: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        """
        Args:
            load: returns the values by key, without the keys that have no value.
        """
        self._load = load
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._asyncio_task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """Return the key's value; None if it has none. Errors of the query are raised."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._asyncio_task is None or self._asyncio_task.done():
            self._asyncio_task = asyncio.create_task(self._work_off())
        # A canceled caller must not cancel the answer of another caller with the same key.
        return await asyncio.shield(future)

    async def _work_off(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            try:
                found = await self._load(batch.keys())
            except Exception as error:
                # The callers get the error, and answer or log it.
                for future in batch.values():
                    future.set_exception(error)
            else:
                for key, future in batch.items():
                    future.set_result(found.get(key))
