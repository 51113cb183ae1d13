"""Warnings of a render: few, short, counted, and carried to the database."""

import pytest

from tests.domain.jobs import COMPLETED, FAILED, columns, ends, job_of, lend, written
from workflows.domain.messages import Outcome, OutcomeKind
from workflows.domain.render_warnings import (
    LONGEST_WARNING,
    MOST_WARNINGS,
    WarningBook,
    clipped,
    fail_the_task,
)

LOST = (("a library is missing", 2),)


def test_like_warnings_of_one_run_are_counted() -> None:
    book = WarningBook()
    for text in ("a  b", "c", "a b"):
        book.add(text)

    assert book.all() == (("a b", 2), ("c", 1))


def test_many_and_long_warnings_are_bounded() -> None:
    book = WarningBook()
    for number in range(999):
        book.add(f"{number} " + "x" * 999)

    assert len(book.all()) == MOST_WARNINGS
    assert book.all()[-1] == ("further warnings, see the log", 999 - MOST_WARNINGS + 1)
    assert max(len(text) for text, _ in book.all()) == LONGEST_WARNING


def test_what_a_host_sends_is_clipped() -> None:
    sent = [("x" * 999, -5)] * 99

    assert clipped(sent) == (("x" * LONGEST_WARNING, 1),) * MOST_WARNINGS


@pytest.mark.parametrize(
    ("value", "expected"),
    [("yes", True), ("True", True), (" 1 ", True), ("on", True), ("no", False), ("", False)],
)
def test_a_jobs_metadata_make_warnings_failures(value: str, expected: bool) -> None:
    assert fail_the_task({"fail_on_warnings": value}) is expected
    assert fail_the_task({}) is False


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome(OutcomeKind.COMPLETED, warnings=LOST), "completed"),
        (Outcome(OutcomeKind.FAILED, "no", warnings=LOST), "soft-failed"),
    ],
)
def test_warnings_travel_with_the_move_of_their_task(outcome: Outcome, status: str) -> None:
    job = job_of(columns(20))
    [start] = lend(job, "ada")

    ends(job, start, outcome)

    [moved] = [move for move in written(job).tasks if move.warnings is not None]
    assert (moved.indexes, moved.status, moved.warnings) == ("1", status, LOST)


@pytest.mark.parametrize("outcome", [COMPLETED, FAILED])
def test_without_warnings_nothing_is_said_of_them(outcome: Outcome) -> None:
    job = job_of(columns(20))
    [start] = lend(job, "ada")

    ends(job, start, outcome)

    assert all(move.warnings is None for move in written(job).tasks)
