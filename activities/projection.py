"""Stores a job's changes and their events, in order, and tells the hosts concerned."""

from collections.abc import Iterable
from typing import Protocol

from temporalio import activity

from activities.checking import check_write
from activities.heartbeats import heartbeats
from workflows.activity_contracts import Records
from workflows.domain.messages import (
    JobSnapshot,
    ProjectionWrite,
    RunKey,
    StartJob,
    TasksMoved,
    WriteAnswer,
)
from workflows.domain.statuses import TaskStatus

#: Well below the heartbeat time-out in job workflows; most writes end before the first heartbeat.
HEARTBEAT_EVERY_S = 2.0


class ProjectionStore(Protocol):
    """The database, as far as a job's workflow needs it."""

    async def claim(self, job_id: str, run: int) -> JobSnapshot | None:
        """Return the state that a run starts from; None if it does not own the job."""
        ...

    async def store(self, write: ProjectionWrite) -> WriteAnswer: ...


class ToldHosts(Protocol):
    """The fast channel to hosts. A lost message does no harm."""

    async def stop_run(self, worker_id: str, key: RunKey, reason: str) -> bool: ...

    async def settled(self, worker_id: str, key: RunKey) -> None: ...


class Cooling(Protocol):
    def unresponsive(self, worker_id: str) -> None:
        """Note that the worker did not take its task, so that it is not lent at once."""
        ...


class Projection(Records):
    def __init__(self, store: ProjectionStore, hosts: ToldHosts, keeper: Cooling) -> None:
        self._store = store
        self._hosts = hosts
        self._keeper = keeper

    @activity.defn(name="claim_job")
    async def claim_job(self, start: StartJob) -> JobSnapshot | None:
        async with heartbeats(lambda: None, HEARTBEAT_EVERY_S):
            return await self._store.claim(start.job_id, start.run)

    @activity.defn(name="store_changes")
    async def store_changes(self, write: ProjectionWrite) -> WriteAnswer:
        check_write(write)
        for returned in write.returned:
            if returned.unresponsive:
                self._keeper.unresponsive(returned.worker_id)
        async with heartbeats(lambda: None, HEARTBEAT_EVERY_S):
            answer = await self._store.store(write)
        if answer is WriteAnswer.STORED:
            await self._tell_hosts(write)
        return answer

    async def _tell_hosts(self, write: ProjectionWrite) -> None:
        for stopped in write.stopped:
            await self._hosts.stop_run(stopped.worker_id, stopped.key, "its job gave it up")
            # No activity will ask for this run's outcome.
            await self._hosts.settled(stopped.worker_id, stopped.key)
        for worker_id, key in _settled(write):
            await self._hosts.settled(worker_id, key)


def _settled(write: ProjectionWrite) -> Iterable[tuple[str, RunKey]]:
    """Yield (worker, run key) for each run whose end this write has recorded."""
    for moved in write.tasks:
        if _is_end_of_run(moved) and moved.worker_id and moved.attempt:
            key = RunKey(write.job_id, int(moved.indexes), write.run, moved.attempt)
            yield moved.worker_id, key


def _is_end_of_run(moved: TasksMoved) -> bool:
    return not moved.in_bulk and moved.status is not TaskStatus.ACTIVE
