"""Encodes a job's tasks as a small text: columns, run-length coded, compressed.

A workflow's state must stay far below Temporal's 2 MB: with a larger one, a continue-as-new would
fail and be retried for ever. 100,000 tasks take less than 1 MB (docs/protocol.md, rule 13).
"""

import base64
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from workflows.domain.statuses import TaskStatus


@dataclass(slots=True)
class TaskColumns:
    """A job's tasks as columns; position 0 holds the task with index 1."""

    types: list[str] = field(default_factory=list)
    priorities: list[int] = field(default_factory=list)
    depends_on: list[str] = field(default_factory=list)
    """The indexes of the tasks that each task depends on, range-coded."""
    statuses: list[TaskStatus] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    failed_by: list[tuple[str, ...]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.statuses)


def encode(columns: TaskColumns) -> str:
    """Return the tasks as ASCII text; the inverse of `decode`."""
    packed = {
        "types": _pack(columns.types),
        "priorities": _pack(columns.priorities),
        "depends_on": _pack(columns.depends_on),
        "statuses": _pack(str(status) for status in columns.statuses),
        "attempts": _pack(columns.attempts),
        "failures": _pack(columns.failures),
        "failed_by": _pack(columns.failed_by),
    }
    return compress(packed)


def decode(text: str) -> TaskColumns:
    packed = decompress(text)
    return TaskColumns(
        types=_unpack(packed["types"]),
        priorities=_unpack(packed["priorities"]),
        depends_on=_unpack(packed["depends_on"]),
        statuses=[TaskStatus(word) for word in _unpack(packed["statuses"])],
        attempts=_unpack(packed["attempts"]),
        failures=_unpack(packed["failures"]),
        failed_by=[tuple(workers) for workers in _unpack(packed["failed_by"])],
    )


def compress(value: Any) -> str:
    """Return the value as JSON, compressed, in ASCII characters."""
    raw = json.dumps(value, separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")


def decompress(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text)))


def _pack(column: Iterable[Any]) -> list[list[Any]]:
    return [[value, sum(1 for _ in same)] for value, same in groupby(column)]


def _unpack(pairs: Sequence[Sequence[Any]]) -> list[Any]:
    column: list[Any] = []
    for value, count in pairs:
        column.extend([value] * count)
    return column
