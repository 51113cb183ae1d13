"""How long work tells of itself, and how it is told to stop."""

from collections.abc import Callable

#: Called with a sentence for the step, the bytes done and the bytes in total (0: not known).
Progress = Callable[[str, int, int], None]

#: Asked between steps, and every few megabytes; true: stop, and leave nothing half-done behind.
IsCanceled = Callable[[], bool]


class Canceled(Exception):
    """The artist canceled; nothing was submitted."""

    def __init__(self) -> None:
        super().__init__("Canceled: nothing was submitted.")


def quiet(step: str, done: int, total: int) -> None:
    """For callers that show no progress."""


def never() -> bool:
    """For callers that never cancel."""
    return False
