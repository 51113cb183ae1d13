"""The two tables of actions in docs/differences-from-flamenco.md, as tests walk through them."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from workflows.domain.messages import JobAction, TaskAction
from workflows.domain.statuses import JobStatus, TaskStatus

Status = TypeVar("Status", bound=StrEnum)
Action = TypeVar("Action", bound=StrEnum)

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "differences-from-flamenco.md"

#: No job rests in one of these: they are passed through within one change.
PASSING = frozenset(
    {JobStatus.CANCEL_REQUESTED, JobStatus.REQUEUEING, JobStatus.UNDER_CONSTRUCTION}
)


def _table(first_column: str) -> dict[tuple[str, str], bool]:
    """(status, action) to whether it is possible."""
    lines = _PAGE.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    actions = _cells(lines[start])[1:]
    cells = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        statuses, *marks = _cells(line)
        for status in statuses.split(", "):
            for action, mark in zip(actions, marks, strict=True):
                cells[status, action.replace(" ", "-")] = mark == "✓"
    return cells


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.split("|")[1:-1]]


#: Without "archive" and "delete", which have operations of their own.
JOB_CELLS = {
    (JobStatus(status), JobAction(action)): is_possible
    for (status, action), is_possible in _table("job status").items()
    if action in {str(known) for known in JobAction} and JobStatus(status) not in PASSING
}
TASK_CELLS = {
    (TaskStatus(status), TaskAction(action)): is_possible
    for (status, action), is_possible in _table("task status").items()
}

GRANTED = sorted(cell for cell, is_possible in JOB_CELLS.items() if is_possible)
REFUSED = sorted(cell for cell, is_possible in JOB_CELLS.items() if not is_possible)
TASK_GRANTED = sorted(cell for cell, is_possible in TASK_CELLS.items() if is_possible)
TASK_REFUSED = sorted(cell for cell, is_possible in TASK_CELLS.items() if not is_possible)


def once_per_action(cells: Iterable[tuple[Status, Action]]) -> list[tuple[Status, Action]]:
    """The first cell of each action.

    For the ways beside HTTP: the rules are the same, so these tests prove the way only.
    """
    return list({action: (status, action) for status, action in reversed([*cells])}.values())


#: What a job may be a moment after an action; what runs again may have come far by then.
_RUNS = frozenset({JobStatus.QUEUED, JobStatus.ACTIVE})
BECOMES: dict[tuple[JobStatus, JobAction], frozenset[JobStatus]] = {
    **{cell: frozenset({JobStatus.CANCELED}) for cell in GRANTED if cell[1] is JobAction.CANCEL},
    (JobStatus.QUEUED, JobAction.PAUSE): frozenset({JobStatus.PAUSED}),
    (JobStatus.ACTIVE, JobAction.PAUSE): frozenset({JobStatus.PAUSE_REQUESTED}),
    (JobStatus.PAUSE_REQUESTED, JobAction.RESUME): frozenset({JobStatus.ACTIVE}),
    (JobStatus.PAUSED, JobAction.RESUME): _RUNS,
    (JobStatus.QUEUED, JobAction.REQUEUE_FAILED): _RUNS,
    (JobStatus.ACTIVE, JobAction.REQUEUE_FAILED): _RUNS,
    (JobStatus.PAUSED, JobAction.REQUEUE): _RUNS,
    (JobStatus.CANCELED, JobAction.REQUEUE): _RUNS,
    (JobStatus.COMPLETED, JobAction.REQUEUE): _RUNS | {JobStatus.COMPLETED},
    (JobStatus.FAILED, JobAction.REQUEUE): _RUNS | {JobStatus.FAILED},
    (JobStatus.FAILED, JobAction.REQUEUE_FAILED): _RUNS | {JobStatus.FAILED},
}
REQUEUES = frozenset({JobAction.REQUEUE, JobAction.REQUEUE_FAILED})
