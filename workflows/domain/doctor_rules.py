"""What is fine, what is to be looked at and what is broken: the doctor's rules over numbers. Pure.

The same rules count for the manager's machine and for render machines.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.domain.doctor import Finding, broken, fine, to_look_at
from workflows.domain.shortages import MOST_NAMED
from workflows.domain.statuses import WorkerStatus

#: A disk with less free space, in bytes, is full: neither a log nor the database goes on.
FULL = 100_000_000
#: With less free space, in bytes, a night of rendering may fill the disk.
SCARCE = 5_000_000_000
#: Seconds that two clocks may differ. The measures are as exact as a second.
CLOCKS_DIFFER_S = 5.0
#: From here on the farm acts wrongly: a manager counts another one as gone after three minutes, and
#: sessions, sleep schedules and times of logs are off by minutes.
CLOCKS_WRONG_S = 60.0
#: A certificate is renewed before this time; a person needs some days for it.
EXPIRES_SOON = timedelta(days=14)
#: A worker that was not seen for so long is forgotten, or its machine is.
NOT_SEEN_FOR = timedelta(days=7)
#: A change of a worker's status that was asked for, and did not come about in this time.
CHANGE_TAKES = timedelta(hours=1)
#: A machine with less free memory, in percent, is about to lose its renders.
SCARCE_MEMORY_PERCENT = 10

_SET_CLOCK = "Let both machines take their time from the same time server (NTP)."


def space(check: str, where: str, free: int, total: int) -> Finding:
    """Judge the free space of a disk.

    Args:
        check: the check's id.
        where: the folder, for the sentence.
        free: in bytes, for a user without privileges.
        total: in bytes.
    """
    said = f"{size(free)} of {size(total)} are free at {where}."
    if free < FULL:
        return broken(check, said, f"Free some space on the disk of {where}: it is full.")
    if free < SCARCE:
        return to_look_at(check, said, f"Free some space on the disk of {where} soon.")
    return fine(check, said)


def clock(check: str, whose: str, ahead_s: float) -> Finding:
    """Judge by how much another clock is ahead of one's own, in seconds; negative: it is behind."""
    if abs(ahead_s) <= CLOCKS_DIFFER_S:
        return fine(check, f"The clock of {whose} agrees.")
    said = f"The clock of {whose} is {off(ahead_s)}."
    return (broken if abs(ahead_s) > CLOCKS_WRONG_S else to_look_at)(check, said, _SET_CLOCK)


def clocks(check: str, ahead_s: Sequence[tuple[str, float]]) -> Finding:
    """Judge the clocks of several machines: (name, seconds ahead of one's own) pairs."""
    if not ahead_s:
        return fine(check, "No connected host has told its clock.")
    wrong = [(name, off_s) for name, off_s in ahead_s if abs(off_s) > CLOCKS_DIFFER_S]
    if not wrong:
        return fine(check, f"No clock differs from the manager's, of {len(ahead_s)} hosts.")
    wrong.sort(key=lambda pair: -abs(pair[1]))
    said = named([f"{name} ({off(off_s)})" for name, off_s in wrong])
    kind = broken if abs(wrong[0][1]) > CLOCKS_WRONG_S else to_look_at
    return kind(check, f"Clocks of hosts differ from the manager's: {said}.", _SET_CLOCK)


def certificate(check: str, expires: datetime, begins: datetime, now: datetime) -> Finding:
    """Judge the days that a certificate is valid."""
    until = f"{expires:%Y-%m-%d %H:%M} UTC"
    renew = "Renew it: `tablao tls renew` if it is the farm's own, else where it was made."
    if now >= expires:
        return broken(check, f"The manager's certificate expired on {until}.", renew)
    if now < begins:
        return broken(
            check,
            f"The manager's certificate is valid from {begins:%Y-%m-%d %H:%M} UTC on only.",
            "Look at the clock of the manager's machine, or renew the certificate.",
        )
    if expires - now < EXPIRES_SOON:
        days = (expires - now).days
        return to_look_at(
            check, f"The manager's certificate expires in {days} days, on {until}.", renew
        )
    return fine(check, f"The manager's certificate is valid until {until}.")


