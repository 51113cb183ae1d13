"""What people are told: kinds of happenings, whom they concern, and how they become messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from workflows.domain.shortages import Cause, Shortage
from workflows.domain.statuses import JobStatus

#: Happenings that one message names; the others are counted.
MOST_NAMED = 10
#: Characters of a happening's name and text in a message.
_LONGEST_NAME = 200
_LONGEST_TEXT = 500


class HappeningKind(StrEnum):
    """What happened."""

    JOB_DONE = "job-done"
    JOB_FAILED = "job-failed"
    JOB_STUCK = "job-stuck"
    """A task of the job gives no sign of life."""
    JOB_WAITS = "job-waits"
    """The job waits for what does not come by itself, such as a worker with its tag."""
    WORKER_ASIDE = "worker-aside"
    WORKER_LOST = "worker-lost"
    WORKER_WAITS = "worker-waits"
    """A new worker waits to be let in."""
    WEBHOOK_DISABLED = "webhook-disabled"
    """The manager has disabled a webhook that failed for long."""
    TEST = "test"
    """A person tries a way. No rule names it."""


#: The kinds that rules may name.
KINDS = tuple(kind for kind in HappeningKind if kind is not HappeningKind.TEST)


#: What is told of a job that gets a status.
TOLD_OF_JOBS: Mapping[JobStatus, HappeningKind] = {
    JobStatus.COMPLETED: HappeningKind.JOB_DONE,
    JobStatus.FAILED: HappeningKind.JOB_FAILED,
}


class Scope(StrEnum):
    """Which happenings a rule is about."""

    ALL = "all"
    PROJECT = "project"
    TAG = "tag"
    MINE = "mine"
    """Jobs that the rule's account has submitted."""
    JOB = "job"


class Way(StrEnum):
    WEBHOOK = "webhook"
    EMAIL = "email"


class Shape(StrEnum):
    """What the body of a webhook's message looks like."""

    PLAIN = "plain"
    SLACK = "slack"
    DISCORD = "discord"
    MATTERMOST = "mattermost"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class Happening:
    kind: HappeningKind
    name: str
    """The name of the job, the worker or the webhook."""
    text: str = ""
    """A sentence about it; empty if the kind says all."""
    job_id: str = ""
    worker_id: str = ""
    project: str = ""
    tag: str = ""
    """The id of the job's worker tag."""
    owner: str = ""
    """The account that submitted the job."""


@dataclass(frozen=True, slots=True)
class Rule:
    kinds: frozenset[HappeningKind]
    scope: Scope = Scope.ALL
    value: str = ""
    account_id: str = ""


def concerns(rule: Rule, happening: Happening) -> bool:
    """Return whether a rule is about a happening. Only the scope `all` has happenings of no job."""
    if happening.kind not in rule.kinds:
        return False
    match rule.scope:
        case Scope.ALL:
            return True
        case Scope.PROJECT:
            return bool(rule.value) and happening.project == rule.value
        case Scope.TAG:
            return bool(rule.value) and happening.tag == rule.value
        case Scope.MINE:
            return bool(rule.account_id) and happening.owner == rule.account_id
        case Scope.JOB:
            return bool(rule.value) and happening.job_id == rule.value


@dataclass(frozen=True, slots=True)
class Item:
    """A happening as a message names it."""

    name: str
    text: str = ""
    job_id: str = ""
    worker_id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    kind: HappeningKind
    title: str
    count: int
    items: tuple[Item, ...] = field(default=())
    """The first happenings, `MOST_NAMED` at most."""


def message_of(kind: HappeningKind, happenings: Sequence[Happening]) -> Message:
    """Return one message about all happenings of one kind. A job or worker is counted once."""
    by_subject: dict[tuple[str, str, str], Happening] = {}
    for each in happenings:
        by_subject.setdefault((each.job_id, each.worker_id, each.name), each)
    subjects = list(by_subject.values())
    items = tuple(
        Item(
            _short(each.name, _LONGEST_NAME),
            _short(each.text, _LONGEST_TEXT),
            each.job_id,
            each.worker_id,
        )
        for each in subjects[:MOST_NAMED]
    )
    return Message(kind, _title(kind, items[0].name, len(subjects)), len(subjects), items)


