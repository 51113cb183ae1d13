"""What workflows may ask of the world; abstract, so that implementations are type-checked."""

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

#: The managers' task queue: workflows, records, the keeper.
MANAGER_TASK_QUEUE = "manager"


class Rendering(ABC):
    """Runs on a render machine, from that machine's own task queue."""

    @activity.defn(name="run_task")
    @abstractmethod
    async def run_task(self, run: RunRef) -> Outcome:
        """Run a task's commands in order, or attach to the run that does so already."""


class Records(ABC):
    """Runs in the manager, beside the database."""

    @activity.defn(name="claim_job")
    @abstractmethod
    async def claim_job(self, start: StartJob) -> JobSnapshot | None:
        """What a run of a job starts from; None if the run does not own the job."""

    @activity.defn(name="store_changes")
    @abstractmethod
    async def store_changes(self, write: ProjectionWrite) -> WriteAnswer:
        """Store what a job's workflow decided, once, and tell whom it concerns."""


class Keeping(ABC):
    """Runs in one manager at a time."""

    @activity.defn(name="keep_farm")
    @abstractmethod
    async def keep_farm(self) -> None:
        """Keep the farm until another keeper takes over."""
