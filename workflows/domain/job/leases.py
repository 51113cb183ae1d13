"""The workers lent to a job's run, and the task that each of them works on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workflows.domain.messages import Lease, RunKey, RunRef


@dataclass(slots=True)
class LiveRun:
    """A task that a lent worker works on; `offer` numbers the activity that asks for it."""

    offer: int
    index: int
    attempt: int
    is_voided: bool = False
    """The task was canceled or requeued meanwhile, so the run's outcome is ignored."""
    is_reoffered: bool = False
    """The run was offered before, so it may live on its host even if this offer is not taken."""
    not_taken: int = 0
    """How many offers in a row its host did not take, though a manager answered all the time."""


@dataclass(slots=True)
class Holding:
    """A lease that this run of the job holds. One without a live run is about to be returned."""

    lease: Lease
    live: LiveRun | None = None
    is_recalled: bool = False

    @property
    def key(self) -> RunKey | None:
        if self.live is None:
            return None
        return RunKey(self.lease.job_id, self.live.index, self.lease.run, self.live.attempt)


@dataclass(frozen=True, slots=True)
class Start:
    """An activity to schedule, which asks a host for this run; its answer is known by `offer`."""

    offer: int
    ref: RunRef
    task_queue: str
    worker_name: str


class LeaseBook:
    """The leases of one run of a job, by id, by live task and by offer."""

    def __init__(self) -> None:
        self.last_offer = 0
        self._by_id: dict[str, Holding] = {}
        self._by_offer: dict[int, Holding] = {}
        self._by_index: dict[int, Holding] = {}

    def __iter__(self) -> Iterator[Holding]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, lease_id: str) -> bool:
        return lease_id in self._by_id

    @property
    def live_count(self) -> int:
        return len(self._by_index)

    def get(self, lease_id: str) -> Holding | None:
        return self._by_id.get(lease_id)

    def of_offer(self, offer: int) -> Holding | None:
        return self._by_offer.get(offer)

    def of_task(self, index: int) -> Holding | None:
        return self._by_index.get(index)

    def of_slot(self, worker_id: str, slot: int) -> list[Holding]:
        return [h for h in self if (h.lease.worker_id, h.lease.slot) == (worker_id, slot)]

    def add(self, holding: Holding) -> None:
        self._by_id[holding.lease.id] = holding
        if holding.live is not None:
            self._by_offer[holding.live.offer] = holding
            self._by_index[holding.live.index] = holding

    def remove(self, holding: Holding) -> None:
        self.end_live(holding)
        del self._by_id[holding.lease.id]

    def begin_live(self, holding: Holding, index: int, attempt: int) -> Start:
        self.last_offer += 1
        holding.live = LiveRun(self.last_offer, index, attempt)
        self.add(holding)
        return self._start(holding, holding.live)

    def offer_again(self, holding: Holding) -> Start | None:
        """Return an activity that asks for the same attempt once more.

        The host attaches it to the run if the run lives, or answers with the outcome that it kept.
        """
        if holding.live is None:
            return None
        del self._by_offer[holding.live.offer]
        self.last_offer += 1
        holding.live.offer = self.last_offer
        holding.live.is_reoffered = True
        self._by_offer[self.last_offer] = holding
        return self._start(holding, holding.live)

    def end_live(self, holding: Holding) -> None:
        if holding.live is not None:
            del self._by_offer[holding.live.offer]
            del self._by_index[holding.live.index]
            holding.live = None

    def move_session(self, holding: Holding, session: int) -> None:
        holding.lease = replace(holding.lease, session=session)

    @staticmethod
    def _start(holding: Holding, live: LiveRun) -> Start:
        lease = holding.lease
        ref = RunRef(
            lease.job_id,
            live.index,
            lease.run,
            live.attempt,
            lease.id,
            lease.slot,
            lease.generation,
        )
        return Start(live.offer, ref, lease.task_queue, lease.worker_name)
