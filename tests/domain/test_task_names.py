"""Names of tasks in a job's state: in little room, or not at all."""

from random import Random

import pytest

from workflows.domain.job.task_names import TaskNames, encode_names


def test_names_are_read_back_by_the_tasks_index() -> None:
    names = TaskNames(encode_names(["render-1-5", "シーン 人", ""]))

    assert [names.of(index) for index in (1, 2, 3)] == ["render-1-5", "シーン 人", ""]


def test_an_unknown_task_has_no_name() -> None:
    names = TaskNames(encode_names(["render"]))

    assert [names.of(index) for index in (0, 2, -1)] == ["", "", ""]
    assert TaskNames("").of(1) == ""


def test_the_numbered_tasks_of_a_long_film_keep_their_names() -> None:
    text = encode_names([f"render-{first}-{first + 4}" for first in range(1, 75_000, 5)])

    assert 0 < len(text) < 200
    assert TaskNames(text).of(15_000) == "render-74996-75000"


@pytest.mark.parametrize(
    "names",
    [
        [],
        [""],
        ["render-1", "render-2", "render-4", "render-6", "video"],
        ["render-10", "render-9", "render-8", "render-8", "render-8"],
        ["0001", "0002", "render-01-2", "render-01-3"],
        ["12345678901234567890", "12345678901234567891"],
        ["7", "8", "9", "a7b", "a8b", "a8", "-3", "-2"],
        ["1.5", "1.6", "2.6", "3.6"],
        ["\u0663", "\u0664", "²", "³", "1²"],
    ],
)
def test_any_names_are_read_back_as_they_were(names: list[str]) -> None:
    read = TaskNames(encode_names(names))

    assert [read.of(index) for index in range(1, len(names) + 2)] == [*names, ""]


def test_names_that_take_much_room_are_left_out() -> None:
    chance = Random(1)
    names = ["".join(chance.choices("abcdefghijklmnop", k=255)) for _ in range(1_000)]

    assert encode_names(names) == ""
