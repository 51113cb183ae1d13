"""Turns a job type script's tasks into a job's tasks, and checks them.

Flamenco finds mistakes only while it stores the job, and answers 500. Here each refusal is a
sentence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from workflows.domain.job.encoding import TaskColumns, encode
from workflows.domain.job.ranges import format_ranges
from workflows.domain.job_types.definitions import (
    MAX_TASKS,
    AuthoredCommand,
    AuthoredTask,
    CompileError,
)
from workflows.domain.statuses import TaskStatus

#: The longest name that a script may give a task, in characters. It may name all frames of its
#: chunk one by one; `finishing` shortens it.
MAX_NAME = 1_000_000
#: The longest task type and command name, in characters, as in the database.
MAX_TYPE = 255
#: The most dependencies of all tasks together; a job's workflow holds them in memory.
MAX_DEPENDENCIES = 1_000_000
#: The largest encoded task table, in characters: half of what one Temporal message can hold. The
#: other half is for later changes of the tasks (docs/protocol.md, rule 13).
MAX_STATE = 1_000_000
_INT32 = range(-(2**31), 2**31)
_SHOWN = 60


def tasks_of_script(described: Iterable[Mapping[str, Any]]) -> list[AuthoredTask]:
    """Return the tasks that a script described.

    Args:
        described: `{serial, name, type, priority, commands, after}` for each task, in the job's
            order. `after` has the serials of the tasks that it waits for, anywhere in the list.

    Raises:
        CompileError: a task is not valid, or the tasks wait for each other.
    """
    tasks = list(described)
    if len(tasks) > MAX_TASKS:
        raise CompileError(f"This makes {len(tasks):,} tasks, and a job has at most {MAX_TASKS:,}.")
    positions = _positions(tasks)
    authored = [_task(task, positions) for task in tasks]
    _check_dependencies(authored)
    _check_state(authored)
    return authored


def _positions(tasks: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Return the position, from 1, of the task with each serial number."""
    positions: dict[int, int] = {}
    for position, task in enumerate(tasks, 1):
        if positions.setdefault(task["serial"], position) != position:
            raise CompileError(f"The task {_shown(task['name'])} is added to the job twice.")
    return positions


def _task(task: Mapping[str, Any], positions: Mapping[int, int]) -> AuthoredTask:
    name, kind = task["name"], task["type"]
    _check_text("a task's name", name, MAX_NAME)
    _check_text(f"the type of the task {_shown(name)}", kind, MAX_TYPE)
    what = f"the priority of the task {_shown(name)}"
    priority = _whole(what, task["priority"])
    if priority not in _INT32:
        raise CompileError(f"{_upper(what)} must be a number of at most 32 bits.")
    return AuthoredTask(
        name,
        kind,
        tuple(_command(command, name) for command in task["commands"]),
        tuple(_dependencies(task, positions)),
        priority,
    )


def _dependencies(task: Mapping[str, Any], positions: Mapping[int, int]) -> Iterator[int]:
    for serial in dict.fromkeys(task["after"]):
        if serial not in positions:
            raise CompileError(
                f"The task {_shown(task['name'])} depends on a task that was never added to the "
                "job."
            )
        yield positions[serial]


def _command(command: Mapping[str, Any], task_name: str) -> AuthoredCommand:
    where = f"of the task {_shown(task_name)}"
    name, parameters = command["name"], command["parameters"]
    _check_text(f"the name of a command {where}", name, MAX_TYPE)
    if not isinstance(parameters, dict):
        raise CompileError(f"The parameters of a command {where} must be an object.")
    steps = _whole(f"the number of steps of a command {where}", command["total_step_count"])
    if not 0 <= steps < 2**31:
        raise CompileError(f"The number of steps of a command {where} cannot be {steps}.")
    return AuthoredCommand(name, parameters, steps)


def _check_dependencies(tasks: Sequence[AuthoredTask]) -> None:
    if sum(len(task.dependencies) for task in tasks) > MAX_DEPENDENCIES:
        raise CompileError(f"The tasks have more than {MAX_DEPENDENCIES:,} dependencies together.")
    # A circle needs a task that waits for a later task, or for itself.
    if all(
        dependency < position
        for position, task in enumerate(tasks, 1)
        for dependency in task.dependencies
    ):
        return
    graph = {position: task.dependencies for position, task in enumerate(tasks, 1)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as problem:
        names = [_shown(tasks[position - 1].name) for position in problem.args[1][:-1]]
        raise CompileError(f"These tasks wait for each other: {', '.join(names[:5])}.") from problem


def _check_state(tasks: Sequence[AuthoredTask]) -> None:
    """Check the size of the encoded task table.

    Tasks that are alike take little space; tasks that all depend on different tasks take much.
    """
    count = len(tasks)
    columns = TaskColumns(
        types=[task.type for task in tasks],
        priorities=[task.priority for task in tasks],
        depends_on=[format_ranges(sorted(task.dependencies)) for task in tasks],
        statuses=[TaskStatus.QUEUED] * count,
        attempts=[0] * count,
        failures=[0] * count,
        failed_by=[()] * count,
    )
    if len(encode(columns)) > MAX_STATE:
        raise CompileError(
            "The tasks depend on each other in more ways than one job can hold: make several jobs "
            "of this."
        )


def _check_text(what: str, text: Any, longest: int) -> None:
    if not isinstance(text, str) or not text.strip():
        raise CompileError(f"{_upper(what)} must be a text that is not empty.")
    if len(text) > longest:
        raise CompileError(f"{_upper(what)} is longer than {longest:,} characters.")


def _whole(what: str, number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int | float) or number != int(number):
        raise CompileError(f"{_upper(what)} must be a whole number.")
    return int(number)


def _upper(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _shown(text: Any) -> str:
    shown = str(text)
    return repr(shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…")
