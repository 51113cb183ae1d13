"""Groups like reasons of a job's tasks: they differ only in numbers, frames and paths. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from workflows.domain.messages import LONGEST_REASON

#: The most groups that are returned; a job with more has tasks that have little in common.
MOST_GROUPS = 20
#: The most tasks that a group names.
MOST_NAMED = 10

_FAULT = re.compile(r'Task was \S+ by Manager because of a fault of worker ".*?": (.*)', re.DOTALL)
_QUOTED_PATH = re.compile(r"""(["'])[^"']*[/\\][^"']*\1""")
_PATH = re.compile(r"""(?:\b[A-Za-z]:)?[/\\][^\s"')]+""")
_HEX = re.compile(r"\b(?=[0-9a-f-]*\d)[0-9a-f]{8}[0-9a-f-]*\b")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_LIST = re.compile(r"#(?:, #)+(?: and # more)?|# and # more")


@dataclass(slots=True)
class Group:
    """Like texts of some tasks."""

    text: str
    """The first of the texts, as it is."""
    tasks: int = 0
    indexes: list[int] = field(default_factory=list)
    """The first of these tasks."""

    count: int = 0
    """How often the texts were given."""
    _last: int = 0

    def add(self, index: int, count: int) -> None:
        self.count += count
        if index == self._last:
            return
        self._last = index
        self.tasks += 1
        if len(self.indexes) < MOST_NAMED:
            self.indexes.append(index)


def reason_in(activity: str) -> str:
    """Return why a task failed or was given back, from its activity; empty if it says neither."""
    if activity.startswith("Failed: "):
        return activity.removeprefix("Failed: ")
    found = _FAULT.match(activity)
    return found[1] if found else ""


def likeness(text: str) -> str:
    """Return what is the same in like texts; of long ones in their beginnings."""
    text = _QUOTED_PATH.sub("…", text[:LONGEST_REASON])
    text = _PATH.sub("…", text)
    text = _HEX.sub("#", text)
    text = _NUMBER.sub("#", text)
    return _LIST.sub("#", text).replace("frames #", "frame #")


def grouped(texts: Iterable[tuple[int, str, int]]) -> list[Group]:
    """Group texts; the group with the most tasks first.

    Args:
        texts: (task index, text, how often), in the order of the tasks; empty texts are left out.
    """
    groups: dict[str, Group] = {}
    for index, text, count in texts:
        if text:
            groups.setdefault(likeness(text), Group(text)).add(index, count)
    return sorted(groups.values(), key=lambda group: -group.tasks)[:MOST_GROUPS]
