"""Refuses activities that no job's workflow can have scheduled."""

from collections.abc import Callable

from temporalio.exceptions import ApplicationError

from workflows.domain.messages import ProjectionWrite, RunRef


def check_run(run: RunRef) -> None:
    """
    Raises:
        ApplicationError: see `RunRef.check`. It is not tried again.
    """
    _check(run.check)


def check_write(write: ProjectionWrite) -> None:
    """Check the runs that hosts are told of after the write.

    Raises:
        ApplicationError: see `RunKey.check`. It is not tried again.
    """
    for stopped in write.stopped:
        _check(stopped.key.check)


def _check(check: Callable[[], None]) -> None:
    try:
        check()
    except ValueError as problem:
        raise ApplicationError(str(problem), type="InvalidRun", non_retryable=True) from problem
