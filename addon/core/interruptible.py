"""Runs work that cannot be stopped, so that a cancel need not wait for it."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

from .progress import Canceled, IsCanceled

T = TypeVar("T")

_ASK_EVERY_S = 0.1


def interruptible(work: Callable[[], T], is_canceled: IsCanceled) -> T:
    """Do the work in a thread, and return its result or raise its exception.

    Raises:
        Canceled: is_canceled() returned True. The work goes on, and its result is ignored.
    """
    outcome: Future[T] = Future()

    def in_thread() -> None:
        try:
            outcome.set_result(work())
        # The edge of a thread: `outcome.result()` raises it again.
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=in_thread, name="tablao request", daemon=True).start()
    while not wait([outcome], timeout=_ASK_EVERY_S).done:
        if is_canceled():
            raise Canceled
    return outcome.result()
