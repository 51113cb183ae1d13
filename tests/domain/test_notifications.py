"""Whom a happening concerns, how many become one message, and when it is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workflows.domain.notifications import (
    LONGEST_PAUSE,
    MOST_NAMED,
    Happening,
    HappeningKind,
    Rule,
    Scope,
    Times,
    cannot_go_on,
    concerns,
    is_due,
    message_of,
    pause_after,
)
from workflows.domain.shortages import Cause, Hindered, Shortage

NOW = datetime(2026, 5, 1, tzinfo=UTC)
JOB = Happening(
    HappeningKind.JOB_FAILED,
    "sh010",
    job_id="j1",
    project="Pilot",
    tag="t1",
    owner="ana",
    text="no camera",
)
WORKER = Happening(HappeningKind.WORKER_LOST, "anita", worker_id="w1")


@pytest.mark.parametrize(
    ("scope", "value", "account", "expected"),
    [
        (Scope.ALL, "", "", True),
        (Scope.PROJECT, "Pilot", "", True),
        (Scope.PROJECT, "pilot", "", False),
        (Scope.PROJECT, "", "", False),
        (Scope.TAG, "t1", "", True),
        (Scope.TAG, "t2", "", False),
        (Scope.MINE, "", "ana", True),
        (Scope.MINE, "", "bernat", False),
        (Scope.MINE, "", "", False),
        (Scope.JOB, "j1", "", True),
        (Scope.JOB, "j2", "", False),
    ],
)
def test_a_rule_is_about_its_scope(scope: Scope, value: str, account: str, expected: bool) -> None:
    rule = Rule(
        frozenset({HappeningKind.JOB_FAILED, HappeningKind.WORKER_LOST}), scope, value, account
    )

    assert concerns(rule, JOB) is expected
    assert concerns(rule, WORKER) is (scope is Scope.ALL)


@pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.TAG, Scope.MINE, Scope.JOB])
def test_what_is_empty_fits_no_empty_value(scope: Scope) -> None:
    nameless = Happening(HappeningKind.JOB_FAILED, "x")

    assert not concerns(Rule(frozenset(HappeningKind), scope), nameless)


def test_a_rule_is_about_its_kinds() -> None:
    assert not concerns(Rule(frozenset({HappeningKind.JOB_DONE})), JOB)


def test_many_are_one_message_with_a_count() -> None:
    many = [Happening(HappeningKind.JOB_FAILED, f"job {n}", job_id=str(n)) for n in range(2_000)]

    message = message_of(HappeningKind.JOB_FAILED, many)

    assert (message.title, message.count) == ("2,000 jobs failed", 2_000)
    assert len(message.items) == MOST_NAMED


def test_one_is_named() -> None:
    message = message_of(HappeningKind.JOB_FAILED, [JOB])

    assert (message.title, message.items[0].text) == ("Job sh010 failed", "no camera")


def test_a_job_with_many_stuck_tasks_counts_once() -> None:
    stuck = [
        Happening(HappeningKind.JOB_STUCK, "sh010", f"task {n}", job_id="j1") for n in range(20)
    ]

    assert message_of(HappeningKind.JOB_STUCK, stuck).title == "Job sh010 has a stuck task"


@pytest.mark.parametrize("kind", HappeningKind)
def test_every_kind_has_its_words(kind: HappeningKind) -> None:
    hostile = Happening(kind, "a {count} {name}\nb", job_id="1")

    assert "a {count} {name} b" in message_of(kind, [hostile]).title
    assert message_of(kind, [hostile, JOB]).title.startswith("2 ")


def test_names_and_texts_are_bounded() -> None:
    message = message_of(
        HappeningKind.JOB_FAILED, [Happening(HappeningKind.JOB_FAILED, "x" * 9_999, "y" * 9_999)]
    )

    assert (len(message.items[0].name), len(message.items[0].text)) == (200, 500)


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ([], False),
        ([0], False),
        ([4.9], False),
        ([5], True),
        ([30, 20, 4], False),
        ([30, 20, 6], True),
        ([60, 1], True),
    ],
)
def test_it_is_told_when_it_is_quiet_or_after_a_while(ages: list[float], expected: bool) -> None:
    moments = [NOW - timedelta(seconds=age) for age in ages]

    assert is_due(moments, NOW, Times()) is expected


def test_pauses_grow_to_an_hour() -> None:
    pauses = [pause_after(tries, Times()) for tries in (1, 2, 3, 9, 10, 1_000_000)]

    seconds = [pause.total_seconds() for pause in pauses]
    assert seconds == [10, 20, 40, 2560, 3600, LONGEST_PAUSE.total_seconds()]


def short(*causes: Cause, **fields: Any) -> Shortage:
    hindered = tuple(Hindered(cause, 1) for cause in causes)
    return Shortage(
        **({"job_id": "j", "tag": None, "task_type": "blender"} | fields), hindered=hindered
    )


@pytest.mark.parametrize(
    ("of_job", "expected"),
    [
        ([], False),
        ([short()], True),
        ([short(Cause.OTHER_TAG, Cause.OFFLINE, Cause.PAUSED)], True),
        ([short(Cause.BLOCKED)], True),
        ([short(Cause.OTHER_TAG, Cause.BUSY_HIGHER)], False),
        ([short(Cause.ASLEEP)], False),
        ([short(Cause.OTHER_TAG, lent=1)], False),
        ([short(Cause.OTHER_TAG, task_type="")], False),
        ([short(Cause.OTHER_TAG), short(Cause.BUSY_HERE)], False),
    ],
)
def test_a_job_cannot_go_on_if_nothing_that_passes_keeps_it(
    of_job: list[Shortage], expected: bool
) -> None:
    assert cannot_go_on(of_job) is expected
