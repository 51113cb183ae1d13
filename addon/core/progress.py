"""How long work reports its progress, and how it is canceled."""

from collections.abc import Callable

#: Called with a sentence for the step, the bytes done and the bytes in total (0: not known).
Progress = Callable[[str, int, int], None]

#: Called between steps, and every few megabytes. If it returns True, the work stops and leaves
#: nothing unfinished behind.
IsCanceled = Callable[[], bool]


class Canceled(Exception):
    """The artist canceled; nothing was submitted."""

    def __init__(self) -> None:
        super().__init__("Canceled: nothing was submitted.")


def quiet(step: str, done: int, total: int) -> None:
    """Ignore progress, for callers that show none."""


def never() -> bool:
    """Return False, for callers that never cancel."""
    return False
