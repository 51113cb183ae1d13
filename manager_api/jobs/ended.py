"""Changes of a job whose run has ended: the database owns its state until the next run."""

from manager_api.database import events
from manager_api.database.engine import Session, utc_now
from manager_api.database.payloads import JOBS, job_event
from manager_api.database.tables import JobRow
from manager_api.jobs import blocklist_store as blocklists
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from workflows.domain.job.transitions import check_job_action, check_task_action
from workflows.domain.messages import Change


async def make_change(session: Session, row: JobRow, change: Change) -> int | None:
    """Make a change of an ended job, or order a run that begins with the change.

    Append an event to `/jobs` if the priority changes.

    Args:
        row: the job, locked against other writers.

    Returns:
        The number of the new run; None if the change needs no run.

    Raises:
        NotEnded: a run owns the job; ask its workflow.
        Refused: the change is not possible in the current status.
        TaskNotFound: the job has no task with the index that the change names.
    """
    jobs.check_ended(row)
    if change.unblock:
        # Allowed for archived jobs and jobs that are being deleted, too: it has no effect on them.
        await blocklists.unblock(session, row, change.unblock)
        return None
    jobs.check_stays(row)
    if change.priority is not None:
        _set_priority(session, row, change.priority)
        return None
    if change.action is not None:
        check_job_action(row.status, change.action)
    if change.task is not None and change.task_action is not None:
        task = await tasks.existing_task_of_job(session, row.id, change.task)
        check_task_action(task.status, change.task_action)
    return await jobs.begin_run(session, row, change)


def _set_priority(session: Session, row: JobRow, priority: int) -> None:
    row.priority = priority
    row.updated = utc_now()
    events.append(session, JOBS, job_event(row))
