"""Work that cannot be stopped, and a cancel that does not wait for it."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

from .progress import Canceled, IsCanceled

T = TypeVar("T")

_ASK_EVERY_S = 0.1


def interruptible(work: Callable[[], T], is_canceled: IsCanceled) -> T:
    """What it comes to, or what it raises.

    Raises:
        Canceled: is_canceled() said so; the work ends by itself, and nobody hears of it.
    """
    outcome: Future[T] = Future()

    def in_thread() -> None:
        try:
            outcome.set_result(work())
        # The edge of a thread: raised again where the work was asked for.
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=in_thread, name="tablao request", daemon=True).start()
    while not wait([outcome], timeout=_ASK_EVERY_S).done:
        if is_canceled():
            raise Canceled
    return outcome.result()
