"""Steps: the unit in which the progress of tasks and jobs is counted."""

from collections.abc import Iterable


def steps_of(counts: Iterable[int]) -> int:
    """Return the sum. A command that does not count its steps is one step, as in Flamenco."""
    return sum(max(1, count) for count in counts)
