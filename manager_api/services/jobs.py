"""What the manager does with jobs."""

from typing import Protocol

from workflows.domain.messages import Change


class JobControl(Protocol):
    """The way to a job's workflow (protocol rule 12: one way in)."""

    async def change(self, job_id: str, change: Change) -> None:
        """Asks the job's workflow, and waits until it has done so or refused.

        Raises:
            Refused: not possible in the current status.
            OrchestratorUnavailable: nothing was changed, as far as we know.
        """

    async def start(self, job_id: str, run: int) -> None:
        """Starts the workflow of a run that was just committed, if that can be done now.

        Never raises for Temporal's sake: the outbox makes the start certain.
        """
