"""Gives a host the commands of a task that it holds a lease for."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from manager_api.contract.errors import Forbidden, NotFound, Overtaken
from manager_api.contract.runs import (
    ExistingFrames,
    HostNeeds,
    RunCommands,
    SharedStorage,
    WrittenFrame,
)
from manager_api.database.batching import Batched
from manager_api.database.engine import Database
from manager_api.database.tables import LeaseState, WorkerRow
from manager_api.logs.task_logs import TaskLogs
from manager_api.runs.commands import CommandsForWorker
from manager_api.runs.store import LeasedTask, TaskOfLease, leased_tasks
from manager_api.settings.sections import FaultRule
from manager_api.workers import provision_store as provisions
from workflows.domain.bounded_dict import BoundedDict
from workflows.domain.messages import RunKey
from workflows.domain.provisioning import Provision
from workflows.domain.render_warnings import fail_the_task
from workflows.domain.run_times import FarmTimes
from workflows.domain.variables import Variables

#: Most runs whose task ids are remembered for their logs: more than a large farm begins in
#: `_REMEMBERED_S`.
_REMEMBERED_RUNS = 20_000
#: How long a host that fetched commands counts as the one that runs them, in seconds. Later the
#: database is asked, because a worker's authority ends with its lease.
_REMEMBERED_S = 30.0


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A task of a lease, and the settings in force for the lease's worker."""

    task: LeasedTask
    provision: Provision


class RunService:
    """Gives hosts the commands of their runs.

    This is on the path between two frames, so one query answers all hosts that ask at the same
    time, and nothing is stored.
    """

    def __init__(
        self,
        database: Database,
        variables: Callable[[], Variables],
        logs: TaskLogs,
        times: Callable[[], FarmTimes],
        storage: Callable[[], tuple[str, str]] = lambda: ("", ""),
        fault_rules: Callable[[], Sequence[FaultRule]] = tuple,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            variables: returns the variables in force.
            logs: of the tasks, which name the frames that their tries have written.
            fault_rules: returns the farm's own rules for causes of failures.
            times: returns the times in force.
            storage: returns the shared storage's path, and the id in its marker, if it has one.
            clock: in seconds of any origin.
        """
        self._database = database
        self._variables = variables
        self._logs = logs
        self._fault_rules = fault_rules
        self._times = times
        self._storage = storage
        self._leased_tasks = Batched(self._read)
        self._clock = clock
        self._fetched: BoundedDict[tuple[str, RunKey], tuple[str, float]] = BoundedDict(
            _REMEMBERED_RUNS
        )
        """The task's id by worker and run, and until when it counts."""

    async def fetch(self, worker: WorkerRow, key: RunKey, lease_id: str) -> RunCommands:
        """Return the commands of a run.

        Raises:
            Forbidden: the lease is not this worker's for this run.
            NotFound: the lease, the job or the task does not exist.
            Overtaken: the lease was returned, or a newer run or attempt exists.
        """
        wanted = await self._leased_tasks.get(TaskOfLease(lease_id, key.job_id, key.index))
        if wanted is None:
            raise NotFound("there is no such lease for this job and task")
        task = wanted.task
        _check_authority(task, worker, key)
        self._fetched[worker.id, key] = (task.task_id, self._clock() + _REMEMBERED_S)
        written = CommandsForWorker(
            self._variables(),
            worker.platform,
            wanted.provision,
            task.job_metadata,
            task.rna_overrides,
        )
        return RunCommands(
            run_key=str(key),
            task_id=task.task_id,
            job_name=task.job_name,
            task_name=task.task_name,
            task_type=task.task_type,
            commands=written.commands(task.commands),
            total_steps=task.steps_total,
            environment=written.environment,
            fail_on_warnings=fail_the_task(task.job_metadata or {}),
            existing_frames=await self._existing_frames(task, key),
            fault_rules=[rule.model_dump(mode="json") for rule in self._fault_rules()],
            times=self._times().of_run(task.task_type, task.job_metadata),
            storage=self._storage_for(written),
        )

    def _storage_for(self, written: CommandsForWorker) -> SharedStorage | None:
        path, marker = self._storage()
        return SharedStorage(path=written.path(path), id=marker) if marker else None

    async def _existing_frames(self, task: LeasedTask, key: RunKey) -> ExistingFrames:
        tries = range(max(1, task.frames_from), key.attempt)
        written = await self._logs.frames_written(key.job_id, task.task_id, tries) if tries else ()
        return ExistingFrames(
            are_all_kept=task.keeps_frames is True,
            written=[
                WrittenFrame(file=each.file, size=each.size, modified_ns=each.modified_ns)
                for each in written
            ],
        )

    def programs(self, platform: str, provision: Provision) -> dict[str, list[str]]:
        """Return the programs that a host needs, by task type; one of each is enough."""
        return CommandsForWorker(self._variables(), platform, provision).programs()

    async def needs(self, worker: WorkerRow) -> HostNeeds:
        """Return what a worker's host needs for its tasks, on the worker's platform."""
        async with self._database.reading() as session:
            provided = await provisions.effective_by_id(session, [worker.id])
        provision = provided.get(worker.id, Provision())
        written = CommandsForWorker(self._variables(), worker.platform, provision)
        return HostNeeds(
            name=worker.name,
            is_waiting=worker.is_waiting,
            programs=written.programs(),
            blender_arguments=written.blender_arguments,
            environment=written.environment,
            storage=self._storage_for(written),
        )

    def task_fetched(self, worker_id: str, key: RunKey) -> str | None:
        """Return the id of the run's task, if this worker fetched its commands not long ago."""
        task_id, until = self._fetched.get((worker_id, key), (None, 0.0))
        return task_id if self._clock() < until else None

    async def _read(self, wanted: Collection[TaskOfLease]) -> Mapping[TaskOfLease, _Wanted]:
        async with self._database.reading() as session:
            tasks = await leased_tasks(session, wanted)
            holders = {task.lease_worker_id for task in tasks.values()}
            provided = await provisions.effective_by_id(session, holders)
        return {
            each: _Wanted(task, provided.get(task.lease_worker_id, Provision()))
            for each, task in tasks.items()
        }


def _check_authority(task: LeasedTask, worker: WorkerRow, key: RunKey) -> None:
    """Raise unless the lease allows the run.

    The lease decides, never the task's status, which may lag (protocol rule 11).
    """
    if task.lease_worker_id != worker.id or task.lease_run != key.run:
        raise Forbidden("the lease is not this worker's for this run")
    if task.lease_state is LeaseState.RETURNED:
        raise Overtaken("the lease has been returned")
    if task.job_run != key.run:
        raise Overtaken(f"the job is at run {task.job_run} by now")
    if task.attempt > key.attempt:
        raise Overtaken(f"the task is at attempt {task.attempt} by now")
