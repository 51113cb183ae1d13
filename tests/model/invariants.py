"""What must hold when faults have ended and time has run (docs/protocol.md, Invariants)."""

from collections import Counter
from collections.abc import Iterator

from tests.model.database import JobRecord
from tests.model.world import World
from workflows.domain.messages import Want
from workflows.domain.statuses import ENDED, JobStatus, TaskStatus, WorkerStatus

_UNFINISHED = frozenset(
    {TaskStatus.QUEUED, TaskStatus.ACTIVE, TaskStatus.SOFT_FAILED, TaskStatus.PAUSED}
)


def unsettled(world: World) -> list[str]:
    """What is still to come; empty at rest. Jobs of a run that hangs are never at rest."""
    hanging = {key for _, key in world.hanging()}
    ill = {key.job_id for key in hanging}
    executions = world.temporal.executions
    jobs = [job for job in world.db.jobs.values() if job.id not in ill]
    found = [f"{job.id} is {job.status}" for job in jobs if not _rests(world, job)]
    found += [f"{key} lives" for key in world.live_runs() if key not in hanging]
    found += [f"{job_id} asked for {change}" for job_id, change in world.people.waiting]
    found += [f"{job_id} is to be started" for job_id in world.db.outbox]
    # Also of a job whose run hangs: the keeper's next audit starts it again.
    open_jobs = [job.id for job in world.db.jobs.values() if not job.is_ended]
    found += [f"{job_id} needs a workflow" for job_id in open_jobs if job_id not in executions]
    for execution in executions.values():
        row = world.db.jobs.get(execution.job_id)
        if row is None or row.is_ended or row.run != execution.run:
            found.append(f"the workflow of {execution.job_id} has to end")
        if execution.mailbox or execution.unwritten or (execution.job and execution.job.changes):
            found.append(f"{execution.job_id} has something to do")
    for worker in world.db.workers.values():
        if worker.requested or worker.status is not WorkerStatus.AWAKE:
            found.append(f"{worker.id} is {worker.status}, asked to be {worker.requested}")
    leases = [each.lease for each in world.db.leases.values()]
    found += [f"lease {lease.id} is open" for lease in leases if lease.job_id not in ill]
    kept = [key for key in world.db.http_runs if key.job_id not in ill]
    found += [f"{key} is kept for its activity" for key in kept]
    return found


def _rests(world: World, job: JobRecord) -> bool:
    if job.is_ended:
        return True
    if job.id not in world.temporal.executions:
        return False
    if job.status is JobStatus.PAUSED:
        return True
    wants = job.demand.wants if job.demand else ()
    return bool(wants) and not any(_is_served(world, job, want) for want in wants)


def _is_served(world: World, job: JobRecord, want: Want) -> bool:
    able = [
        worker
        for worker in world.db.workers.values()
        if want.task_type in worker.task_types and (job.tag is None or job.tag in worker.tags)
    ]
    hanging = Counter(worker_id for worker_id, _ in world.hanging())
    if not any(hanging[worker.id] for worker in able):
        return bool(able)
    # A worker stays blocked while another one is left that could take the tasks, even if it hangs.
    return any(
        hanging[worker.id] < worker.slots and worker.id not in want.blocked for worker in able
    )


def violations(world: World) -> Iterator[str]:
    for job in world.db.jobs.values():
        yield from _of_job(world, job)
    yield from world.keeper.lies[:3]
    yield from _of_workflows(world)
    yield from _of_numbers(world)
    if world.is_calm and world.never_fails and not world.people.asked:
        for host in world.hosts.values():
            if host.stopped and not host.has_restarted:
                yield f"nobody asked for it, yet stopped: {host.stopped}"


def _of_numbers(world: World) -> Iterator[str]:
    for key, recorded in world.db.recorded.items():
        if recorded > 1:
            yield f"the success of {key} was recorded {recorded} times"
    begun = Counter(key for host in world.hosts.values() for key in host.begun)
    for key, count in begun.items():
        if count > 1 and not world.may_repeat_runs:
            yield f"{count} runs had the key {key}"
    for (job_id, _, worker_id, version), count in world.db.useless.items():
        worker = world.db.workers.get(worker_id)
        if worker is not None and count > worker.slots:
            yield f"{job_id} was lent {worker_id} in vain {count} times for demand {version}"


def _of_job(world: World, job: JobRecord) -> Iterator[str]:
    if job.is_ended:
        if job.status not in ENDED:
            yield f"{job.id} has ended as {job.status}"
        if _UNFINISHED & set(job.columns.statuses):
            yield f"{job.id} has ended with {job.columns.statuses}"
        if job.id in world.temporal.executions:
            yield f"{job.id} has ended, its workflow has not"
    elif job.id not in world.temporal.executions:
        yield f"{job.id} has no workflow"
    succeeded = set().union(*(host.succeeded for host in world.hosts.values()))
    for index, status in enumerate(job.columns.statuses, start=1):
        run = (job.id, index, job.columns.attempts[index - 1])
        if status is TaskStatus.COMPLETED and run not in succeeded:
            yield f"{run} is completed without having run to success"


def _of_workflows(world: World) -> Iterator[str]:
    for job_id, execution in world.temporal.executions.items():
        row, job = world.db.jobs.get(job_id), execution.job
        if row is None or job is None or row.run != job.run:
            yield f"workflow and row of {job_id} disagree on who runs it"
            continue
        wants = row.demand.wants if row.demand else ()
        told = (row.status, row.priority, wants, row.blocked, row.columns)
        known = (
            job.status,
            job.priority,
            job.demand.wants,
            tuple(sorted(job.failures.blocked)),
            job.tasks.columns,
        )
        if told != known:
            yield f"database and workflow of {job_id} disagree: {told} {known}"
        if len(job.leases) and job_id not in {key.job_id for _, key in world.hanging()}:
            yield f"{job_id} holds leases that the database has not"
