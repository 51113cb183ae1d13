"""Durations as Go writes and reads them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.domain.durations import LONGEST, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds", "formatted"),
    [
        ("0", 0, "0s"),
        ("0s", 0, "0s"),
        ("90s", 90, "1m30s"),
        ("10m", 600, "10m0s"),
        ("1h30m", 5400, "1h30m0s"),
        ("744h", 2_678_400, "744h0m0s"),
        ("1.5s", 1.5, "1.5s"),
        (".5h", 1800, "30m0s"),
        ("250ms", 0.25, "250ms"),
        ("1500us", 0.0015, "1.5ms"),
        ("7µs", 0.000007, "7µs"),
        ("1000ns", 0.000001, "1µs"),
        ("1m1m", 120, "2m0s"),
    ],
)
def test_durations_are_read_and_written(text: str, seconds: float, formatted: str) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert format_duration(parse_duration(text)) == formatted


@pytest.mark.parametrize(
    "text", ["", "s", "10", "-1s", "1d", "1h 2m", "1hm", "1e3s", "٣s", "9" * 99 + "h", "0s" * 60]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@given(st.timedeltas(min_value=timedelta(), max_value=LONGEST))
def test_what_is_written_is_read_again(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration
