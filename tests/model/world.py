"""The whole farm in virtual time: who runs, who reaches whom, and when what happens."""

import copy
from collections import Counter
from random import Random
from typing import Any

from tests.model.database import Database, JobRecord, WorkerRecord
from tests.model.farm import History, dependencies
from tests.model.host import Host
from tests.model.http_host import HttpHost
from tests.model.http_runs import HttpRuns
from tests.model.keeper import Keeper
from tests.model.people import People
from tests.model.temporal import Temporal
from tests.model.times import HTTP_WORKER_TIMEOUT, KEEPER_LOOK, LONGEST_OVERLAP, LOST_AFTER, NEVER
from tests.model.workflow import WorkflowWorker
from workflows.domain.job.encoding import TaskColumns
from workflows.domain.messages import Limits, OutcomeKind, RunKey
from workflows.domain.statuses import TaskStatus, WorkerStatus

#: Between the numbers of two restores: more than the runs of any job.
RESTORED = 1000
TASK_TYPES = (frozenset({"blender"}), frozenset({"ffmpeg"}), frozenset({"blender", "ffmpeg"}))


class World:
    def __init__(self, history: History) -> None:
        self.now = 0
        self.is_calm = history.is_calm
        self.never_fails = not history.failing
        self.rng = Random(history.seed)
        self.db = Database()
        self.temporal = Temporal()
        self.http_runs = HttpRuns(self.db, self.temporal)
        self.hosts: dict[str, Host | HttpHost] = {}
        self.keeper = Keeper(
            self.db,
            self.temporal,
            lambda: self.now,
            self.is_present,
            self._order,
            self._disconnect,
        )
        self.workflows = WorkflowWorker(
            self.db, self.temporal, self.rng, self._tell_host, self.keeper.rest
        )
        self.people = People(self.db, self.temporal, self.workflows)
        self.manager_down_until = 0
        self.temporal_down_until = 0
        self.until: dict[tuple[str, str], int] = {}
        """(host, what is wrong with it) to when that ends."""
        self.database_copy: Database | None = None
        self.temporal_copy: Temporal | None = None
        self._listening_since = 0
        self._last_heard: dict[str, int] = {}
        self._messages: list[tuple[int, str, str, Any]] = []
        self._overlaps: Counter[tuple[str, int]] = Counter()
        self._jobs_submitted = 0
        self._restored = 0
        self.may_repeat_runs = False
        """Something was put back, and nobody said so to the database."""
        for number, (slots, types) in enumerate(history.workers):
            self._add_worker(f"w{number}", slots, TASK_TYPES[types - 1], history.failing)
        for tasks, shape in history.jobs:
            self.submit(tasks, shape)

    # --- the farm --------------------------------------------------------------------------------

    def _add_worker(self, name: str, slots: int, types: frozenset[str], failing: int) -> None:
        host: Host | HttpHost = (
            Host(name, self.rng) if slots else HttpHost(name, self.db, self.http_runs, self.rng)
        )
        self.hosts[name] = host
        accidents = (OutcomeKind.FAILED, OutcomeKind.LOST)
        host.outcomes = (OutcomeKind.COMPLETED,) * (10 - 2 * failing) + accidents * failing
        self.db.workers[name] = WorkerRecord(
            name,
            slots or 1,
            types,
            frozenset({"tag"}),
            is_http=not slots,
            # An older host has none.
            has_deck=bool(slots) and self.rng.random() < 0.8,
        )

    def submit(self, tasks: int, shape: int) -> None:
        number = self._jobs_submitted
        self._jobs_submitted += 1
        types = ["ffmpeg" if shape == 2 and i == tasks - 1 else "blender" for i in range(tasks)]
        columns = TaskColumns(
            types=types,
            priorities=[50 + i % 2 for i in range(tasks)],
            depends_on=dependencies(tasks, shape),
            statuses=[TaskStatus.QUEUED] * tasks,
            attempts=[0] * tasks,
            failures=[0] * tasks,
            failed_by=[()] * tasks,
        )
        limits = Limits(softfail_limit=3, blocklist_threshold=2 + number % 2)
        tag = "tag" if number % 3 == 1 else None
        self.db.submit(JobRecord(f"j{number}", 50, tag, columns, limits))

    # --- time ------------------------------------------------------------------------------------

    @property
    def is_manager_up(self) -> bool:
        return self.now >= self.manager_down_until

    def tick(self) -> None:
        self.now += 1
        self._faults_end()
        actors = [self._deliver, self._workflows_tick, self._keeper_tick, self._people_tick]
        actors.append(self._http_runs_tick)
        actors += [lambda host=host: self._host_tick(host) for host in self.hosts.values()]  # type: ignore[misc]
        self.rng.shuffle(actors)
        self.temporal.tick(self.now)
        for act in actors:
            act()
            self._watch()
            if self.is_calm:
                self._watch_leases()

    def _faults_end(self) -> None:
        self.temporal.is_up = self.now >= self.temporal_down_until
        for (name, what), until in list(self.until.items()):
            is_wrong = self.now < until
            host = self.hosts[name]
            if what == "process":
                host.is_up = not is_wrong
            elif what == "manager":
                host.is_manager_cut = is_wrong
            else:
                host.is_temporal_cut = is_wrong
            if not is_wrong:
                del self.until[name, what]

    def manager_stops(self, ticks: int) -> None:
        self.manager_down_until = self.now + ticks
        self._listening_since = self.manager_down_until
        self._messages.clear()
        self.keeper.restart()
        self.http_runs.restart()
        for host in self.hosts.values():
            host.is_connected = False

    def _workflows_tick(self) -> None:
        if self.is_manager_up:
            self.workflows.tick(self.now)

    def _keeper_tick(self) -> None:
        if not self.is_manager_up:
            return
        if self.now % KEEPER_LOOK == 0:
            self.keeper.look()
        if self.rng.random() < 0.8:
            self.keeper.tick()

    def _http_runs_tick(self) -> None:
        if self.is_manager_up:
            self.http_runs.tick(self.now, self._listening_since)

    def _people_tick(self) -> None:
        if self.is_manager_up:
            self.people.tick(self.now)

    def _host_tick(self, host: Host | HttpHost) -> None:
        if isinstance(host, HttpHost):
            host.tick(self.now, is_manager_up=self.is_manager_up)
        else:
            host.tick(self.db, self.temporal, self.now, is_manager_up=self.is_manager_up)
        if host.is_connected:
            self._last_heard[host.id] = self.now

    # --- the fast channel ------------------------------------------------------------------------

    def is_present(self, worker_id: str) -> bool:
        is_http = isinstance(self.hosts[worker_id], HttpHost)
        patience = HTTP_WORKER_TIMEOUT if is_http else LOST_AFTER
        missed_from = self._listening_since + LOST_AFTER
        heard = max(self._last_heard.get(worker_id, 0), missed_from)
        return self.now - heard <= patience

    def _tell_host(self, worker_id: str, what: str, content: Any) -> None:
        if isinstance(self.hosts.get(worker_id), HttpHost):
            if what == "stop":  # in the database, at once
                self.http_runs.stop(content, "its job gave it up")
            return
        delay = self.rng.choice((0, 0, 1, 3))
        if self.rng.random() < 0.9 and worker_id in self.hosts:
            self._messages.append((self.now + delay, worker_id, what, content))

    def _order(self, worker_id: str, status: WorkerStatus) -> None:
        # A WebSocket keeps the order of what it carries: an older order does not come later.
        self._messages = [m for m in self._messages if (m[1], m[2]) != (worker_id, "order")]
        self._tell_host(worker_id, "order", status)

    def _disconnect(self, worker_id: str) -> None:
        self.hosts[worker_id].is_connected = False

    def _deliver(self) -> None:
        due = [message for message in self._messages if message[0] <= self.now]
        self._messages = [message for message in self._messages if message[0] > self.now]
        for _, worker_id, what, content in due:
            host = self.hosts[worker_id]
            if isinstance(host, HttpHost) or not (host.is_up and host.is_connected):
                continue
            if what == "stop":
                host.stop(content, self.now)
            elif what == "settled":
                host.settled(content, self.now)
            else:
                host.ordered(content)

    # --- copies ----------------------------------------------------------------------------------

    def back_up_database(self) -> None:
        self.database_copy = copy.deepcopy(self.db)

    def back_up_temporal(self) -> None:
        self.temporal_copy = copy.deepcopy(self.temporal)

    def restore_database(self, *, by_hand: bool = False) -> None:
        """By hand: nobody adds to the numbers. After a proper restoring that cannot be made good:
        hosts have seen leases newer by far.
        """
        if self.database_copy is None or (by_hand and self._restored):
            return
        leases = self.db.last_lease
        self._put(self.db, copy.deepcopy(self.database_copy))
        # Ids are random in truth, as those of Temporal below.
        self.db.last_lease = leases
        self.may_repeat_runs |= by_hand
        if not by_hand:
            self._restored += 1
            self.db.was_restored(RESTORED * self._restored)
        self.manager_stops(1)

    def restore_temporal(self, *, with_database: bool = False) -> None:
        if self.temporal_copy is None:
            return
        newest = self.temporal.last_id
        self._put(self.temporal, copy.deepcopy(self.temporal_copy))
        self.may_repeat_runs |= not with_database
        # Ids are random in truth: one of the other future is never met again.
        self.temporal.last_id = newest
        self.temporal_down_until = self.now + 1
        self.keeper.restart()

    @staticmethod
    def _put(old: Any, new: Any) -> None:
        old.__dict__.update(new.__dict__)

    # --- what must hold at every moment ----------------------------------------------------------

    def _watch(self) -> None:
        tasks: list[tuple[str, int]] = []
        for host in self.hosts.values():
            if host.shims:
                slots = {shim.ref.slot for shim in host.shims.values()}
                assert len(slots) == len(host.shims), f"a slot runs two runs: {host.shims}"
                tasks += [(key.job_id, key.index) for key in host.shims]
        if self._overlaps or len(set(tasks)) < len(tasks):
            self._watch_overlaps(Counter(tasks))

    def _watch_overlaps(self, attempts: Counter[tuple[str, int]]) -> None:
        for task in [task for task in self._overlaps if attempts[task] < 2]:
            del self._overlaps[task]
        for task, count in attempts.items():
            if count > 1:
                self._overlaps[task] += 1
                assert not self.is_calm, f"two live attempts of {task}"
                actors = 5 + len(self.hosts)
                assert self._overlaps[task] < LONGEST_OVERLAP * actors, f"{task} runs twice"

    def _watch_leases(self) -> None:
        """While nobody is lost, only its job's workflow ends a lease."""
        for job_id, execution in self.temporal.executions.items():
            row, job = self.db.jobs[job_id], execution.job
            if job is None or row.is_ended or row.run != execution.run:
                continue
            for holding in job.leases:
                assert holding.lease.id in self.db.leases, f"{job_id} holds {holding}"

    def hanging(self) -> list[tuple[str, RunKey]]:
        """The worker and the key of each run that never ends."""
        return [
            (host.id, key)
            for host in self.hosts.values()
            for key, shim in host.shims.items()
            if shim.ends_at == NEVER
        ]

    def live_runs(self) -> list[RunKey]:
        return [key for host in self.hosts.values() for key in host.shims]
