"""The farm keeper's decisions, in its passes over the farm and in its audit of the workflows.

`activities.keeping` carries them out, and the model test drives both. Nothing here reads a clock:
the time is an argument, in seconds of any one clock.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from workflows.domain.farm_facts import FarmSnapshot
from workflows.domain.matchmaking import (
    Offer,
    Plan,
    Reasons,
    RecallOrder,
    Starved,
    StatusOrder,
    Waiting,
    plan,
)
from workflows.domain.messages import Lease, Recall


@dataclass(frozen=True, slots=True)
class KeeperTimes:
    """The keeper's times, in seconds."""

    tick_s: float = 5.0
    resend_s: float = 5.0
    cooldown_s: float = 2.0
    """The pause before a worker that did not take its task is lent again."""
    audit_s: float = 60.0
    """The time between two comparisons of the database with the open workflows."""
    early_audit_s: float = 2.0
    """The pause before an audit after a message found no open workflow: the job may be ending."""
    start_again_s: float = 1.0
    """The pause before a workflow is started again that could not be started."""
    starved_after_s: float = 900.0
    """How long a task waits for another worker before one that failed it may retry; 0: for ever."""
    wait_over_s: float = 60.0
    """A task that waits again within this time has waited all the time: the worker that it waited
    for has taken it, but has not really tried it.
    """
    explain_s: float = 2.0
    """The time between two looks at why tasks wait."""
    explain_again_s: float = 30.0
    """After this time, sentences are made again: they name tags and times, which people change."""
    pause_s: float = 0.01
    """The pause between two passes, so that simultaneous changes are planned together."""


@dataclass(frozen=True, slots=True)
class Message:
    """A signal to a job's workflow."""

    job_id: str
    signal: str
    content: Any = None
    """The signal's argument; None for a signal without one."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The steps of one pass: write to the database, give orders to hosts, send messages to jobs."""

    lost: Sequence[str]
    """Workers to mark as lost."""
    orphaned: Sequence[str]
    """Leases to mark as returned, because their job's run has ended."""
    offers: Sequence[Offer]
    recalls: Sequence[RecallOrder]
    """Leases to mark as recalled in the database; `messages` has the recalls for the jobs."""
    status_orders: Sequence[StatusOrder]
    messages: Sequence[Message]
    reasons: Reasons | None = None
    """Why tasks wait and workers are idle, of the whole farm; None: nothing new is known."""


class ResendTimer:
    """Tells when to send a message again that still holds."""

    def __init__(self, resend_s: float) -> None:
        self._resend_s = resend_s
        self._sent: dict[Hashable, float] = {}

    def is_due(self, *key: Hashable, now: float) -> bool:
        """Return True once per key and period; True counts as sending."""
        if now - self._sent.get(key, float("-inf")) < self._resend_s:
            return False
        self._sent[key] = now
        return True

    def forget_old(self, now: float) -> None:
        self._sent = {key: at for key, at in self._sent.items() if now - at < self._resend_s}


class RestingWorkers:
    """Workers that did not take their last task, and are not lent for a while (rule 23)."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._since)

    def add(self, worker_id: str, now: float) -> None:
        self._since[worker_id] = now

    def at(self, now: float, cooldown_s: float) -> frozenset[str]:
        """Return the workers that rest now, and forget the others."""
        self._since = {w: since for w, since in self._since.items() if now - since < cooldown_s}
        return frozenset(self._since)


@dataclass(frozen=True, slots=True)
class _Wait:
    since: float
    seen: float
    """When it was last seen to go on."""
    granted: int | None = None
    """The version of the demand for which a retry was allowed."""


class StarvedTasks:
    """Tells which tasks have waited too long for another worker than those that failed them.

    The other worker may hang, or be busy for days.
    """

    def __init__(self, after_s: float, over_s: float) -> None:
        self._after_s = after_s
        self._over_s = over_s
        self._waits: dict[tuple[str, str], _Wait] = {}

    def at(self, now: float) -> Starved:
        """Return the tasks that have waited too long."""
        if self._after_s <= 0:
            return {}
        return {
            key: wait.granted
            for key, wait in self._waits.items()
            if now - wait.since >= self._after_s
        }

    def note(self, waiting: Sequence[Waiting], now: float) -> None:
        """Note which tasks wait; call it once in each pass."""
        here = {(each.job_id, each.task_type) for each in waiting}
        self._waits = {
            key: wait
            for key, wait in self._waits.items()
            if key in here or now - wait.seen < self._over_s
        }
        for each in waiting:
            key = (each.job_id, each.task_type)
            wait = self._waits.get(key)
            if wait is None or wait.granted not in (None, each.version):
                wait = _Wait(now, now)  # after a retry, the next wait begins
            granted = each.version if each.may_retry else wait.granted
            self._waits[key] = replace(wait, seen=now, granted=granted)


class Explanations:
    """Tells when to look at why tasks wait and workers are idle, and whether that is news."""

    def __init__(self, every_s: float, again_s: float) -> None:
        self._every_s = every_s
        self._again_s = again_s
        self._looked = self._said_at = float("-inf")
        self._said: Reasons | None = None
        self._unbegun: frozenset[str] = frozenset()

    def is_due(self, now: float) -> bool:
        return now - self._looked >= self._every_s

    def news(self, reasons: Reasons, now: float) -> Reasons | None:
        """Return what to store; None if it is stored already.

        A job whose workflow has not begun is left out the first time: most begin in a moment.
        """
        self._looked = now
        unbegun = frozenset(each.job_id for each in reasons.shortages if each.is_start)
        seen, self._unbegun = self._unbegun, unbegun
        waiting = [s for s in reasons.shortages if not s.is_start or s.job_id in seen]
        told = Reasons(waiting, reasons.idle)
        if told == self._said and now - self._said_at < self._again_s:
            return None
        self._said, self._said_at = told, now
        return told

    def say_again(self) -> None:
        """Not all of the news could be stored."""
        self._said = None


class StartQueue:
    """Decides which workflows to start now: the oldest first, some side by side, one per job.

    So no start waits long for another one, which may get no answer.
    """

    def __init__(self, at_once: int, start_again_s: float) -> None:
        self._at_once = at_once
        self._start_again_s = start_again_s
        self._begun: set[str] = set()
        self._failed: dict[str, float] = {}

    def begin(self, outbox: Iterable[tuple[str, int]], now: float) -> list[tuple[str, int]]:
        """Return the runs whose start begins now.

        Args:
            outbox: (job id, run number) of the workflows to start, oldest first, at least as many
                as `looks_at`.
            now: the time.
        """
        self._failed = {
            job: at for job, at in self._failed.items() if now - at < self._start_again_s
        }
        due = [each for each in outbox if each[0] not in self._begun | self._failed.keys()]
        begun = due[: self._at_once - len(self._begun)]
        self._begun.update(job_id for job_id, _ in begun)
        return begun

    def ended(self, job_id: str, now: float, *, is_started: bool) -> None:
        self._begun.discard(job_id)
        if not is_started:
            self._failed[job_id] = now

    @property
    def looks_at(self) -> int:
        """How many runs of the outbox are enough to find those whose start can begin."""
        return self._at_once + len(self._begun) + len(self._failed)

    @property
    def has_failed(self) -> bool:
        """Whether a start is to be tried again."""
        return bool(self._failed)


# --- the audit ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A job's run in the database. It must be read before the workflow is asked."""

    job_id: str
    run: int
    sequence: int
    """The number of the last stored write."""
    is_ended: bool = False


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A job's run in its open workflow."""

    run: int
    sequence: int | None
    """The number of its newest write; None if unknown, for example before its claim."""

    def is_behind(self, stored: StoredRun) -> bool:
        """Return whether a write is stored that the workflow has not made.

        Temporal was then restored to an older state.
        """
        return self.sequence is not None and self.sequence < stored.sequence

    def is_ahead(self, stored: StoredRun) -> bool:
        """Return whether the workflow has made a write that is not stored.

        The database was then restored to an older state, or the write is still on its way. In that
        case one needless write follows.
        """
        return self.sequence is not None and self.sequence > stored.sequence