def memory(check: str, available: int, total: int) -> Finding:
    """Judge the memory that is free, in bytes."""
    said = f"{size(available)} of {size(total)} memory are free."
    if 100 * available < SCARCE_MEMORY_PERCENT * total:
        return to_look_at(check, said, "Look which program uses the memory, and end it.")
    return fine(check, said)


# --- workers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker, as far as the rules about workers need it."""

    name: str
    status: WorkerStatus
    is_waiting: bool = False
    """Whether it waits to be let in."""
    is_paused: bool = False
    is_aside: bool = False
    """Whether it is set aside from all tasks."""
    last_seen: datetime | None = None
    requested: WorkerStatus | None = None
    """The status that it was asked to take."""
    changed: datetime | None = None
    """When its row changed last."""

    @property
    def takes_tasks(self) -> bool:
        is_ready = self.status is WorkerStatus.AWAKE and self.requested is None
        return is_ready and not (self.is_waiting or self.is_paused or self.is_aside)


def workers(check: str, states: Sequence[WorkerState]) -> Finding:
    """Judge whether the farm has workers that take tasks."""
    if not states:
        return broken(
            check,
            "The farm has no worker, so no job goes on.",
            "Start `tablao-worker --manager URL` on a render machine; the dashboard shows the "
            "whole command under Workers, Add workers…",
        )
    ready = sum(each.takes_tasks for each in states)
    if ready:
        return fine(check, f"Workers that take tasks: {ready} of {len(states)}.")
    if all(each.status is WorkerStatus.ASLEEP for each in states):
        return to_look_at(
            check,
            f"All of {_workers(len(states))} are asleep.",
            "Wake them with `tablao worker wake`, or look at their sleep schedules.",
        )
    return broken(
        check,
        f"None of {_workers(len(states))} takes tasks: {_by_status(states)}.",
        "Look at `tablao workers`: start, wake or let in the workers that are to render.",
    )


def not_seen(check: str, states: Iterable[WorkerState], now: datetime) -> Finding:
    gone = [
        each.name
        for each in states
        if each.last_seen is not None and now - each.last_seen > NOT_SEEN_FOR
    ]
    if not gone:
        return fine(check, f"Each worker was seen in the last {NOT_SEEN_FOR.days} days.")
    return to_look_at(
        check,
        f"Not seen for {NOT_SEEN_FOR.days} days: {named(gone)}.",
        "Start them, or delete those that are gone for good: `tablao worker delete`.",
    )


def waiting(check: str, states: Iterable[WorkerState]) -> Finding:
    found = [each.name for each in states if each.is_waiting]
    if not found:
        return fine(check, "No worker waits to be let in.")
    return to_look_at(
        check,
        f"Waiting to be let in: {named(found)}.",
        "Let them in on the dashboard's page Workers, if they are yours.",
    )


def requests(check: str, states: Iterable[WorkerState], now: datetime) -> Finding:
    """Judge the statuses that workers were asked to take, and did not take for long."""
    late = [
        f"{each.name} ({each.requested})"
        for each in states
        if each.requested is not None
        and each.changed is not None
        and now - each.changed > CHANGE_TAKES
    ]
    if not late:
        return fine(check, "No worker is late with a status that it was asked to take.")
    return to_look_at(
        check,
        f"Asked for a status, and not in it after an hour: {named(late)}.",
        "They end their tasks first, or are not connected: `tablao worker sleep --now` does not "
        "wait for tasks, and `tablao worker wake` takes a request back.",
    )


# --- words ----------------------------------------------------------------------------------------


def named(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def size(count: int) -> str:
    """Return a number of bytes in words: `3.4 GB`."""
    for unit, length in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if count >= length:
            return f"{count / length:.1f} {unit}"
    return f"{count / 1000:.1f} kB"


def off(ahead_s: float) -> str:
    """Return by how much a clock is off in words: `3 min behind`."""
    seconds = abs(ahead_s)
    shown = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"{shown} {'ahead' if ahead_s > 0 else 'behind'}"


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def _by_status(states: Iterable[WorkerState]) -> str:
    counts: dict[str, int] = {}
    for each in states:
        word = _word_of(each)
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))


def _word_of(state: WorkerState) -> str:
    if state.is_waiting:
        return "waiting to be let in"
    if state.is_aside and state.status is WorkerStatus.AWAKE:
        return "set aside"
    if state.is_paused and state.status is WorkerStatus.AWAKE:
        return "paused"
    return str(state.status) or "never signed on"
