"""The activities that workflows call; abstract, so that implementations are type-checked."""

from abc import ABC, abstractmethod

from temporalio import activity

from workflows.domain.messages import (
    JobSnapshot,
    Outcome,
    ProjectionWrite,
    RunRef,
    StartJob,
    WriteAnswer,
)

#: The managers' task queue: workflows, and the activities of `Records` and `Keeping`.
MANAGER_TASK_QUEUE = "manager"


class Rendering(ABC):
    """Activities that run on a render machine, from that machine's own task queue."""

    @activity.defn(name="run_task")
    @abstractmethod
    async def run_task(self, run: RunRef) -> Outcome:
        """Run a task's commands in order, or attach to the run that does so already."""


class OnDeck(ABC):
    """An activity of render machines that can hold their next task (`Lease.has_deck`)."""

    @activity.defn(name="withdraw_task")
    @abstractmethod
    async def withdraw_task(self, run: RunRef) -> Outcome:
        """Take a run off the deck, unless it has begun.

        Returns:
            An outcome of the kind `WITHDRAWN`; `CANCELED` if the machine had not heard of the run;
            `BEGUN` if it goes on.
        """


class Records(ABC):
    """Activities that run in a manager, beside the database."""

    @activity.defn(name="claim_job")
    @abstractmethod
    async def claim_job(self, start: StartJob) -> JobSnapshot | None:
        """Return the state that a job's run starts from; None if the run does not own the job."""

    @activity.defn(name="store_changes")
    @abstractmethod
    async def store_changes(self, write: ProjectionWrite) -> WriteAnswer:
        """Store the decisions of a job's workflow once, and notify the hosts and clients."""


class Keeping(ABC):
    """The keeper's activity; it runs in one manager at a time."""

    @activity.defn(name="keep_farm")
    @abstractmethod
    async def keep_farm(self) -> None:
        """Keep the farm until another keeper takes over."""
