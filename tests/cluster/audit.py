"""What must hold after the strikes. Each invariant yields a sentence for each time it is broken."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.bench.dispatch.records import Ran
from tests.cluster.strikes import Struck

#: What waited for a service may run out for so long after its start: `schedule_to_start_s`, and
#: as much for what a busy machine needs to tell of it.
EXPLAINED_S = 60.0


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task as the database has it."""

    job: str
    index: int
    status: str
    attempt: int


@dataclass(frozen=True, slots=True)
class WorkflowSeen:
    job: str
    status: str
    failures: Sequence[str]
    """Why workflow tasks have failed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The farm after its last job has ended. Times are the machine's monotonic clock."""

    hosts: int
    strikes: Sequence[Struck]
    jobs: Mapping[str, str]
    """Statuses of the submitted jobs, by their ids."""
    tasks: Sequence[TaskSeen]
    expected_tasks: int
    runs: Sequence[Ran]
    """The runs that hosts have ended."""
    given_back: Mapping[tuple[str, int], Sequence[float]]
    """When each task went back to the queue, by its job and its place in it."""
    workers: Mapping[str, str]
    """Statuses by names."""
    not_awake: Sequence[tuple[float, str, str]]
    """When a worker had another status than awake since all were awake, its name, the status."""
    leases: Sequence[str]
    """Each lease that is not returned, in words."""
    workflows: Sequence[WorkflowSeen]


def audit(seen: Seen) -> list[str]:
    """Return a sentence for each invariant that is broken, and how."""
    return [f"{each.__name__}: {words}" for each in INVARIANTS for words in each(seen)]


def every_job_is_completed(seen: Seen) -> Iterator[str]:
    for job, status in seen.jobs.items():
        if status != "completed":
            yield f"job {job} is {status}"


def every_task_is_completed(seen: Seen) -> Iterator[str]:
    if len(seen.tasks) != seen.expected_tasks:
        yield f"there are {len(seen.tasks)} tasks, and {seen.expected_tasks} were submitted"
    for task in seen.tasks:
        if task.status != "completed":
            yield f"task {task.index} of job {task.job} is {task.status}"


def every_task_was_run(seen: Seen) -> Iterator[str]:
    ended = {(ran.job, ran.task) for ran in seen.runs}
    for task in seen.tasks:
        if (task.job, task.index) not in ended:
            yield f"no host has run task {task.index} of job {task.job}"


def no_run_is_begun_twice(seen: Seen) -> Iterator[str]:
    runs = Counter((ran.job, ran.task, ran.attempt) for ran in seen.runs)
    for (job, task, attempt), count in runs.items():
        if count > 1:
            yield f"try {attempt} of task {task} of job {job} was run {count} times"


def no_task_is_run_twice(seen: Seen) -> Iterator[str]:
    tries = Counter((ran.job, ran.task) for ran in {_without_times(ran) for ran in seen.runs})
    for (job, task), count in tries.items():
        if count > 1:
            yield f"task {task} of job {job} was run to its end in {count} tries"


def further_tries_have_a_cause(seen: Seen) -> Iterator[str]:
    further = {(ran.job, ran.task, ran.attempt): ran.began for ran in seen.runs if ran.attempt > 1}
    for task in seen.tasks:
        given_back = seen.given_back.get((task.job, task.index), ())
        for attempt in range(2, task.attempt + 1):
            begun = further.get((task.job, task.index, attempt))
            moments = given_back if begun is None else (*given_back, begun)
            if all(cause_of(seen.strikes, each) is None for each in moments):
                yield f"nothing explains try {attempt} of task {task.index} of job {task.job}"


def _without_times(ran: Ran) -> Ran:
    return replace(ran, host=0, began=0.0, ended=0.0)


def no_host_is_lost(seen: Seen) -> Iterator[str]:
    if len(seen.workers) != seen.hosts:
        yield f"there are {len(seen.workers)} workers, and {seen.hosts} hosts"
    for name, status in seen.workers.items():
        if status != "awake":
            yield f"{name} is {status}"
    for _, name, status in seen.not_awake:
        yield f"{name} was {status} for a while"


def no_lease_is_left(seen: Seen) -> Iterator[str]:
    yield from seen.leases


def workflows_are_closed_and_never_failed(seen: Seen) -> Iterator[str]:
    completed = Counter(each.job for each in seen.workflows if each.status == "COMPLETED")
    for job in seen.jobs:
        if completed[job] != 1:
            yield f"{completed[job]} workflows of job {job} are completed"
    for workflow in seen.workflows:
        if workflow.status not in ("COMPLETED", "CONTINUED_AS_NEW"):
            yield f"a workflow of job {workflow.job} is {workflow.status}"
        for failure in workflow.failures:
            yield f"a workflow task of job {workflow.job} failed: {failure}"


def cause_of(strikes: Sequence[Struck], moment: float) -> Struck | None:
    """Return the strike that explains why a task went back to the queue."""
    for strike in strikes:
        if strike.back > strike.at and strike.at <= moment <= strike.back + EXPLAINED_S:
            return strike
    return None


INVARIANTS: tuple[Callable[[Seen], Iterator[str]], ...] = (
    every_job_is_completed,
    every_task_is_completed,
    every_task_was_run,
    no_run_is_begun_twice,
    no_task_is_run_twice,
    further_tries_have_a_cause,
    no_host_is_lost,
    no_lease_is_left,
    workflows_are_closed_and_never_failed,
)
