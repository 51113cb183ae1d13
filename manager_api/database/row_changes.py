"""What the audit shows of a transaction's changes: columns of rows, before and after.

The rows are noticed when they are written, so no operation has to say what it changes. Values are
bounded, and those that may be secrets are masked.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from manager_api.database import trail
from manager_api.database.tables import (
    CommentRow,
    JobRow,
    NotificationRuleRow,
    ProvisionRow,
    SavedViewRow,
    SleepScheduleRow,
    WorkerRow,
    WorkerTagMembershipRow,
    WorkerTagRow,
)

#: The columns that the audit shows. Other tables are not shown, or their changes are noted by the
#: operations (`trail.note`), as far as they have secrets.
SHOWN: Mapping[type[Any], tuple[str, ...]] = {
    JobRow: (
        "name",
        "status",
        "priority",
        "worker_tag_id",
        "rna_overrides",
        "delete_requested_at",
        "archived_at",
    ),
    WorkerRow: (
        "name",
        "status_requested",
        "is_lazy_request",
        "is_paused",
        "is_waiting",
        "set_aside",
        "deleted_at",
        "secret_hash",
        "new_secret_hashes",
        "upgrade",
    ),
    WorkerTagRow: ("name", "description"),
    WorkerTagMembershipRow: ("tag_id",),
    SleepScheduleRow: ("is_active", "days_of_week", "start_time", "end_time"),
    ProvisionRow: ("settings",),
    SavedViewRow: ("page", "name", "query", "is_shared"),
    CommentRow: ("text",),
    NotificationRuleRow: (
        "way",
        "name",
        "kinds",
        "scope",
        "value",
        "shape",
        "is_enabled",
        "address",
        "secret",
    ),
}
#: A longer value is shown by its length and the beginning of its SHA-256.
LONGEST_VALUE = 500
#: Of more rows than these only the number is shown.
MOST_ROWS = 20
#: Parts of a value whose content may be secret. Its names are shown.
_MASKED = frozenset({"environment"})
#: The address of a webhook often has a secret in its path.
_MASKED_COLUMNS = frozenset({"secret_hash", "new_secret_hashes", "address", "secret"})
_MASK = "***"

_KEY = "changes of rows"
Values = dict[str, list[Any]]


class RowChanges:
    """The changes that one session has written since it began."""

    def __init__(self) -> None:
        self._before: dict[tuple[Any, str], Any] = {}
        self._after: dict[tuple[Any, str], Any] = {}

    def written(self, session: Session) -> None:
        """Take note of what is about to be written."""
        for row, column in _columns(session.new):
            if (value := getattr(row, column)) is not None:
                self._after[row, column] = value
        for row, column in _columns(session.deleted):
            self._before.setdefault((row, column), getattr(row, column))
            self._after.pop((row, column), None)
        for row, column in _columns(session.dirty):
            history = inspect(row).attrs[column].history
            if history.has_changes():
                if history.deleted:
                    self._before.setdefault((row, column), history.deleted[0])
                self._after[row, column] = history.added[0] if history.added else None

    def told(self) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        """Return the values before and after, by column; None where there is no row."""
        return _told(self._before), _told(self._after)


def changes_of(session: Session) -> RowChanges:
    changes: RowChanges = session.info.setdefault(_KEY, RowChanges())
    return changes


class NotingSession(Session):
    """Takes note of changes while a request with an entry in the audit is answered."""


@event.listens_for(NotingSession, "before_flush")
def _before_flush(session: Session, _context: Any, _instances: Any) -> None:
    entry = trail.current()
    if entry is not None and entry.action:
        changes_of(session).written(session)


def _columns(rows: Any) -> Iterator[tuple[Any, str]]:
    for row in rows:
        for column in SHOWN.get(type(row), ()):
            yield row, column


def _told(values: Mapping[tuple[Any, str], Any]) -> Mapping[str, Any] | None:
    by_column: Values = {}
    for (_, column), value in values.items():
        is_secret = column in _MASKED_COLUMNS and bool(value)
        by_column.setdefault(column, []).append(_MASK if is_secret else shown(value))
    return {name: _together(each) for name, each in by_column.items()} or None


def _together(values: list[Any]) -> Any:
    if len(values) > MOST_ROWS:
        return f"{len(values)} rows"
    return values[0] if len(values) == 1 else values


def shown(value: Any) -> Any:
    """Return a value as the audit has it: bounded, masked, and fit for JSON."""
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str | dict | list | tuple):
        return value
    text = json.dumps(_masked(value), default=str)
    if len(text) <= LONGEST_VALUE:
        return json.loads(text)
    digest = hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()
    return f"{len(text)} characters, sha256 {digest[:12]}"


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: dict.fromkeys(each, _MASK)
            if name in _MASKED and isinstance(each, dict)
            else _masked(each)
            for name, each in value.items()
        }
    return [_masked(each) for each in value] if isinstance(value, list | tuple) else value
