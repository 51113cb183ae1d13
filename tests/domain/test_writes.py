"""Which writes are stored, and how two writes of one number are told apart."""

from dataclasses import replace

import pytest

from workflows.domain.messages import ProjectionWrite, TasksMoved, WriteAnswer
from workflows.domain.statuses import TaskStatus
from workflows.domain.writes import answer_out_of_turn, fingerprint

LAST = ProjectionWrite(
    "job", 1, 5, tasks=(TasksMoved("1", TaskStatus.ACTIVE, "Started", attempt=1),)
)
OTHER = replace(LAST, tasks=(TasksMoved("2", TaskStatus.ACTIVE, "Started", attempt=1),))


@pytest.mark.parametrize(
    ("write", "answer"),
    [
        (LAST, WriteAnswer.STORED),
        (OTHER, WriteAnswer.GONE),
        (replace(LAST, sequence=4), WriteAnswer.GONE),
        (replace(LAST, sequence=6), None),
        (replace(LAST, sequence=7), WriteAnswer.SEND_ALL),
        (replace(LAST, sequence=7, snapshot="all"), None),
    ],
)
def test_only_the_next_write_of_a_run_is_stored(
    write: ProjectionWrite, answer: WriteAnswer | None
) -> None:
    known = fingerprint(LAST)

    assert answer_out_of_turn(write, sequence=5, is_ended=False, last=known) is answer


def test_after_the_final_write_only_its_copy_is_answered_as_stored() -> None:
    known, following = fingerprint(LAST), replace(LAST, sequence=6)

    answers = [
        answer_out_of_turn(write, sequence=5, is_ended=True, last=known)
        for write in (LAST, following)
    ]

    assert answers == [WriteAnswer.STORED, WriteAnswer.GONE]


def test_the_last_write_of_an_earlier_build_is_taken_for_the_same() -> None:
    assert answer_out_of_turn(OTHER, sequence=5, is_ended=False, last=None) is WriteAnswer.STORED


def test_a_fingerprint_tells_writes_apart_and_does_not_know_of_defaults() -> None:
    with_defaults = replace(LAST, priority=None, held=(), is_final=False)

    assert fingerprint(LAST) == fingerprint(with_defaults)
    assert fingerprint(LAST) != fingerprint(OTHER)
    # As stored by earlier builds: this must not change.
    assert fingerprint(LAST) == "cb39ac4a4b7c3f30b00a88cc69efef80"
