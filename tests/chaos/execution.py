"""Carries out a plan against real processes, mends everything, waits for quiet, and audits."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import TextIO

import httpx
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from tests.chaos.audit import ENDED, audit
from tests.chaos.farm import ChaosFarm, chaos_farm
from tests.chaos.observe import (
    kept_runs,
    newest_event,
    observe,
    open_leases,
    open_workflows,
    processes_of,
)
from tests.chaos.people import People
from tests.chaos.plan import COPIED_BEFORE_S, SET_BACK, Act, Deed, Fault, Plan
from tests.chaos.state import FarmState
from tests.chaos.stores import Files, Stores
from tests.chaos.strikes import NothingToStrike, Strikes, Struck
from tests.chaos.watch import EventFollower, ProcessWatch

_TICK_S = 0.2
#: How long a farm may take to settle after everything is mended; a busy machine needs a part of it.
SETTLES_WITHIN_S = 150.0
_LOOK_S = 1.0
#: How long a fault waits for what it concerns, such as a renderer.
_WAITS_FOR_A_TARGET_S = 5.0


@dataclass(frozen=True, slots=True)
class Result:
    plan: Plan
    state: FarmState
    problems: Sequence[str]
    """A sentence for each broken invariant."""
    not_struck: Sequence[str] = ()
    """Faults for which there was nothing to strike, in words."""
    starts: int = 0
    """How often the harness started a process again that had ended by itself."""

    @property
    def tasks(self) -> int:
        return sum(len(job.tasks) for job in self.state.jobs)


@dataclass(slots=True)
class _Timeline:
    """Things to do at their times, in seconds since the beginning."""

    began: float = field(default_factory=monotonic)
    _entries: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def at(self, seconds: float, do: Callable[[], None]) -> None:
        heappush(self._entries, (seconds, next(self._numbers), do))

    def now(self) -> float:
        return monotonic() - self.began

    @property
    def is_over(self) -> bool:
        return not self._entries

    def do_due(self) -> None:
        while self._entries and self._entries[0][0] <= self.now():
            heappop(self._entries)[2]()


class Execution:
    def __init__(
        self,
        farm: ChaosFarm,
        people: People,
        events: EventFollower,
        watch: ProcessWatch,
        diary: TextIO,
        stores: Stores,
    ) -> None:
        self.farm = farm
        self.people = people
        self.struck: list[Struck] = []
        self.not_struck: list[str] = []
        self.starts = 0
        self._events = events
        self._watch = watch
        self._strikes = Strikes(farm, watch, stores)
        self._diary = diary
        self._time = _Timeline()

    def carry_out(self) -> None:
        """Submit, strike, mend; people ask in a thread of their own, as answers may take long."""
        for fault in self.farm.plan.faults:
            if fault.kind in SET_BACK:
                self._at(fault.at_s - COPIED_BEFORE_S, partial(self._copy, fault))
            self._at(fault.at_s, partial(self._strike, fault))
        asking = threading.Thread(target=self._ask, daemon=True, name="people")
        asking.start()
        while not self._time.is_over or asking.is_alive():
            self._time.do_due()
            self._start_what_ended()
            sleep(_TICK_S)

    def settle(self) -> None:
        """Wait until nothing is under way any more, or for `SETTLES_WITHIN_S`."""
        deadline = monotonic() + SETTLES_WITHIN_S
        while (left := self._left_or_why_not_seen()) and monotonic() < deadline:
            self._say(f"waits: {left}")
            self._start_what_ended()
            sleep(_LOOK_S)

    def state(self) -> FarmState:
        """Everything that is seen; the farm goes on meanwhile, with events for example."""
        return observe(self.farm, self.people, self.struck, self._events, self._watch)

    # --- striking --------------------------------------------------------------------------------

    def _at(self, seconds: float, do: Callable[[], None]) -> None:
        self._time.at(seconds, do)

    def _copy(self, fault: Fault) -> None:
        self._say(f"copies what will be set back: {fault.kind}")
        self._strikes.copy(fault)

    def _strike(self, fault: Fault) -> None:
        words = f"{fault.kind}: {fault.target}"
        try:
            struck, mend = self._strikes.strike(fault)
        except NothingToStrike as reason:
            if self._time.now() < fault.at_s + _WAITS_FOR_A_TARGET_S:
                self._at(self._time.now() + _TICK_S, lambda: self._strike(fault))
                return
            self.not_struck.append(f"{words} ({reason})")
            self._say(f"not struck: {self.not_struck[-1]}")
            return
        self.struck.append(struck)
        self._say(f"struck: {words} {struck.pids or ''}")

        def mended() -> None:
            mend()
            self._say(f"over: {words}")

        self._at(self._time.now() + fault.for_s, mended)

    def _start_what_ended(self) -> None:
        """As a service manager does with a process that ends by itself."""
        for name in self.farm.names:
            if name not in self._strikes.down and not self.farm.runs(name):
                self._say(f"{name} has ended with {self.farm.process(name).returncode}")
                self.starts += 1
                self.farm.launch(name)

    # --- people ----------------------------------------------------------------------------------

    def _ask(self) -> None:
        moments: list[tuple[float, Callable[[], None]]] = [
            (job.at_s, partial(self._submit, job.name)) for job in self.farm.plan.jobs
        ]
        moments += [(deed.at_s, partial(self._do, deed)) for deed in self.farm.plan.deeds]
        for at_s, do in sorted(moments, key=lambda moment: moment[0]):
            sleep(max(0.0, at_s - self._time.now()))
            do()

    def _submit(self, name: str) -> None:
        plan = next(job for job in self.farm.plan.jobs if job.name == name)
        if name not in self.people.jobs and self.people.submit(plan):
            self._say(f"{name} is accepted: {self.people.jobs[name]}")

    def _do(self, deed: Deed) -> None:
        self.people.do(deed)
        self._say(f"people {deed.act} {deed.target}: {self.people.done[-1].status}")

    # --- settling --------------------------------------------------------------------------------

    def _left_or_why_not_seen(self) -> str:
        try:
            return self._left()
        except (httpx.HTTPError, SQLAlchemyError, RPCError, OSError, ValueError, KeyError) as error:
            # Something is still being started, or answers 503.
            return repr(error)

    def _left(self) -> str:
        """What is still under way; empty if nothing is."""
        jobs = self.people.jobs_seen()
        if jobs is None:
            return "no manager answers"
        for plan in self.farm.plan.jobs:
            self._submit(plan.name)
        statuses = {job["name"]: job["status"] for job in jobs}
        for name, status in statuses.items():
            if status in ("paused", "pause-requested"):
                self._do(Deed(Act.RESUME, name, self._time.now()))
        self._wake()
        under_way = [f"{name} {status}" for name, status in statuses.items() if status not in ENDED]
        missing = [plan.name for plan in self.farm.plan.jobs if plan.name not in self.people.jobs]
        asleep = len(self.farm.awake()) < self.farm.plan.shape.hosts
        return (
            ", ".join(under_way + missing)
            or ("not all workers are awake" if asleep else "")
            or "; ".join([*open_leases(self.farm), *kept_runs(self.farm)])
            or ("a shim lives" if self.farm.shim_pids() else "")
            or ("a workflow is open" if open_workflows(self.farm) else "")
            or ("" if self._events.last >= newest_event(self.farm) else "events are on their way")
        )

    def _wake(self) -> None:
        with self.farm.client("manager1") as client:
            for worker in client.get("/api/v3/worker-mgt/workers").json()["workers"]:
                if worker["status"] == "asleep" or worker.get("status_change"):
                    self.people.ask_worker(client, worker["name"], "awake", is_lazy=False)

    def _say(self, words: str) -> None:
        if self._diary.closed:
            return  # the run was broken off, and a person's request has been answered since
        self._diary.write(f"{self._time.now():7.2f} s  {words}\n")
        self._diary.flush()


def run(plan: Plan, directory: Path, *, stores: Stores | None = None) -> Result:
    """Carry out a plan on a farm of its own.

    Args:
        directory: where the farm lives; it is created, and stays.
        stores: how stores are set back; None: as files.
    """
    with chaos_farm(directory, plan) as farm, (directory / "diary").open("w") as diary:
        people = People(farm)
        with EventFollower(farm) as events, ProcessWatch(farm) as watch:
            execution = Execution(farm, people, events, watch, diary, stores or Files())
            execution.carry_out()
            execution.settle()
            state = execution.state()
        ledger = farm.ledger
    state = replace(state, processes=[*state.processes, *processes_of(ledger)])
    problems = audit(state)
    heard = (f"{each.id} {each.topic} {json.dumps(each.payload)}\n" for each in state.heard)
    (directory / "events").write_text("".join(heard))
    (directory / "problems").write_text("".join(f"{problem}\n" for problem in problems))
    return Result(plan, state, problems, execution.not_struck, execution.starts)
