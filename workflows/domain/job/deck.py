"""The next task of a busy worker: when it is put on the worker's deck, and taken off again.

A host begins the run on its deck as soon as its live run has ended, without asking. So a job gives
a task in advance only while that hurts no other worker, and asks for it back when another worker
or another task needs its place (docs/protocol.md, On deck).
"""

from collections.abc import Iterator

from workflows.domain.job.failures import FailureBook
from workflows.domain.job.leases import GivenRun, Holding, LeaseBook, Start
from workflows.domain.job.run_times import RecentRunTimes
from workflows.domain.job.tasks import TaskBook
from workflows.domain.messages import Limits

#: So many activities of a job may wait at Temporal, which gets stuck at 2,000.
_MOST_PENDING = 1_500


class Decks:
    """The tasks that a run of a job has given in advance.

    Args:
        starts, withdrawals: get the activities that are to be scheduled.
    """

    def __init__(
        self,
        tasks: TaskBook,
        leases: LeaseBook,
        failures: FailureBook,
        limits: Limits,
        starts: list[Start],
        withdrawals: list[Start],
    ) -> None:
        self.run_times = RecentRunTimes()
        self._tasks = tasks
        self._leases = leases
        self._failures = failures
        self._limits = limits
        self._starts = starts
        self._withdrawals = withdrawals

    def __iter__(self) -> Iterator[GivenRun]:
        """Iterate over the runs on deck whose tasks still wait for them."""
        if not self._leases.deck_count:
            return iter(())
        decks = (holding.deck for holding in self._leases)
        return (run for run in decks if run is not None and not run.is_voided)

    @property
    def may_begin(self) -> bool:
        """Whether a host has a task on deck, which it may have begun."""
        return next(iter(self), None) is not None

    def wanted(self) -> set[int]:
        """Return the tasks that a free worker may have instead of the one that holds them."""
        return {run.index for run in self if not run.must_run}

    def serve(self, *, is_schedulable: bool) -> None:
        """Take off what must not begin, and give busy workers their next tasks.

        Call it when every lent worker has a live run, if there is a task for it.

        Args:
            is_schedulable: whether tasks of the job may start.
        """
        if self._leases.deck_count:
            top = self._tasks.top_priority()
            for holding in self._leases:
                run = holding.deck
                if run is None:
                    continue
                may_be_overtaken = top is not None and top > self._tasks.priority(run.index)
                is_overtaken = may_be_overtaken and self._has_better(holding, run)
                if is_overtaken or not self._may_begin(holding, run, is_schedulable=is_schedulable):
                    self._ask_back(holding, run)
        if is_schedulable and self._is_worth_it():
            for holding in self._leases:
                self._give_next(holding)

    def moves_up(self, holding: Holding, *, is_schedulable: bool) -> GivenRun | None:
        """Make the run on deck the live one, if its host begins it for certain.

        Return None, and ask for the run back, if it must not begin: then its host's answer decides.
        """
        run = holding.deck
        if run is None or run.withdrawal is not None:
            return None
        if not self._may_begin(holding, run, is_schedulable=is_schedulable):
            self._ask_back(holding, run)
            if not run.must_run and not run.is_voided:
                return None
        self._leases.move_up(holding)
        return run

    def serves_from_another(self, holding: Holding, waiting: int) -> bool:
        """Ask for a task that waits on another worker's deck, for a worker that has none.

        Args:
            waiting: how many lent workers wait for such a task, this one included.

        Returns:
            Whether the worker shall wait for the answer.
        """
        possible = [
            (other, run)
            for other in self._leases
            if (run := other.deck) is not None and not run.is_voided and not run.must_run
            if self._may_try(holding, run.index) and self._tasks.may_run(run.index)
        ]
        if waiting <= sum(1 for _, run in possible if run.withdrawal is not None):
            return True
        free = [(other, run) for other, run in possible if run.withdrawal is None]
        if not free:
            return False
        # The worker whose live run began last has most still to do.
        self._ask_back(*max(free, key=lambda given: _newest_offer(given[0])))
        return True

    def _ask_back(self, holding: Holding, run: GivenRun) -> None:
        if run.withdrawal is None and not run.must_run and not run.is_voided:
            self._withdrawals.append(self._leases.withdraw(holding, run))

    def _has_better(self, holding: Holding, run: GivenRun) -> bool:
        """Return whether the worker would get a task of higher priority instead of this one."""
        index = self._next_for(holding)
        return index is not None and self._tasks.priority(index) > self._tasks.priority(run.index)

    def _next_for(self, holding: Holding) -> int | None:
        types = self._failures.allowed_types(holding.lease)
        return self._tasks.choose(types, holding.lease.worker_id)

    def _may_begin(self, holding: Holding, run: GivenRun, *, is_schedulable: bool) -> bool:
        return (
            is_schedulable
            and not holding.is_recalled
            and self._tasks.may_run(run.index)
            and self._may_try(holding, run.index)
        )

    def _may_try(self, holding: Holding, index: int) -> bool:
        worker_id, task_type = holding.lease.worker_id, self._tasks.task_type(index)
        return (
            task_type in holding.lease.task_types
            and not self._failures.is_blocked(worker_id, task_type)
            and worker_id not in self._tasks.excluded.get(index, ())
        )

    def _is_worth_it(self) -> bool:
        """Return whether runs are short, and every lent worker has one.

        A gap is nothing beside a long run, and a worker that waits would get the task sooner.
        """
        takes = self.run_times.median
        is_short = takes is not None and takes < self._limits.on_deck_below_s
        if not is_short or not self._tasks.ready_count:
            return False
        return not any(holding.is_idle for holding in self._leases)

    def _give_next(self, holding: Holding) -> None:
        live = holding.live
        if live is None or live.is_voided or holding.deck is not None:
            return
        if not holding.lease.has_deck or holding.is_recalled:
            return
        if self._leases.run_count >= _MOST_PENDING:
            return
        index = self._next_for(holding)
        if index is None or self._may_be_blocked_for(holding.lease.worker_id, live.index, index):
            return
        self._tasks.hold(index)
        attempt = self._tasks.attempt(index) + 1
        self._starts.append(self._leases.give(holding, index, attempt))

    def _may_be_blocked_for(self, worker_id: str, live: int, index: int) -> bool:
        """Return whether the failure of the live task would block the worker for another one.

        Its host would have begun the other one by then.
        """
        task_type = self._tasks.task_type(index)
        is_same_type = self._tasks.task_type(live) == task_type
        return is_same_type and self._failures.blocks_next(worker_id, task_type)


def _newest_offer(holding: Holding) -> int:
    return 0 if holding.live is None else holding.live.offer
