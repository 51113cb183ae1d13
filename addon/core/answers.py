"""Recognizes answers that are JSON but do not come from a manager."""

from collections.abc import Iterator
from contextlib import contextmanager

from .manager import Manager, ManagerError


@contextmanager
def understood(manager: Manager) -> Iterator[None]:
    """Wrap code that reads fields of an answer.

    Raises:
        ManagerError: the answer lacks a field that every manager has, or has another type there.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManagerError(
            f"{manager.address} answers, but not as a Flamenco or Tablao manager does ({error!r})"
        ) from error
