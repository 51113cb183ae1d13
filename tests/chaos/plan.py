"""What a seed means: a farm, its jobs, what befalls it, and what people do meanwhile. Pure."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Store(StrEnum):
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class Kind(StrEnum):
    """What can befall a farm. A fault is over after its `for_s`."""

    KILL_HOST = "host killed"
    """Started again when it is over; its shims live on."""
    KILL_HOST_AND_SHIMS = "host and shims killed"
    END_HOST = "host ended"
    UPGRADE_HOST = "host upgraded"
    """Told twice to end, which leaves its runs alive, and started again."""
    STOP_HOST = "host stopped"
    """By SIGSTOP, as in all faults that are named so, and continued when it is over."""
    KILL_SHIM = "shim killed"
    STOP_SHIM = "shim stopped"
    KILL_RENDERER = "renderer killed"
    STOP_RENDERER = "renderer stopped"
    KILL_MANAGER = "manager killed"
    UPGRADE_MANAGER = "manager upgraded"
    """Told to end while renders run, and started again."""
    STOP_MANAGER = "manager stopped"
    KILL_TEMPORAL = "Temporal killed"
    STOP_TEMPORAL = "Temporal stopped"
    KILL_POSTGRESQL = "PostgreSQL killed"
    STOP_POSTGRESQL = "PostgreSQL stopped"
    LOCK_DATABASE = "database locked"
    CUT_HOST = "host cut off"
    """Connections between host and manager are reset, and new ones are refused."""
    STALL_HOST = "network of a host stalls"
    """Connections stay, but carry nothing."""
    DELAY_HOST = "network of a host is slow"
    LOSE_HOST = "network of a host is lossy"
    """Connections are reset by chance."""
    CUT_DATABASE = "manager cut off from PostgreSQL"
    STALL_DATABASE = "network to PostgreSQL stalls"
    CUT_TEMPORAL = "second manager cut off from Temporal"
    STALL_TEMPORAL = "network to Temporal stalls"
    FILL_HOST = "disk of a host full"
    FILL_MANAGER = "disk of the manager full"
    FILL_STORAGE = "storage full"
    FORWARD_HOST = "clock of a host an hour ahead"
    """Until the fault is over, as in the next three."""
    BACK_HOST = "clock of a host an hour behind"
    FORWARD_MANAGER = "clock of a manager an hour ahead"
    BACK_MANAGER = "clock of a manager an hour behind"
    SET_BACK_DATABASE = "database set back"
    SET_BACK_TEMPORAL = "Temporal set back"
    SET_BACK_BOTH = "both stores set back"


class Act(StrEnum):
    """What people do."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    REQUEUE = "requeue"
    REQUEUE_TASK = "requeue a task of"
    CANCEL_TASK = "cancel a task of"
    PRIORITY = "change the priority of"
    SLEEP = "put to sleep at once"
    """Concerns a host, as does the next."""
    SLEEP_LATER = "put to sleep after its task"


@dataclass(frozen=True, slots=True)
class Shape:
    store: Store
    managers: int
    hosts: int
    slots: int


@dataclass(frozen=True, slots=True)
class JobPlan:
    name: str
    at_s: float
    frames: int
    chunk: int
    pace_s: float
    """How long a frame takes."""
    lines: int
    """How many lines a frame prints."""
    priority: int
    is_chained: bool
    """Each chunk depends on the one before."""


@dataclass(frozen=True, slots=True)
class Fault:
    kind: Kind
    target: str
    at_s: float
    for_s: float


@dataclass(frozen=True, slots=True)
class Deed:
    act: Act
    target: str
    """A job or, where it is about sleep, a host."""
    at_s: float
    value: int = 0
    """The new priority, or which task of the job."""


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    shape: Shape
    jobs: tuple[JobPlan, ...]
    faults: tuple[Fault, ...]
    deeds: tuple[Deed, ...]


#: Seconds in which faults begin, counted from the first job.
STRIKING_S = 14.0
SET_BACK = (Kind.SET_BACK_DATABASE, Kind.SET_BACK_TEMPORAL, Kind.SET_BACK_BOTH)
DISKS = (Kind.FILL_HOST, Kind.FILL_MANAGER, Kind.FILL_STORAGE)
CLOCKS = {
    Kind.FORWARD_HOST: 3600,
    Kind.BACK_HOST: -3600,
    Kind.FORWARD_MANAGER: 3600,
    Kind.BACK_MANAGER: -3600,
}
"""Kinds that put a clock, and by how much, in seconds."""
#: A store is copied so long before it is set back.
COPIED_BEFORE_S = 4.0

