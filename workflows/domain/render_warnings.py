"""Warnings of a task: what a render complains about, although it ends well. Pure.

They travel with a run's outcome, so they are few and short.
"""

from collections.abc import Iterable, Mapping

#: The most different warnings of one task. Further ones are counted together.
MOST_WARNINGS = 10
LONGEST_WARNING = 200
_MORE = "further warnings, see the log"
#: The key in a job's metadata that makes warnings failures, and the values that do so.
METADATA = "fail_on_warnings"
_YES = frozenset({"1", "true", "yes", "on"})

Warnings = tuple[tuple[str, int], ...]
"""(text, how often) pairs, the first one first."""


def fail_the_task(metadata: Mapping[str, str]) -> bool:
    """Return whether a job's metadata makes warnings failures."""
    return str(metadata.get(METADATA, "")).strip().lower() in _YES


def clipped(warnings: Iterable[tuple[str, int]]) -> Warnings:
    """Return the warnings within the limits above."""
    return tuple((text[:LONGEST_WARNING], max(1, n)) for text, n in list(warnings)[:MOST_WARNINGS])


class WarningBook:
    """Counts warnings within the limits above."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.failing = ""
        """The first warning that fails the task in a job where warnings are failures."""

    def add(self, text: str, *, is_of_preview: bool = False) -> None:
        """Count a warning. One of a preview fails no task, as the frames are there."""
        text = " ".join(text.split())[:LONGEST_WARNING]
        if not is_of_preview:
            self.failing = self.failing or text
        if text not in self._counts and len(self._counts) >= MOST_WARNINGS - 1:
            text = _MORE
        self._counts[text] = self._counts.get(text, 0) + 1

    def all(self) -> Warnings:
        return tuple(self._counts.items())
