"""Workers lent to a job's run, and what each of them is doing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workflows.domain.messages import Lease, RunKey, RunRef


@dataclass(slots=True)
class LiveRun:
    """One task that a lent worker works on. `offer` numbers the activities that ask for it."""

    offer: int
    index: int
    attempt: int
    is_voided: bool = False
    """Its task has been canceled or requeued meanwhile: whatever it brings, nobody wants it."""
    is_reoffered: bool = False
    """It has been asked for before: it may live on its host though this offer is not taken."""


@dataclass(slots=True)
class Holding:
    """A lease while this run holds it. Without a live run it is about to be returned."""

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
    """An activity to schedule: ask the host for this run. `offer` names the answer."""

    offer: int
    ref: RunRef
    task_queue: str


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
        """Asks for the same attempt once more: the host attaches, or answers with what it kept."""
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
        return Start(live.offer, ref, lease.task_queue)