_SHORT, _LONG, _MOMENT = (1.0, 3.5), (9.0, 13.0), (0.0, 1.5)
#: Kind, how long it lasts, and how often it is chosen.
_ON_HOSTS = (
    (Kind.KILL_HOST, _MOMENT, 4),
    (Kind.KILL_HOST_AND_SHIMS, _MOMENT, 2),
    (Kind.END_HOST, _MOMENT, 1),
    (Kind.UPGRADE_HOST, _MOMENT, 2),
    (Kind.STOP_HOST, _SHORT, 2),
    (Kind.STOP_HOST, _LONG, 2),
    (Kind.KILL_SHIM, _MOMENT, 3),
    (Kind.STOP_SHIM, _SHORT, 2),
    (Kind.KILL_RENDERER, _MOMENT, 3),
    (Kind.STOP_RENDERER, _SHORT, 2),
    (Kind.CUT_HOST, _SHORT, 2),
    (Kind.CUT_HOST, _LONG, 1),
    (Kind.STALL_HOST, _SHORT, 2),
    (Kind.STALL_HOST, _LONG, 1),
    (Kind.DELAY_HOST, _LONG, 1),
    (Kind.LOSE_HOST, _LONG, 1),
    (Kind.FILL_HOST, _SHORT, 2),
)
_ON_MANAGERS = (
    (Kind.KILL_MANAGER, _MOMENT, 5),
    (Kind.UPGRADE_MANAGER, _MOMENT, 2),
    (Kind.STOP_MANAGER, _SHORT, 2),
    (Kind.STOP_MANAGER, _LONG, 1),
)
_ON_THE_FARM = (
    (Kind.KILL_TEMPORAL, _MOMENT, 4),
    (Kind.STOP_TEMPORAL, _SHORT, 2),
    (Kind.STOP_TEMPORAL, _LONG, 1),
    (Kind.LOCK_DATABASE, _SHORT, 3),
    (Kind.FILL_MANAGER, _SHORT, 1),
    (Kind.FILL_STORAGE, _SHORT, 2),
)
_ON_POSTGRESQL = (
    (Kind.KILL_POSTGRESQL, _MOMENT, 3),
    (Kind.STOP_POSTGRESQL, _SHORT, 2),
    (Kind.CUT_DATABASE, _SHORT, 2),
    (Kind.STALL_DATABASE, _SHORT, 2),
)
_ON_THE_SECOND = ((Kind.CUT_TEMPORAL, _SHORT, 2), (Kind.STALL_TEMPORAL, _SHORT, 2))
_SET_BACK_SHARE = 0.2
_CLOCK_SHARE = 0.2
_DATABASE_STANDS = (
    Kind.LOCK_DATABASE,
    Kind.KILL_POSTGRESQL,
    Kind.STOP_POSTGRESQL,
    Kind.FILL_MANAGER,
)


def plan_for(seed: int, store: Store | None = None) -> Plan:
    """The plan of a seed: always the same.

    Args:
        store: the database; None: the seed chooses. On PostgreSQL there are two managers, unless
            the seed chooses the database, too.
    """
    chance = random.Random(seed)
    shape = _shape(chance, store)
    jobs = tuple(_jobs(chance, shape))
    faults = (*_faults(chance, shape), *_clocks(random.Random(f"clocks {seed}"), shape))
    return Plan(seed, shape, jobs, faults, tuple(_deeds(chance, shape, jobs)))


def _shape(chance: random.Random, store: Store | None) -> Shape:
    chosen = chance.choice([Store.SQLITE, Store.SQLITE, Store.POSTGRESQL])
    managers = chance.choice([1, 2])
    hosts, slots = chance.randint(2, 4), chance.choice([1, 1, 2])
    if store is not None:
        chosen, managers = store, 2
    return Shape(chosen, managers if chosen is Store.POSTGRESQL else 1, hosts, slots)


