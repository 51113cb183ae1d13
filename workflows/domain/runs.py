"""Decides what a host does when it is asked to run a task: a book of runs, without any I/O.

Source: rules 4, 5, 7 and 9 of docs/protocol.md. The host's run table and the model test use it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto

from workflows.domain.bounded_dict import BoundedDict
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef

#: How long a stop is remembered for a run that has not begun, in seconds. No activity waits for
#: its delivery as long as that.
TOMBSTONE_S = 3600.0
#: How many outcomes of forgotten runs are remembered, for activities that are delivered twice.
REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Attach:
    """The run lives here; attach to it and report its outcome."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The run has ended or will never begin; `outcome` is the answer."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Begin:
    """Start the run after the runs in `stop_first` and `wait_for` have ended."""

    stop_first: tuple[RunKey, ...] = ()
    wait_for: tuple[RunKey, ...] = ()


Decision = Attach | Kept | Begin


class StopOrder(Enum):
    """How an order to stop a run is carried out."""

    STOP = auto()
    """The run lives; its processes have to be stopped."""
    REMEMBER = auto()
    """The run has not begun. Its tombstone keeps it from beginning, and must be saved to disk."""
    NOTHING = auto()
    """The run has ended."""


class Withdrawal(Enum):
    """The answer to the question whether a run can be withdrawn."""

    WITHDRAWN = auto()
    """It waited, and never begins."""
    BEGUN = auto()
    """It begins, lives or has ended, or was told to stop: its outcome tells."""
    UNKNOWN = auto()
    """It has not been asked for yet. Its tombstone keeps it from beginning."""


class Phase(Enum):
    BEGINNING = auto()
    """The run is accepted, but has no process yet."""
    LIVE = auto()
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """One run in the book."""

    ref: RunRef
    phase: Phase
    outcome: Outcome | None = None
    is_stopping: bool = False
    waits_for: tuple[RunKey, ...] = ()
    """The runs whose end it waits for before it begins."""


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """The book's whole state; immutable."""

    entries: tuple[Entry, ...] = ()
    generations: tuple[tuple[int, int], ...] = ()
    tombstones: tuple[tuple[RunKey, float], ...] = ()
    remembered: tuple[tuple[RunKey, Outcome], ...] = ()


CANCELED_BEFORE = Outcome(OutcomeKind.CANCELED, "stopped before it began")


