"""Frames are counted as the manager counts them; ranges that it would refuse are explained."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.frames import BadFrames, count_frames
from workflows.domain.frames import BadFrameRange
from workflows.domain.frames import count_frames as managers_count

frame = st.integers(-9, 60)
step = st.sampled_from(["", "x2", " x 7", "x1"])
part = st.one_of(
    st.tuples(frame, st.just(""), st.just(""), st.just("")),
    st.tuples(frame, st.sampled_from(["-", "..", " - "]), frame, step),
)
ranges = st.lists(part, min_size=1, max_size=5)


def is_refused(text: str) -> bool:
    try:
        count_frames(text)
    except BadFrames:
        return True
    return False


def managers_refusal(text: str) -> str:
    try:
        managers_count(text)
    except BadFrameRange as refusal:
        return str(refusal)
    return ""


@given(ranges)
def test_the_manager_counts_the_same(parts: list[tuple[int, str, int | str, str]]) -> None:
    text = ",".join("".join(map(str, each)) for each in parts)

    # Flamenco ignores a range that runs backwards, but its author meant something.
    if any(isinstance(last, int) and first > last for first, _, last, _ in parts):
        with pytest.raises(BadFrames, match="backwards"):
            count_frames(text)
    else:
        assert count_frames(text) == managers_count(text)


@given(st.text(alphabet="0123456789-., ax", max_size=12))
def test_what_the_manager_refuses_is_refused_here(text: str) -> None:
    refusal = managers_refusal(text)

    # The checks have their own limit for too many frames.
    if refusal and "more than 1,000,000" not in refusal:
        assert is_refused(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "No frames are chosen"),
        ("  ", "No frames are chosen"),
        ("1,,3", "a comma with no frame"),
        ("10-1", "“10-1” runs backwards"),
        ("1--5", "“1--5” runs backwards"),
        ("1-5x0", "“1-5x0” has no step"),
        ("1-5x", "“1-5x” is no frame range"),
        ("5x2", "“5x2” is no frame range"),
        ("1-9000000x2", "more frames with steps than"),
        ("1 10", "“1 10” is no frame range"),
        ("all", "“all” is no frame range"),
        ("1-99999999999", "frame number that is too high"),
    ],
)
def test_bad_frames_are_explained(text: str, why: str) -> None:
    with pytest.raises(BadFrames, match=why):
        count_frames(text)


def test_a_billion_frames_are_counted_at_once() -> None:
    assert count_frames("1-999999999") == 999_999_999
