"""The workers lent to a job's run, and the task that each of them works on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workflows.domain.messages import Lease, RunKey, RunRef


@dataclass(slots=True)
class GivenRun:
    """A task that was given to a lent worker; `offer` numbers the activity that asks for it."""

    offer: int
    index: int
    attempt: int
    is_voided: bool = False
    """The task was canceled or requeued meanwhile, so the run's outcome is ignored."""
    is_reoffered: bool = False
    """The run was offered before, so it may live on its host even if this offer is not taken."""
    not_taken: int = 0
    """How many offers in a row its host did not take, though a manager answered all the time."""
    withdrawal: int | None = None
    """The number of the activity that asks its host to withdraw it; None if it is not asked."""
    must_run: bool = False
    """It cannot be withdrawn any more: it has begun, or its host could not be asked."""


@dataclass(slots=True)
class Holding:
    """A lease that this run of the job holds.

    One without any run waits for a task that is withdrawn from another worker's deck, or is about
    to be returned.
    """

    lease: Lease
    live: GivenRun | None = None
    """The run that the worker works on, as far as the job knows."""
    is_recalled: bool = False
    deck: GivenRun | None = None
    """The run that the worker begins as soon as the live one has ended."""
    is_unresponsive: bool = False
    """The worker cannot go on, so the lease ends with its runs."""
    end_reason: str = ""
    """Why the worker cannot go on."""

    @property
    def key(self) -> RunKey | None:
        return None if self.live is None else self.key_of(self.live)

    @property
    def runs(self) -> list[GivenRun]:
        return [run for run in (self.live, self.deck) if run is not None]

    @property
    def is_idle(self) -> bool:
        return self.live is None and self.deck is None

    def key_of(self, run: GivenRun) -> RunKey:
        return RunKey(self.lease.job_id, run.index, self.lease.run, run.attempt)


@dataclass(frozen=True, slots=True)
class Start:
    """An activity to schedule, which asks a host for this run; its answer is known by `offer`."""

    offer: int
    ref: RunRef
    task_queue: str
    worker_name: str


Given = tuple[Holding, GivenRun]


class LeaseBook:
    """The leases of one run of a job, by id, by task and by offer."""

    def __init__(self) -> None:
        self.last_offer = 0
        self._by_id: dict[str, Holding] = {}
        self._by_offer: dict[int, Given] = {}
        self._by_index: dict[int, Given] = {}
        self._by_withdrawal: dict[int, Given] = {}
        self._decks = 0

    def __iter__(self) -> Iterator[Holding]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, lease_id: str) -> bool:
        return lease_id in self._by_id

    @property
    def run_count(self) -> int:
        return len(self._by_index)

    @property
    def live_count(self) -> int:
        return len(self._by_index) - self._decks

    @property
    def deck_count(self) -> int:
        return self._decks

    def get(self, lease_id: str) -> Holding | None:
        return self._by_id.get(lease_id)

    def of_offer(self, offer: int) -> Given | None:
        return self._by_offer.get(offer)

    def of_withdrawal(self, number: int) -> Given | None:
        return self._by_withdrawal.get(number)

    def of_task(self, index: int) -> Given | None:
        return self._by_index.get(index)

    def of_slot(self, worker_id: str, slot: int) -> list[Holding]:
        return [h for h in self if (h.lease.worker_id, h.lease.slot) == (worker_id, slot)]

    def add(self, holding: Holding) -> None:
        self._by_id[holding.lease.id] = holding
        for run in holding.runs:
            self._enter(holding, run)

    def remove(self, holding: Holding) -> None:
        for run in holding.runs:
            self.end(holding, run)
        del self._by_id[holding.lease.id]

    def give(self, holding: Holding, index: int, attempt: int) -> Start:
        """Give a worker a task: as its live run, or on its deck if it has a live one."""
        run = GivenRun(self._number(), index, attempt)
        if holding.live is None:
            holding.live = run
        else:
            holding.deck = run
        self._enter(holding, run)
        return self._start(holding, run)

    def move_up(self, holding: Holding) -> None:
        """Make the run on deck the live one."""
        holding.live, holding.deck = holding.deck, None
        self._decks -= 1

    def offer_again(self, holding: Holding, run: GivenRun) -> Start:
        """Return an activity that asks for the same attempt once more.

        The host attaches it to the run if the run lives, or answers with the outcome that it kept.
        """
        del self._by_offer[run.offer]
        run.offer = self._number()
        run.is_reoffered = True
        self._by_offer[run.offer] = (holding, run)
        return self._start(holding, run)

    def withdraw(self, holding: Holding, run: GivenRun) -> Start:
        """Return an activity that asks a host to withdraw this run, unless it has begun."""
        run.withdrawal = self._number()
        self._by_withdrawal[run.withdrawal] = (holding, run)
        return replace(self._start(holding, run), offer=run.withdrawal)

    def forget_withdrawal(self, run: GivenRun) -> None:
        if run.withdrawal is not None:
            self._by_withdrawal.pop(run.withdrawal, None)
            run.withdrawal = None

    def end(self, holding: Holding, run: GivenRun) -> None:
        del self._by_offer[run.offer]
        del self._by_index[run.index]
        self.forget_withdrawal(run)
        if run is holding.live:
            holding.live = None
        else:
            holding.deck = None
            self._decks -= 1

    def move_session(self, holding: Holding, session: int) -> None:
        holding.lease = replace(holding.lease, session=session)

    def _enter(self, holding: Holding, run: GivenRun) -> None:
        self._by_offer[run.offer] = self._by_index[run.index] = (holding, run)
        self._decks += run is holding.deck

    def _number(self) -> int:
        self.last_offer += 1
        return self.last_offer

    @staticmethod
    def _start(holding: Holding, run: GivenRun) -> Start:
        lease = holding.lease
        waits_for = holding.key if run is holding.deck else None
        ref = RunRef(
            lease.job_id,
            run.index,
            lease.run,
            run.attempt,
            lease.id,
            lease.slot,
            lease.generation,
            "" if waits_for is None else str(waits_for),
        )
        return Start(run.offer, ref, lease.task_queue, lease.worker_name)
