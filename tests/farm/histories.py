"""What Temporal has written down about a job of a running farm."""

import asyncio
import json
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from tests.farm.processes import FarmProcesses, wait_until

T = TypeVar("T")


@dataclass(frozen=True)
class History:
    """One execution; a job has several, one per run and continue-as-new."""

    events: list[HistoryEvent]

    @property
    def failed_workflow_tasks(self) -> list[str]:
        """Why each of them failed, but for those that were about to end the execution while a
        message came in: Temporal has them look again.
        """
        failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        look_again = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
        return [
            f"{WorkflowTaskFailedCause.Name(attributes.cause)}: {attributes.failure.message}"
            for event in self.events
            if event.event_type == failed
            for attributes in [event.workflow_task_failed_event_attributes]
            if attributes.cause != look_again
        ]

    @property
    def largest_payload(self) -> int:
        """In bytes; Temporal refuses 2 MiB."""
        return max(event.ByteSize() for event in self.events)

    @property
    def size(self) -> int:
        return sum(event.ByteSize() for event in self.events)

    @property
    def input_size(self) -> int:
        started = self.events[0].workflow_execution_started_event_attributes
        return sum(payload.ByteSize() for payload in started.input.payloads)

    @property
    def claimed_size(self) -> int:
        """Bytes of the snapshot that the run began with; 0 if it was carried instead."""
        claim = 0
        for event in self.events:
            scheduled = event.activity_task_scheduled_event_attributes
            completed = event.activity_task_completed_event_attributes
            if scheduled.activity_type.name == "claim_job":
                claim = event.event_id
            elif claim and completed.scheduled_event_id == claim:
                return sum(payload.ByteSize() for payload in completed.result.payloads)
        return 0

    @property
    def is_continued(self) -> bool:
        """It ended by continuing as new."""
        continued = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW
        return self.events[-1].event_type == continued

    @property
    def recalled(self) -> set[str]:
        """Leases that the workflow was told to hand back."""
        leases = set()
        for event in self.events:
            signal = event.workflow_execution_signaled_event_attributes
            if signal.signal_name == "recall":
                recalls = json.loads(signal.input.payloads[0].data)
                leases |= {recall["lease_id"] for recall in recalls}
        return leases


def in_thread(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, also for a test that has an event loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def histories(farm: FarmProcesses, job_id: str) -> list[History]:
    """Of all executions of the job's workflow, oldest first."""
    return in_thread(_histories(farm, job_id))


async def _histories(farm: FarmProcesses, job_id: str) -> list[History]:
    client = await Client.connect(temporal_address(farm))
    query = f"WorkflowId = 'job-{job_id}'"
    executions = [each async for each in client.list_workflows(query)]
    executions.sort(key=lambda each: each.start_time)
    found = []
    for each in executions:
        handle = client.get_workflow_handle(each.id, run_id=each.run_id)
        found.append(History(list((await handle.fetch_history()).events)))
    return found


async def _newest(farm: FarmProcesses, job_id: str) -> History:
    client = await Client.connect(temporal_address(farm))
    handle = client.get_workflow_handle(f"job-{job_id}")
    return History(list((await handle.fetch_history()).events))


def query_status(farm: FarmProcesses, job_id: str) -> Any:
    """What the job's workflow answers to the query `status`."""
    return in_thread(_query(farm, job_id))


async def _query(farm: FarmProcesses, job_id: str) -> Any:
    client = await Client.connect(temporal_address(farm))
    return await client.get_workflow_handle(f"job-{job_id}").query("status")


def temporal_address(farm: FarmProcesses) -> str:
    record = json.loads((farm.data_dir / "temporal" / "temporal.json").read_text())
    return f"127.0.0.1:{record['port']}"


def until_recalled(farm: FarmProcesses, job_id: str, leases: int) -> None:
    """So many of the job's leases are recalled, and its workflow will know before anything else."""
    wait_until(lambda: len(in_thread(_newest(farm, job_id)).recalled) >= leases, 60, 0.3)
