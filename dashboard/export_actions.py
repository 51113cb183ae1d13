"""Writes the manager's rules of actions as TypeScript, which the dashboard's lists ask.

python dashboard/export_actions.py FILE
"""

import json
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from workflows.domain.job.transitions import ARCHIVABLE, DELETABLE, JOB_ACTIONS, TASK_ACTIONS
from workflows.domain.messages import JobAction, TaskAction
from workflows.domain.statuses import JobStatus, TaskStatus

_PAGE = """/** The actions that the manager takes, by status. Made by export_actions.py. */

import type {{ JobStatus, Schemas, TaskStatus }} from '@/api/client'

export type JobAction = Schemas['PossibleAction']['action']
export type TaskAction = Schemas['TaskAction']

export const JOB_ACTIONS: Record<JobStatus, readonly JobAction[]> = {jobs}

export const TASK_ACTIONS: Record<TaskStatus, readonly TaskAction[]> = {tasks}
"""


def page() -> str:
    jobs = {status: [*_in_order(JobAction, JOB_ACTIONS[status])] for status in JobStatus}
    for word, statuses in (("archive", ARCHIVABLE), ("delete", DELETABLE)):
        for status in statuses:
            jobs[status].append(word)
    tasks = {status: [*_in_order(TaskAction, TASK_ACTIONS[status])] for status in TaskStatus}
    return _PAGE.format(jobs=_written(jobs), tasks=_written(tasks))


def _in_order(words: type[StrEnum], possible: Iterable[StrEnum]) -> list[str]:
    return [str(word) for word in words if word in set(possible)]


def _written(table: Mapping[StrEnum, list[str]]) -> str:
    lines = [
        f"  '{status}': {json.dumps(words).replace(chr(34), chr(39))},\n"
        for status, words in table.items()
    ]
    return "{\n" + "".join(lines) + "}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
