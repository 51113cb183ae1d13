"""What the farm keeper decides, in its passes over the farm and in its audit of the workflows.

`activities.keeping` carries it out, and the model test drives both. Nothing here reads a clock: the
time is an argument, of any one clock, in the unit of `KeeperTimes`.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from workflows.domain.matchmaking import (
    FarmSnapshot,
    Offer,
    Plan,
    RecallOrder,
    StatusOrder,
    plan,
)
from workflows.domain.messages import Lease, Recall


@dataclass(frozen=True, slots=True)
class KeeperTimes:
    """Seconds."""

    tick_s: float = 5.0
    resend_s: float = 5.0
    cooldown_s: float = 2.0
    """Before a worker that did not take its task is lent again."""
    audit_s: float = 60.0
    """Between two comparisons of the database with the open workflows."""
    early_audit_s: float = 2.0
    """Before the audit of a job whose workflow was not open; it may only just be ending."""
    pause_s: float = 0.01
    """Between two passes, so that what happens together is planned together."""


@dataclass(frozen=True, slots=True)
class Message:
    """A signal to a job's workflow."""

    job_id: str
    signal: str
    content: Any = None
    """None: the signal says it all."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass does: first it writes, then it orders, then it sends."""

    lost: Sequence[str]
    """Workers to mark as lost."""
    orphaned: Sequence[str]
    """Leases to mark as returned, because their job's run is over."""
    offers: Sequence[Offer]
    recalls: Sequence[RecallOrder]
    """To be marked in the database; `messages` tells the jobs."""
    status_orders: Sequence[StatusOrder]
    messages: Sequence[Message]


class ResendTimer:
    """Says when a message that is still true is to be sent again."""

    def __init__(self, resend_s: float) -> None:
        self._resend_s = resend_s
        self._sent: dict[Hashable, float] = {}

    def is_due(self, *key: Hashable, now: float) -> bool:
        """True once per key and period; a true answer counts as sending."""
        if now - self._sent.get(key, float("-inf")) < self._resend_s:
            return False
        self._sent[key] = now
        return True

    def forget_old(self, now: float) -> None:
        self._sent = {key: at for key, at in self._sent.items() if now - at < self._resend_s}


class RestingWorkers:
    """Workers that did not take their last task, and are not lent for a moment (rule 23)."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._since)

    def add(self, worker_id: str, now: float) -> None:
        self._since[worker_id] = now

    def at(self, now: float, cooldown_s: float) -> frozenset[str]:
        """Those that rest now; the others are forgotten."""
        self._since = {w: since for w, since in self._since.items() if now - since < cooldown_s}
        return frozenset(self._since)


# --- the audit ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A job's run as the database knows it. Read it before the workflow is asked."""

    job_id: str
    run: int
    sequence: int
    """The last write that was stored."""
    is_ended: bool = False


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A job's run as its open workflow knows it."""

    run: int
    sequence: int | None
    """The last write that it has taken; None: not known, for instance before its claim."""

    def is_behind(self, stored: StoredRun) -> bool:
        """A write was stored that the workflow has not made: Temporal was set back."""
        return self.sequence is not None and self.sequence < stored.sequence

    def is_ahead(self, stored: StoredRun) -> bool:
        """The database was set back. Or a write is on its way; then there is one more."""
        return self.sequence is not None and self.sequence > stored.sequence


class Verdict(Enum):
    """What an audit says of a job that has not ended."""

    GOES_ON = auto()
    START_ANEW = auto()
    """There is no workflow of this run, or it is behind: a new run, from the database."""
    TELL_AGAIN = auto()
    """The database is behind: the workflow makes a write, which the database answers with
    "send all".
    """


def audited(stored: StoredRun, open_run: OpenRun | None) -> Verdict:
    """Compare the two views of a job that has not ended (protocol rule 16)."""
    if open_run is None or open_run.run != stored.run or open_run.is_behind(stored):
        return Verdict.START_ANEW
    return Verdict.TELL_AGAIN if open_run.is_ahead(stored) else Verdict.GOES_ON


def is_astray(open_run: OpenRun, stored: StoredRun | None) -> bool:
    """Whether an open workflow is to be ended: its run does not own the job, or ended long ago.

    Args:
        stored: read after the workflow was found open; None: no such job.
    """
    if stored is None or open_run.run != stored.run:
        return True
    return stored.is_ended and open_run.is_behind(stored)


# --- the keeper -----------------------------------------------------------------------------------


class Keeper:
    """One keeper. What it remembers may be lost: then it sends some messages once more."""

    def __init__(self, times: KeeperTimes) -> None:
        self._times = times
        self._resend = ResendTimer(times.resend_s)
        self._next_audit = float("-inf")

    def look(self, farm: FarmSnapshot, now: float) -> Pass:
        """Plan one pass. A pass that is cut off anywhere is made good by the next."""
        self._resend.forget_old(now)
        planned = plan(farm)
        due = self._resend.is_due
        recalls = [
            order
            for order in planned.recalls
            if due("recall", order.lease_id, order.at_once, now=now)
        ]
        return Pass(
            lost=planned.lost,
            orphaned=planned.orphaned,
            offers=planned.offers,
            recalls=recalls,
            status_orders=[o for o in planned.status_orders if due("status", o, now=now)],
            messages=[*_recall_messages(recalls), *self._due_news(planned, now)],
        )

    def _due_news(self, planned: Plan, now: float) -> Iterable[Message]:
        kinds: tuple[tuple[str, Sequence[tuple[str, Any]]], ...] = (
            ("worker_gone", planned.gone),
            ("session_changed", planned.changed_sessions),
            ("census", planned.censuses),
        )
        for signal, news in kinds:
            for job_id, content in news:
                if self._resend.is_due(signal, job_id, content, now=now):
                    yield Message(job_id, signal, content)

    def lend(
        self, offered: Sequence[Lease], unconfirmed: Sequence[Lease], now: float
    ) -> list[Message]:
        """Tell jobs of their leases.

        Args:
            offered: written in this pass.
            unconfirmed: offered a resend ago or earlier, and not yet held.
        """
        late = [lease for lease in unconfirmed if self._resend.is_due("lend", lease.id, now=now)]
        by_job = _grouped([*offered, *late], lambda lease: lease.job_id)
        return [Message(job_id, "lend", leases) for job_id, leases in by_job]

    # --- when to audit ---------------------------------------------------------------------------

    def audit_due_in(self, now: float) -> float:
        """Not positive: it is due."""
        return self._next_audit - now

    def audit_begins(self, now: float) -> None:
        self._next_audit = now + self._times.audit_s

    def workflow_was_missing(self, now: float) -> None:
        """A message could not be delivered: the audit finds out whether the job has ended."""
        self._next_audit = min(self._next_audit, now + self._times.early_audit_s)


def _recall_messages(orders: Sequence[RecallOrder]) -> list[Message]:
    return [
        Message(job_id, "recall", [Recall(o.lease_id, o.at_once, o.reason) for o in of_job])
        for job_id, of_job in _grouped(orders, lambda order: order.job_id)
    ]


def _grouped(items: Iterable[Any], job_of: Callable[[Any], str]) -> list[tuple[str, list[Any]]]:
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    for item in items:
        groups[job_of(item)].append(item)
    return list(groups.items())
