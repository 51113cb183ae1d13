"""Frames in the arguments of Blender's command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.domain.blender_arguments import frame_arguments, frames_of, output_of


@pytest.mark.parametrize(
    ("arguments", "frames"),
    [
        (["--render-frame", "1,2"], [1, 2]),
        (["-o", "/x/#", "-f", "3..5"], [3, 4, 5]),
        (["-f", "-2..1"], None),
        (["-f", "5..3"], []),
        (["-e", "0", "-f", "-4..-2,1"], [-3, -2, -1, 1]),
        (["--frame-end", "20", "-f", "-1,-3..2"], [20]),
        (["-e", "+3", "-f", "-1"], None),
        (["-f", "9" * 5000], None),
        (["-f", "1", "--", "-f", "99"], [1]),
        (["-f", "1", "-f", "7"], [1, 7]),
        (["-f", "+1"], None),
        (["-f", "1..2000000"], None),
        (["-f", "1..900000,1..900000"], None),
        (["-a"], None),
        ([], None),
    ],
)
def test_frames_on_the_command_line(arguments: list[str], frames: list[int] | None) -> None:
    assert frames_of(arguments) == frames


def test_the_last_output_path_counts() -> None:
    assert output_of(["-o", "/a", "--render-output", "/b"]) == "/b"
    assert output_of(["-b"]) == ""
    assert output_of(["-o", "/a", "--", "-o", "/b"]) == "/a"


@pytest.mark.parametrize(
    ("spans", "arguments"),
    [
        ([range(1, 2)], ["--render-frame", "1"]),
        ([range(1, 3), range(5, 9)], ["--render-frame", "1,2,5..8"]),
        # Measured: Blender 3.4 renders the frames -3, -2, -1 and 1.
        ([range(-3, 0), range(1, 2)], ["--frame-end", "0", "--render-frame", "-4..-2,1"]),
        ([range(-2, 3)], ["--frame-end", "0", "--render-frame", "-3..2"]),
    ],
)
def test_arguments_for_frames(spans: list[range], arguments: list[str]) -> None:
    assert frame_arguments(spans) == arguments


@given(st.integers(-50, 50), st.integers(1, 9))
def test_the_frames_of_the_arguments_are_those_asked_for(first: int, count: int) -> None:
    frames = range(first, first + count)

    assert frames_of(frame_arguments([frames])) == list(frames)
