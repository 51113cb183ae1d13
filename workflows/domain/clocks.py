"""Whether a machine's clock was put forward or back, which is not time that passed."""

#: Seconds that a clock and the time that passed may differ between two looks. Time services slew a
#: clock by less; a machine that slept, or whose clock was wrong, differs by more.
TOLERATED_S = 2.0


def was_put(shown_s: float, passed_s: float) -> bool:
    """Return whether a clock was put forward or back.

    Args:
        shown_s: how much later it is by the clock, in seconds; negative if it is earlier.
        passed_s: how much time passed, by a clock that runs evenly.
    """
    return abs(shown_s - passed_s) > TOLERATED_S
