"""What a host says about being set aside, and what its manager keeps of it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from workflows.domain.asides import (
    MOST_ASIDES,
    Aside,
    from_json,
    heard,
    reason_for_all,
    stored,
    to_json,
    told,
    types_left_out,
)

FULL = Aside("disk-full", "A disk is full.")
MISSING = Aside("program-missing", "No Blender.", ("blender",))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_what_is_told_is_heard() -> None:
    assert heard(told([FULL, MISSING])) == [FULL, MISSING]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"x": "no object"}, []),
        ({"": {"reason": "no cause"}}, []),
        ({"x": {}}, [Aside("x", "")]),
        ({"x": {"task_types": "blender"}}, [Aside("x", "")]),
        ({"x": {"reason": 3, "task_types": [1]}}, [Aside("x", "3", ("1",))]),
        ({"x": {"reason": "r" * 9_999}}, [Aside("x", "r" * 500)]),
    ],
)
def test_what_cannot_be_read_is_left_out(said: dict[str, Any], expected: list[Aside]) -> None:
    assert heard(said) == expected


def test_a_host_cannot_say_too_much() -> None:
    assert len(heard({str(i): {"reason": "r"} for i in range(999)})) == MOST_ASIDES


def test_a_cause_keeps_its_time_while_it_lasts() -> None:
    first = stored([FULL], [], NOON)

    second = stored([FULL, MISSING], from_json(to_json(first)), NOON.replace(hour=13))

    assert [aside.since for aside in second] == [
        "2026-01-01T12:00:00+00:00",
        "2026-01-01T13:00:00+00:00",
    ]


def test_some_causes_concern_some_task_types_only() -> None:
    assert reason_for_all([MISSING]) == ""
    assert reason_for_all([MISSING, FULL]) == "A disk is full."
    assert types_left_out([MISSING, FULL]) == {"blender"}