class Verdict(Enum):
    """The result of an audit of a job that has not ended."""

    GOES_ON = auto()
    START_ANEW = auto()
    """The run has no workflow, or it is behind: the job gets a new run from the database."""
    TELL_AGAIN = auto()
    """The database is behind: the workflow is told to make a write, which the database answers with
    "send all".
    """


def audited(stored: StoredRun, open_run: OpenRun | None) -> Verdict:
    """Compare the two views of a job that has not ended (protocol rule 16)."""
    if open_run is None or open_run.run != stored.run or open_run.is_behind(stored):
        return Verdict.START_ANEW
    return Verdict.TELL_AGAIN if open_run.is_ahead(stored) else Verdict.GOES_ON


def is_astray(open_run: OpenRun, stored: StoredRun | None) -> bool:
    """Return whether to end an open workflow: its run does not own the job, or ended long ago.

    Args:
        stored: read after the workflow was found open; None if the job does not exist.
    """
    if stored is None or open_run.run != stored.run:
        return True
    return stored.is_ended and open_run.is_behind(stored)


# --- the keeper -----------------------------------------------------------------------------------


class Keeper:
    """One keeper. If its memory is lost, it only sends some messages once more, and tasks that wait
    for another worker wait for their whole time again.
    """

    def __init__(self, times: KeeperTimes) -> None:
        self._times = times
        self._resend = ResendTimer(times.resend_s)
        self._starved = StarvedTasks(times.starved_after_s, times.wait_over_s)
        self._explanations = Explanations(times.explain_s, times.explain_again_s)
        self._next_audit = float("-inf")

    def look(self, farm: FarmSnapshot, now: float) -> Pass:
        """Plan one pass. If a pass is cut off anywhere, the next one completes its work."""
        self._resend.forget_old(now)
        explain = self._explanations.is_due(now)
        planned = plan(farm, starved=self._starved.at(now), explain=explain)
        self._starved.note(planned.waiting, now)
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
            reasons=self._explanations.news(planned.reasons, now) if explain else None,
        )

    def explain_again(self) -> None:
        """Give the reasons again, because not all of them could be stored."""
        self._explanations.say_again()

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
        """Return the messages that tell jobs of their leases.

        Args:
            offered: leases that this pass has written.
            unconfirmed: leases that were offered at least `resend_s` ago and are not held yet.
        """
        late = [lease for lease in unconfirmed if self._resend.is_due("lend", lease.id, now=now)]
        by_job = _grouped([*offered, *late], lambda lease: lease.job_id)
        return [Message(job_id, "lend", leases) for job_id, leases in by_job]

    # --- when to audit ---------------------------------------------------------------------------

    def audit_due_in(self, now: float) -> float:
        """Return the time until the next audit; it is due if the time is not positive."""
        return self._next_audit - now

    def audit_begins(self, now: float) -> None:
        self._next_audit = now + self._times.audit_s

    def workflow_was_missing(self, now: float) -> None:
        """Audit earlier, because a message found no open workflow: the job may have ended."""
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
