"""Workers that are set aside: what is wrong with a machine, and which tasks it does not get.

A host sets its worker aside, says so to its manager, and takes that back when the cause is mended.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

#: More than a host can have wrong with it; a host cannot make the manager store more.
MOST_ASIDES = 20
_LONGEST_CAUSE = 50
_LONGEST_REASON = 500
_LONGEST_TYPE = 255


@dataclass(frozen=True, slots=True)
class Aside:
    """One cause because of which a worker is set aside."""

    cause: str
    """A word, such as `disk-full`; a worker has one entry for each."""
    reason: str
    """What is wrong, in a sentence."""
    task_types: tuple[str, ...] = ()
    """The task types that the worker does not get; empty: it gets no task."""
    since: str = ""
    """The time, in ISO format, by the manager's clock."""

    @property
    def is_for_all(self) -> bool:
        return not self.task_types


def told(asides: Iterable[Aside]) -> dict[str, Any]:
    """Return the asides as a host tells them, by cause."""
    return {
        aside.cause: {"reason": aside.reason, "task_types": list(aside.task_types)}
        for aside in asides
    }


def heard(said: Mapping[str, Any]) -> list[Aside]:
    """Return what a host has told, as far as it can be read."""
    found = []
    for cause, content in list(said.items())[:MOST_ASIDES]:
        if isinstance(content, Mapping) and cause:
            types = content.get("task_types")
            kinds = types if isinstance(types, list) else []
            found.append(
                Aside(
                    str(cause)[:_LONGEST_CAUSE],
                    str(content.get("reason", ""))[:_LONGEST_REASON],
                    tuple(str(kind)[:_LONGEST_TYPE] for kind in kinds),
                )
            )
    return found


def stored(asides: Iterable[Aside], before: Iterable[Aside], now: datetime) -> list[Aside]:
    """Return the asides with their times; one with an unchanged cause keeps its time."""
    since = {aside.cause: aside.since for aside in before}
    return [replace(aside, since=since.get(aside.cause) or now.isoformat()) for aside in asides]


def to_json(asides: Iterable[Aside]) -> list[dict[str, Any]]:
    return [asdict(aside) | {"task_types": list(aside.task_types)} for aside in asides]


def from_json(content: Iterable[Mapping[str, Any]] | None) -> list[Aside]:
    return [Aside(**{**each, "task_types": tuple(each["task_types"])}) for each in content or ()]


def reason_for_all(asides: Iterable[Aside]) -> str:
    """Return why the worker gets no task; empty if it gets some."""
    return next((aside.reason for aside in asides if aside.is_for_all), "")


def types_left_out(asides: Iterable[Aside]) -> frozenset[str]:
    """Return the task types that the worker does not get although it gets others."""
    return frozenset(kind for aside in asides for kind in aside.task_types)
