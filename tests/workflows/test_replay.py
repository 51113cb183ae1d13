"""Old histories still replay: a change of the order of commands would wedge jobs that are running.

`python -m tests.workflows.record` records them anew from a running farm; commit those of the old
code before a change, and never replace them to make this pass (CONTRIBUTING.md). In `paused-1` the
manager used the named updates, as builds before `change` did; in `changed-1` it uses `change`.
In `not-taken-1` a host did not take up what it had, when one offer of it was all. In
`ended-as-canceled-1` a request to cancel the workflow ended it, as in builds before rule 12 had it.
"""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from workflows.farm import FarmWorkflow
from workflows.job import JobWorkflow

HISTORIES = {
    file.stem: file.read_text()
    for file in sorted((Path(__file__).parent / "histories").glob("*.json"))
}


def test_there_are_recorded_histories() -> None:
    assert len(HISTORIES) >= 8


@pytest.mark.parametrize("name", HISTORIES)
async def test_recorded_histories_still_replay(name: str) -> None:
    replayer = Replayer(
        workflows=[JobWorkflow, FarmWorkflow],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=pydantic_data_converter,
        debug_mode=True,
    )

    await replayer.replay_workflow(WorkflowHistory.from_json(name, HISTORIES[name]))
