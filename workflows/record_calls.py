"""Calls the activities of `Records`, with their time limits.

A request to cancel the workflow interrupts the caller, and leaves the activity alone: both
activities may be called again, and a write that is broken off could leave hosts untold.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

from workflows.activity_contracts import Records
from workflows.domain.messages import JobSnapshot, ProjectionWrite, StartJob, WriteAnswer

_LONGEST = timedelta(minutes=2)
#: When a manager is killed during an activity of `Records`, another repeats it after this time.
_HEARTBEAT = timedelta(seconds=10)
_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=5)
)


async def claim_job(start: StartJob) -> JobSnapshot | None:
    return await workflow.execute_activity_method(
        Records.claim_job,
        start,
        start_to_close_timeout=_LONGEST,
        heartbeat_timeout=_HEARTBEAT,
        retry_policy=_RETRY,
        cancellation_type=ActivityCancellationType.ABANDON,
    )


async def store_changes(write: ProjectionWrite) -> WriteAnswer:
    return await workflow.execute_activity_method(
        Records.store_changes,
        write,
        start_to_close_timeout=_LONGEST,
        heartbeat_timeout=_HEARTBEAT,
        retry_policy=_RETRY,
        cancellation_type=ActivityCancellationType.ABANDON,
    )
