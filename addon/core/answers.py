"""Answers that are JSON, but not what a manager says."""

from collections.abc import Iterator
from contextlib import contextmanager

from .manager import Manager, ManagerError


@contextmanager
def understood(manager: Manager) -> Iterator[None]:
    """For code that takes an answer apart.

    Raises:
        ManagerError: something that every manager says is not there.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManagerError(
            f"{manager.address} answers, but not as a Flamenco or Tablao manager does ({error!r})"
        ) from error