class RunBook:
    """The runs of one host, by key.

    `refusing` is the sentence with which new runs are refused (asleep, shutting down); if it is
    empty, they are accepted. Requests for known runs are answered in any case.
    """

    def __init__(self) -> None:
        self.refusing = ""
        self._entries: dict[RunKey, Entry] = {}
        self._generations: dict[int, int] = {}
        self._tombstones: dict[RunKey, float] = {}
        self._remembered: BoundedDict[RunKey, Outcome] = BoundedDict(REMEMBERED)

    def asked(self, ref: RunRef) -> Decision:
        """Decide what to do for a request; if that is `Begin`, enter the run as beginning."""
        if (known := self._answer_for_known(ref.key)) is not None:
            return known
        if refusal := self.refusing or self._outdated(ref):
            return Kept(Outcome(OutcomeKind.REFUSED, refusal))
        self._generations[ref.slot] = ref.generation
        decision = self._begin_after(ref)
        for entry in self._behind(ref):
            waits_for = (*entry.waits_for, ref.key)
            self._entries[entry.ref.key] = replace(entry, waits_for=waits_for)
        waits_for = (*decision.stop_first, *decision.wait_for)
        self._entries[ref.key] = Entry(ref, Phase.BEGINNING, waits_for=waits_for)
        return decision

    def knows(self, key: RunKey) -> bool:
        """Return whether the run was asked for, or is never to begin."""
        return key in self._entries or key in self._remembered or key in self._tombstones

    def blockers(self, key: RunKey) -> list[RunKey]:
        """Return the runs that must end before this one may begin."""
        known = (self._entries.get(other) for other in self._entries[key].waits_for)
        return [e.ref.key for e in known if e is not None and e.outcome is None]

    def refusal(self, key: RunKey) -> str:
        """Return why a run must not begin now though it was accepted; empty if it may begin.

        A run that waited on deck is refused like a new one: the machine may have been set aside, or
        sent to sleep after its task.
        """
        return self.refusing if self._entries[key].ref.after else ""

    def began(self, key: RunKey) -> bool:
        """Mark a run as live; return False if it was stopped meanwhile and must not start."""
        entry = self._entries[key]
        if entry.is_stopping:
            self.ended(key, CANCELED_BEFORE)
        if self._entries[key].phase is Phase.ENDED:
            return False
        self._entries[key] = replace(entry, phase=Phase.LIVE)
        return True

    def ended(self, key: RunKey, outcome: Outcome) -> Outcome:
        """Keep a run's outcome. The first outcome counts and is returned."""
        entry = self._entries[key]
        if entry.outcome is None:
            self._entries[key] = replace(entry, phase=Phase.ENDED, outcome=outcome)
            return outcome
        return entry.outcome

    def stop(self, key: RunKey, now: float) -> StopOrder:
        """Stop a run, or keep it from beginning.

        Args:
            now: in seconds of any clock, the same one as in `expire`.
        """
        entry = self._entries.get(key)
        if entry is None:
            if key in self._remembered:
                return StopOrder.NOTHING
            self._tombstones[key] = now
            return StopOrder.REMEMBER
        if entry.phase is Phase.ENDED:
            return StopOrder.NOTHING
        self._entries[key] = replace(entry, is_stopping=True)
        if entry.phase is Phase.LIVE:
            return StopOrder.STOP
        self._tombstones[key] = now
        return StopOrder.REMEMBER

    def withdraw(self, key: RunKey, now: float) -> Withdrawal:
        """Take a run off the deck, unless it has begun: then it goes on."""
        entry = self._entries.get(key)
        if entry is None:
            if key in self._remembered:
                return Withdrawal.BEGUN
            self._tombstones[key] = now
            return Withdrawal.UNKNOWN
        if entry.phase is not Phase.BEGINNING or entry.is_stopping or not entry.ref.after:
            return Withdrawal.BEGUN
        del self._entries[key]
        return Withdrawal.WITHDRAWN

    def forget(self, key: RunKey) -> None:
        """Remove a run whose outcome was accepted, or whose commands could not be fetched."""
        entry = self._entries.pop(key, None)
        if entry is None or entry.outcome is None:
            return
        self._remembered[key] = entry.outcome

    def adopt(self, ref: RunRef, outcome: Outcome | None) -> None:
        """Enter a run of an earlier host process; without an outcome the run lives."""
        phase = Phase.LIVE if outcome is None else Phase.ENDED
        self._entries[ref.key] = Entry(ref, phase, outcome)

    def signed_on(self) -> None:
        """Forget the leases' generations at a new session, since no older request can arrive.

        A database restored to an older state counts generations from a lower number. A host that
        remembered the higher ones would refuse every run.
        """
        self._generations.clear()

    def expire(self, now: float) -> list[RunKey]:
        """Drop tombstones older than `TOMBSTONE_S`; return their keys."""
        old = [key for key, since in self._tombstones.items() if now - since > TOMBSTONE_S]
        for key in old:
            del self._tombstones[key]
        return old

    def live(self) -> list[RunKey]:
        """Return the keys of runs that are beginning or live, in order."""
        return sorted(key for key, e in self._entries.items() if e.phase is not Phase.ENDED)

    def entry(self, key: RunKey) -> Entry | None:
        return self._entries.get(key)

    def snapshot(self) -> BookSnapshot:
        return BookSnapshot(
            tuple(self._entries.values()),
            tuple(self._generations.items()),
            tuple(self._tombstones.items()),
            tuple(self._remembered.items()),
        )

    @classmethod
    def restore(cls, snapshot: BookSnapshot) -> "RunBook":
        """Return the book that `snapshot` copied."""
        book = cls()
        book._entries = {entry.ref.key: entry for entry in snapshot.entries}
        book._generations = dict(snapshot.generations)
        book._tombstones = dict(snapshot.tombstones)
        book._remembered.update(snapshot.remembered)
        return book

    def _answer_for_known(self, key: RunKey) -> Decision | None:
        entry = self._entries.get(key)
        if entry is not None:
            return Attach() if entry.outcome is None else Kept(entry.outcome)
        if key in self._remembered:
            return Kept(self._remembered[key])
        return Kept(CANCELED_BEFORE) if key in self._tombstones else None

    def _outdated(self, ref: RunRef) -> str:
        """Return why this request is out of date; empty if it is not."""
        newest = self._generations.get(ref.slot, ref.generation)
        occupants = [e.ref.generation for e in self._occupants(ref.slot)]
        if max([newest, *occupants]) > ref.generation:
            return f"slot {ref.slot} has seen a newer lease"
        if any(_try_of(e.ref) > _try_of(ref) for e in self._tries_of_same_task(ref)):
            return "a later attempt at this task is known here"
        return ""

    def _begin_after(self, ref: RunRef) -> Begin:
        earlier = {e.ref.key for e in self._tries_of_same_task(ref) if e.outcome is None}
        occupants = self._occupants(ref.slot)
        # A run of an older lease has no right to the slot any more. A run of the same lease is
        # about to end: the workflow sends the next task only when it knows the last one's end.
        stale = {e.ref.key for e in occupants if e.ref.generation < ref.generation}
        stop_first = earlier | stale
        behind = {e.ref.key for e in self._behind(ref)}
        wait_for = {e.ref.key for e in occupants} - stop_first - behind
        return Begin(tuple(sorted(stop_first)), tuple(sorted(wait_for)))

    def _behind(self, ref: RunRef) -> list[Entry]:
        """Return the runs on deck that wait for this one, which is asked for only now."""
        after = str(ref.key)
        waiting = (e for e in self._entries.values() if e.phase is Phase.BEGINNING)
        return [e for e in waiting if e.ref.after == after]

    def _occupants(self, slot: int) -> list[Entry]:
        return [e for e in self._entries.values() if e.ref.slot == slot and e.outcome is None]

    def _tries_of_same_task(self, ref: RunRef) -> Iterable[Entry]:
        task = (ref.job_id, ref.index)
        return (e for e in self._entries.values() if (e.ref.job_id, e.ref.index) == task)


def _try_of(ref: RunRef) -> tuple[int, int]:
    return (ref.run, ref.attempt)
