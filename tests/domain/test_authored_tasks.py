"""What a script says its tasks are, taken at its word or refused."""

import random
from typing import Any

import pytest

from workflows.domain.job_types.authored import MAX_DEPENDENCIES, MAX_NAME, tasks_of_script
from workflows.domain.job_types.definitions import (
    MAX_TASKS,
    AuthoredCommand,
    AuthoredTask,
    CompileError,
)


def described(serial: int = 1, *after: int, **changes: Any) -> dict[str, Any]:
    command = {"name": "echo", "parameters": {"message": "olé"}, "total_step_count": 2.0}
    task = {"serial": serial, "name": f"t{serial}", "type": "misc", "priority": 50}
    return {**task, "commands": [command], "after": list(after), **changes}


def test_serial_numbers_become_positions() -> None:
    tasks = tasks_of_script([described(7, 9, 8, 9), described(9), described(8, 9)])

    assert [task.dependencies for task in tasks] == [(2, 3), (), (2,)]
    command = AuthoredCommand("echo", {"message": "olé"}, 2)
    assert tasks[1] == AuthoredTask("t9", "misc", (command,))
    assert tasks_of_script([]) == []


@pytest.mark.parametrize(
    ("tasks", "sentence"),
    [
        ([described(), described()], "'t1' is added to the job twice"),
        ([described(1, 5)], "'t1' depends on a task that was never added"),
        ([described(1, 1)], "These tasks wait for each other: 't1'"),
        ([described(1, 2), described(2, 3), described(3, 1)], "These tasks wait for each other"),
        ([described(name=" ")], "A task's name must be a text that is not empty"),
        ([described(name=5)], "A task's name must be a text"),
        ([described(name="x" * (MAX_NAME + 1))], "A task's name is longer than 1,000,000"),
        ([described(type="x" * 256)], "The type of the task 't1' is longer than 255"),
        ([described(priority=2**40)], "The priority of the task 't1' must be .* 32 bits"),
        ([described(priority=1.5)], "The priority of the task 't1' must be a whole number"),
        ([described(priority=True)], "The priority of the task 't1' must be a whole number"),
        ([described(commands=[{"name": "", "parameters": {}, "total_step_count": 0}])], "the name"),
        (
            [described(commands=[{"name": "a", "parameters": [], "total_step_count": 0}])],
            "The parameters of a command of the task 't1' must be an object",
        ),
        (
            [described(commands=[{"name": "a", "parameters": {}, "total_step_count": -1}])],
            "cannot be -1",
        ),
    ],
)
def test_what_no_task_can_be_is_refused(tasks: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(CompileError, match=f"(?i){sentence}"):
        tasks_of_script(tasks)


def test_more_than_a_job_can_hold_is_refused() -> None:
    bare = described(commands=[])
    with pytest.raises(CompileError, match="200,001 tasks"):
        tasks_of_script([bare] * (MAX_TASKS + 1))

    first = [described(serial, commands=[]) for serial in range(1, 1001)]
    everything = [described(s, *range(1, 1001), commands=[]) for s in range(1001, 2002)]
    assert 1000 * len(everything) > MAX_DEPENDENCIES
    with pytest.raises(CompileError, match="more than 1,000,000 dependencies"):
        tasks_of_script(first + everything)

    dice = random.Random(1)
    tangled = [
        described(s, *dice.sample(range(1, s), min(s - 1, 20)), commands=[])
        for s in range(1, 20_001)
    ]
    with pytest.raises(CompileError, match="in more ways than one job can hold"):
        tasks_of_script(tangled)
