"""Refuses activities that no job's workflow can have scheduled."""

from temporalio.exceptions import ApplicationError

from workflows.domain.messages import RunRef


def check_run(run: RunRef) -> None:
    """
    Raises:
        ApplicationError: see `RunRef.check`. It is not tried again.
    """
    try:
        run.check()
    except ValueError as problem:
        raise ApplicationError(str(problem), type="InvalidRun", non_retryable=True) from problem
