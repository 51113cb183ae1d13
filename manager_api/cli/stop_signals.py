"""Ctrl-C, SIGTERM and SIGHUP stop a command once, and cannot cut off its stop.

Service managers and `timeout` send two signals at nearly the same time: one to the process and one
to its group.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_LOOK_EVERY_S = 0.5
#: Windows has no SIGHUP.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_SIGNALS: list[signal.Signals] = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]


def interrupt_once() -> None:
    """Make the first signal raise KeyboardInterrupt, so that `finally` and `with` run.

    All later ones are ignored. A signal that is ignored already stays so: `nohup` wants that.
    """
    for number in _heeded():
        signal.signal(number, _interrupt)


def wait_for_signal() -> NoReturn:
    """Wait until a signal raises KeyboardInterrupt."""
    while True:
        # Not `signal.pause`, which goes on waiting if another thread has received the signal.
        time.sleep(_LOOK_EVERY_S)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in _heeded():
        # Not SIG_IGN, which programs that are started later would inherit.
        signal.signal(number, _ignore)
    raise KeyboardInterrupt


def _ignore(_number: int, _frame: FrameType | None) -> None: ...


@contextmanager
def signals_held() -> Iterator[None]:
    """A context that no signal cuts off. What arrives in it takes effect at its end."""
    held: list[int] = []
    before = {each: signal.getsignal(each) for each in _heeded()}
    for each in before:
        signal.signal(each, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        for number in held:
            signal.raise_signal(number)


def _heeded() -> list[signal.Signals]:
    return [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
