"""Keeps the farm's keeper alive: if its manager dies, Temporal runs it in another manager."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

from workflows.activity_contracts import Keeping

#: Workflow id of the one farm.
FARM = "farm"


@workflow.defn(name="Farm")
class FarmWorkflow:
    """Runs the keeper for ever.

    It does not make sure that only one keeper acts: the keeper's epoch does (rule 17).
    """

    def __init__(self) -> None:
        self._is_taken_over = False

    @workflow.run
    async def run(self, heartbeat_s: float) -> None:
        keeper = workflow.start_activity_method(
            Keeping.keep_farm,
            start_to_close_timeout=timedelta(days=365),
            heartbeat_timeout=timedelta(seconds=heartbeat_s),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=2)
            ),
            cancellation_type=ActivityCancellationType.ABANDON,
        )
        await workflow.wait_condition(lambda: self._is_taken_over or keeper.done())
        workflow.continue_as_new(heartbeat_s)

    @workflow.signal
    def take_over(self) -> None:
        """Start a new keeper at once, without waiting for the old keeper's heartbeat time-out.

        Managers of older builds send this when they start. Now they start the workflow in place of
        the open one.
        """
        self._is_taken_over = True
