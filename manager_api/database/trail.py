"""The audit's entry of the request that is being answered.

The first transaction that writes for such a request stores the entry, too, so that a change and its
entry are stored together or not at all.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from manager_api.database.tables import AuditRow
from workflows.domain.access import NOBODY, Identity
from workflows.domain.messages import LONGEST_WORD

DONE = "done"


@dataclass(slots=True)
class Entry:
    """An entry of the audit, which is filled in while its request is answered."""

    caller: Identity = NOBODY
    address: str = ""
    action: str = ""
    """Empty: the request is not one for the audit."""
    target: str = ""
    target_name: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    is_stored: bool = False

    def row(self, now: datetime, outcome: str = DONE, times: int = 1) -> AuditRow:
        return AuditRow(
            happened=now,
            kind=self.caller.kind,
            account_id=self.caller.id,
            name=self.caller.name[:LONGEST_WORD],
            via=self.caller.via,
            address=self.address[:LONGEST_WORD],
            action=self.action,
            target=self.target,
            target_name=self.target_name,
            before=None if self.before is None else dict(self.before),
            after=None if self.after is None else dict(self.after),
            outcome=outcome,
            times=times,
        )


_entry: ContextVar[Entry | None] = ContextVar("audit entry", default=None)


def current() -> Entry | None:
    """Return the entry of the request that is being answered; None if it has none."""
    return _entry.get()


def note(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
    """Say what the request changes; secrets are masked before."""
    entry = _entry.get()
    if entry is not None:
        entry.before, entry.after = before, after


class Recording:
    """While this context is active, the transactions of this request store its entry."""

    def __init__(self) -> None:
        self.entry = Entry()

    def __enter__(self) -> Entry:
        self._token = _entry.set(self.entry)
        return self.entry

    def __exit__(self, *_: object) -> None:
        _entry.reset(self._token)