_ONE_AND_MANY: Mapping[HappeningKind, tuple[str, str]] = {
    HappeningKind.JOB_DONE: ("Job {name} is completed", "{count} jobs are completed"),
    HappeningKind.JOB_FAILED: ("Job {name} failed", "{count} jobs failed"),
    HappeningKind.JOB_STUCK: ("Job {name} has a stuck task", "{count} jobs have stuck tasks"),
    HappeningKind.JOB_WAITS: ("Job {name} cannot go on", "{count} jobs cannot go on"),
    HappeningKind.WORKER_ASIDE: ("Worker {name} is set aside", "{count} workers are set aside"),
    HappeningKind.WORKER_LOST: ("Worker {name} is lost", "{count} workers are lost"),
    HappeningKind.WORKER_WAITS: (
        "Worker {name} waits to be let in",
        "{count} workers wait to be let in",
    ),
    HappeningKind.WEBHOOK_DISABLED: (
        "Webhook {name} was disabled",
        "{count} webhooks were disabled",
    ),
    HappeningKind.TEST: ("A test of {name}", "{count} tests"),
}


def _title(kind: HappeningKind, name: str, count: int) -> str:
    one, many = _ONE_AND_MANY[kind]
    # Not `format`: a name may have braces.
    return one.replace("{name}", name) if count == 1 else many.replace("{count}", f"{count:,}")


def _short(text: str, most: int) -> str:
    """Return a text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


# --- when -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Times:
    """How long happenings are gathered, and how tries are paused."""

    gather: timedelta = timedelta(seconds=5)
    """Happenings of one kind are told when so long no further one has come."""
    gather_longest: timedelta = timedelta(minutes=1)
    """They are told after so long, even if more come all the time."""
    waits_long: timedelta = timedelta(minutes=10)
    """A job that cannot go on is told after so long."""
    first_pause: timedelta = timedelta(seconds=10)
    """After the first failed try; each further pause is twice as long, up to `LONGEST_PAUSE`."""
    give_up: timedelta = timedelta(days=1)
    disable: timedelta = timedelta(days=3)
    """A webhook of which each try failed for so long is disabled."""
    claim: timedelta = timedelta(minutes=1)
    """So long a manager may take for a try; then another one may repeat it."""


LONGEST_PAUSE = timedelta(hours=1)


def is_due(moments: Iterable[datetime], now: datetime, times: Times) -> bool:
    """Return whether happenings of one kind, at these moments, are to be told now."""
    known = sorted(moments)
    if not known:
        return False
    return now - known[-1] >= times.gather or now - known[0] >= times.gather_longest


def pause_after(tries: int, times: Times) -> timedelta:
    """Return the pause after so many failed tries of a delivery."""
    return min(LONGEST_PAUSE, times.first_pause * (1 << min(tries - 1, 20)))


# --- jobs that cannot go on -----------------------------------------------------------------------

#: What passes without a person: the worker will be free, awake or there again.
_PASSES = frozenset(
    {
        Cause.ASLEEP,
        Cause.STARTING,
        Cause.LEAVING,
        Cause.GAVE_BACK,
        Cause.RESTING,
        Cause.NOT_ASKING,
        Cause.ENDING,
        Cause.BUSY_HERE,
        Cause.BUSY_HIGHER,
        Cause.BUSY_EQUAL,
        Cause.BUSY_LOWER,
    }
)


def cannot_go_on(of_job: Sequence[Shortage]) -> bool:
    """Return whether a job stands, and no worker can take any of its tasks until a person acts."""
    return bool(of_job) and all(
        not each.is_start
        and not each.lent
        and not any(hindered.cause in _PASSES for hindered in each.hindered)
        for each in of_job
    )
