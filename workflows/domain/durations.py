"""Durations as Go writes them, because Flamenco's settings do: `1h30m`, `10m0s`, `250ms`."""

import re
from datetime import timedelta
from fractions import Fraction

_SECONDS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
#: In characters. The pattern takes quadratic time, and the texts come from anybody's jobs.
_LONGEST_TEXT = 100
#: A longer duration is a mistake. A `timedelta` could hold far more.
LONGEST = timedelta(hours=1_000_000)


def parse_duration(text: str) -> timedelta:
    """Return the duration that the text states.

    Raises:
        ValueError: the text is not a duration, is negative, or is longer than `LONGEST`.
    """
    if text == "0":
        return timedelta()
    parts = list(_PART.finditer(text[: _LONGEST_TEXT + 1]))
    if not parts or "".join(part[0] for part in parts) != text:
        raise ValueError(f'"{text[:50]}" is no duration; write it as 90s, 10m or 1h30m')
    seconds = sum((Fraction(part[1]) * _SECONDS[part[2]] for part in parts), Fraction())
    if seconds > LONGEST.total_seconds():
        raise ValueError(f'"{text[:50]}" is too long a duration')
    return timedelta(microseconds=round(seconds * 10**6))


def format_duration(duration: timedelta) -> str:
    """Return the duration as Go prints it: `24h0m0s`, `0s`, or `1.5ms` below a second."""
    microseconds = duration // timedelta(microseconds=1)
    if 0 < microseconds < 10**3:
        return f"{microseconds}µs"
    if 0 < microseconds < 10**6:
        return f"{_decimal(Fraction(microseconds, 10**3))}ms"
    minutes, rest = divmod(microseconds, 60 * 10**6)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(Fraction(rest, 10**6))}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _decimal(number: Fraction) -> str:
    """Return the number with at most six decimals, without zeros at the end."""
    whole, part = divmod(number, 1)
    decimals = f"{round(part * 10**6):06d}".rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)