def _jobs(chance: random.Random, shape: Shape) -> Iterator[JobPlan]:
    for number in range(1, chance.randint(2, 4) + 1):
        is_chained = chance.random() < 0.25
        # Slots do not shorten a chain.
        most = 8 if is_chained else 4 + 2 * shape.hosts * shape.slots
        yield JobPlan(
            name=f"job{number}",
            at_s=0.0 if number == 1 else round(chance.uniform(0, 5), 1),
            frames=chance.randint(4, most),
            chunk=chance.choice([1, 1, 1, 2, 3]),
            pace_s=chance.choice([0.3, 0.8] if is_chained else [0.3, 0.8, 1.5, 2.5]),
            lines=chance.choice([4, 40, 400]),
            priority=chance.choice([30, 50, 50, 70]),
            is_chained=is_chained,
        )


def _faults(chance: random.Random, shape: Shape) -> Iterator[Fault]:
    kinds = [*_ON_HOSTS, *_ON_MANAGERS, *_ON_THE_FARM]
    if shape.store is Store.POSTGRESQL:
        kinds += _ON_POSTGRESQL
    if shape.managers > 1:
        kinds += _ON_THE_SECOND
    weights = [weight for _, _, weight in kinds]
    chosen = chance.choices(kinds, weights, k=chance.randint(3, 6))
    set_back_at = 0.0
    if chance.random() < _SET_BACK_SHARE:
        set_back_at = round(chance.uniform(COPIED_BEFORE_S + 1, STRIKING_S), 1)
        yield Fault(chance.choice(SET_BACK), "the farm", set_back_at, 0.0)
    for kind, (least, most), _ in chosen:
        at_s = round(chance.uniform(1, STRIKING_S), 1)
        if kind in _DATABASE_STANDS and at_s < set_back_at + 1:
            # A database that stands still can be neither copied nor put back.
            at_s = set_back_at + 1
        yield Fault(kind, _target(chance, shape, kind), at_s, round(chance.uniform(least, most), 1))


def _clocks(chance: random.Random, shape: Shape) -> Iterator[Fault]:
    if chance.random() < _CLOCK_SHARE:
        kind = chance.choice(list(CLOCKS))
        is_host = kind in (Kind.FORWARD_HOST, Kind.BACK_HOST)
        target = f"host{chance.randint(1, shape.hosts)}" if is_host else "manager1"
        at_s, for_s = chance.uniform(1, STRIKING_S), chance.uniform(*_LONG)
        yield Fault(kind, target, round(at_s, 1), round(for_s, 1))


def _target(chance: random.Random, shape: Shape, kind: Kind) -> str:
    host, manager = chance.randint(1, shape.hosts), chance.randint(1, shape.managers)
    if kind in (Kind.CUT_TEMPORAL, Kind.STALL_TEMPORAL):
        return "manager2"
    if kind in {each for each, _, _ in _ON_HOSTS}:
        return f"host{host}"
    of_managers = {each for each, _, _ in _ON_MANAGERS} | {Kind.CUT_DATABASE, Kind.STALL_DATABASE}
    return f"manager{manager}" if kind in of_managers else "the farm"


def _deeds(chance: random.Random, shape: Shape, jobs: Sequence[JobPlan]) -> Iterator[Deed]:
    for _ in range(chance.randint(1, 5)):
        act, job = chance.choice(list(Act)), chance.choice(jobs)
        at_s = round(chance.uniform(job.at_s + 2, STRIKING_S + 2), 1)
        if act in (Act.SLEEP, Act.SLEEP_LATER):
            yield Deed(act, f"host{chance.randint(1, shape.hosts)}", at_s)
        else:
            value = chance.randint(0, 100) if act is Act.PRIORITY else chance.randint(0, job.frames)
            yield Deed(act, job.name, at_s, value)


def shown(plan: Plan) -> str:
    """The plan in words, in the order of time."""
    shape = plan.shape
    lines = [
        f"seed {plan.seed}: {shape.store}, {shape.managers} managers, "
        f"{shape.hosts} hosts of {shape.slots} slots"
    ]
    moments: list[tuple[float, str]] = [(job.at_s, _job_in_words(job)) for job in plan.jobs]
    moments += [(f.at_s, f"{f.kind}: {f.target}, for {f.for_s} s") for f in plan.faults]
    moments += [(d.at_s, f"people {d.act} {d.target} ({d.value})") for d in plan.deeds]
    lines += [f"{at_s:6.1f} s  {words}" for at_s, words in sorted(moments)]
    return "\n".join(lines)


def _job_in_words(job: JobPlan) -> str:
    chained = ", each after the one before" if job.is_chained else ""
    return (
        f"{job.name} is submitted: {job.frames} frames by {job.chunk}{chained}, {job.pace_s} s and "
        f"{job.lines} lines each, priority {job.priority}"
    )
