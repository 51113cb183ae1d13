"""Frame ranges: Flamenco's notation, and the limits that are ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.domain.frames import (
    MAX_FRAME_NUMBER,
    MAX_FRAMES,
    BadFrameRange,
    chunk_frames,
    count_chunks,
    count_frames,
    ends,
    frames_text,
    parse_frames,
)

_frame_numbers = st.integers(0, 300)


@st.composite
def elements(draw: st.DrawFn) -> tuple[str, set[int]]:
    """One element as an artist may write it, and its frames."""
    first, last = draw(_frame_numbers), draw(_frame_numbers)
    space = draw(st.sampled_from(["", " ", "\t", "\n"]))
    if draw(st.booleans()):
        return f"{space}{first}{space}", {first}
    sign = draw(st.sampled_from(["-", ".."]))
    return f"{space}{first}{space}{sign}{space}{last}{space}", set(range(first, last + 1))


@st.composite
def frame_ranges(draw: st.DrawFn) -> tuple[str, list[int]]:
    drawn = draw(st.lists(elements(), min_size=1, max_size=12))
    frames = set().union(*(frames for _, frames in drawn))
    if not frames:
        drawn.append(("7", {7}))
        frames = {7}
    return ",".join(text for text, _ in drawn), sorted(frames)


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("47", [47]),
        ("1-3", [1, 2, 3]),
        ("1..3", [1, 2, 3]),
        ("3, 5-7", [3, 5, 6, 7]),
        (" 1 - 2 , 9 ", [1, 2, 9]),
        ("5,1,5,3-4,4-5", [1, 3, 4, 5]),
        ("4-4", [4]),
        ("10-1,7", [7]),
        ("007", [7]),
        ("1-20x5", [1, 6, 11, 16]),
        ("1..7 x 3, 5", [1, 4, 5, 7]),
        ("1-9x2,2-4", [1, 2, 3, 4, 5, 7, 9]),
        ("1-3x99", [1]),
        ("1-3x1", [1, 2, 3]),
        ("-3", [-3]),
        ("-3-1", [-3, -2, -1, 0, 1]),
        ("-3--1, 7", [-3, -2, -1, 7]),
        ("-3..-1", [-3, -2, -1]),
        ("-10-10x5", [-10, -5, 0, 5, 10]),
        ("-0", [0]),
        (f"-{MAX_FRAME_NUMBER}", [-MAX_FRAME_NUMBER]),
        (str(MAX_FRAME_NUMBER), [MAX_FRAME_NUMBER]),
    ],
)
def test_frames_are_sorted_and_unique(text: str, frames: list[int]) -> None:
    assert parse_frames(text) == frames
    assert count_frames(text) == len(frames)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "\n",
        ",",
        "1,,3",
        "1,",
        "1-",
        "--1",
        "-",
        "1-5x0",
        "1-5x",
        "5x2",
        "1-5x-2",
        "1-5x2x2",
        "1-2147483647x2",
        "-2147483648",
        "-1--3",
        "a",
        "1-b",
        "1 10",
        "1-2-3",
        "1...3",
        "1.5",
        "+5",
        "٣",
        "1;2",
        "10-1",
        "10-1,9-2",
        "1-999999999",
        "9" * 5000,
        "0-2147483648",
    ],
)
def test_what_is_no_range_is_refused_in_one_short_line(text: str) -> None:
    for function in (parse_frames, count_frames, lambda text: chunk_frames(text, 1)):
        with pytest.raises(BadFrameRange) as refusal:
            function(text)

        assert "\n" not in str(refusal.value)
        assert len(str(refusal.value)) < 200


def test_frames_as_text_are_read_as_the_same_frames() -> None:
    text = frames_text([range(20, 21), range(22, 23), range(-5, -2), range(2), range(7, 8)])

    assert text == "-5--3,0,1,7,20,22"
    assert parse_frames(text) == [-5, -4, -3, 0, 1, 7, 20, 22]


def test_the_limit_counts_frames_not_what_is_written() -> None:
    whole = f"1-{MAX_FRAMES}"

    assert count_frames(",".join([whole] * 50)) == MAX_FRAMES
    with pytest.raises(BadFrameRange, match="more than 1,000,000 frames"):
        count_frames(f"{whole},{MAX_FRAMES + 5}")


def test_chunks_are_cut_across_ranges() -> None:
    chunks = chunk_frames("1..10,20..25,40,3..8", 4)

    assert chunks == ["1-4", "5-8", "9,10,20,21", "22-25", "40"]


@pytest.mark.parametrize(
    ("text", "size", "chunks"),
    [
        ("0-12,34-56,78-90", 20, ["0-12,34-40", "41-56,78-81", "82-90"]),
        ("1-3", 1, ["1", "2", "3"]),
        ("1-3", 2, ["1,2", "3"]),
        ("1-3", 3, ["1-3"]),
        ("1-3", 1000, ["1-3"]),
        ("1-9x2", 3, ["1,3,5", "7,9"]),
        ("-3-4", 4, ["-3-0", "1-4"]),
        ("-6--1", 3, ["-6--4", "-3--1"]),
        ("1,2,3,5", 4, ["1-3,5"]),
    ],
)
def test_only_runs_of_three_become_ranges(text: str, size: int, chunks: list[str]) -> None:
    assert chunk_frames(text, size) == chunks


@pytest.mark.parametrize("size", [0, -1])
def test_a_chunk_has_at_least_one_frame(size: int) -> None:
    with pytest.raises(BadFrameRange, match="at least 1 frame"):
        chunk_frames("1-3", size)


@given(frame_ranges())
def test_parsing_gives_exactly_the_frames_written(written: tuple[str, list[int]]) -> None:
    text, frames = written

    assert parse_frames(text) == frames
    assert count_frames(text) == len(frames)


@given(frame_ranges(), st.integers(1, 50))
def test_chunks_together_are_the_range(written: tuple[str, list[int]], size: int) -> None:
    text, frames = written

    chunks = [parse_frames(chunk) for chunk in chunk_frames(text, size)]

    assert [frame for chunk in chunks for frame in chunk] == frames
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert 1 <= len(chunks[-1]) <= size


@given(st.text(alphabet="0123456789-., \n\\ax", max_size=30))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    try:
        frames = parse_frames(text)
    except BadFrameRange:
        return
    assert frames == sorted(set(frames))
    assert frames


@given(frame_ranges(), st.integers(1, 400))
def test_counts_and_ends_are_those_of_the_frames(drawn: tuple[str, list[int]], size: int) -> None:
    text, frames = drawn

    assert count_chunks(text, size) == len(chunk_frames(text, size))
    assert ends(text) == (frames[0], frames[-1])
    assert parse_frames(text, size) == frames[:size]


def test_chunks_are_counted_without_being_made() -> None:
    assert count_chunks("0-999999", 1) == MAX_FRAMES
    with pytest.raises(BadFrameRange, match="at least 1 frame"):
        count_chunks("1-10", 0)
