"""The lines of a log that say which frames a try has written."""

import pytest

from workflows.domain.written_frames import MOST, WrittenFrame, read_log_lines

FRAME = WrittenFrame('/out/d\'été "ö" 0003.png', 123, 1_700_000_000_123_456_789)


def line_of(frame: WrittenFrame) -> bytes:
    return frame.log_line().encode() + b"\n"


def test_a_line_says_everything() -> None:
    assert read_log_lines([b"pid=1 > Saved: 'x'\n", line_of(FRAME)]) == [FRAME]


def test_the_last_line_of_a_file_counts() -> None:
    newer = WrittenFrame(FRAME.file, 7, 8)

    assert read_log_lines([line_of(FRAME), line_of(newer)]) == [newer]


@pytest.mark.parametrize(
    "line",
    [
        b'pid=1 > frame written: ["/a", 1, 2]',  # a program's own words
        b"frame written: [",
        b"frame written: ",
        b'frame written: {"file": 1}',
        b'frame written: ["/a", 1]',
        b'frame written: ["/a", -1, 2]',
        b'frame written: ["/a", 1, 1e300]',
        b'frame written: ["/a", 1, 9223372036854775808]',
        b'frame written: ["", 1, 2]',
        b'frame written: ["/a\\u0000b", 1, 2]',
        b'frame written: ["/\\udcff", 1, 2]',
        b'frame written: ["/' + b"x" * 5000 + b'", 1, 2]',
        b"frame written: " + b"[" * 100_000,
    ],
)
def test_other_lines_are_passed_over(line: bytes) -> None:
    assert read_log_lines([line]) == []


def test_the_number_of_frames_is_bounded() -> None:
    lines = [line_of(WrittenFrame(f"/{number}", 1, 1)) for number in range(MOST + 5)]

    found = read_log_lines(lines)

    assert len(found) == MOST
    assert found[-1].file == f"/{MOST + 4}"
