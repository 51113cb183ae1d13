"""Why tasks wait: what one pass says of made-up farms, in sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest

from tests.domain.test_matchmaking import job, lease, wanting, worker
from workflows.domain.farm_facts import FarmSnapshot, JobFacts, LeaseFacts, WorkerFacts
from workflows.domain.idleness import Idle
from workflows.domain.keeping import Explanations
from workflows.domain.matchmaking import Reasons, plan
from workflows.domain.messages import Demand, Want
from workflows.domain.shortages import Cause, Hindered, Shortage, sentence, waits_for_tasks
from workflows.domain.statuses import JobStatus, WorkerStatus

OTHER = job("other", priority=50, age_rank=0, demand=Demand(1))
WAITING = job("waiting", priority=50, age_rank=1)
HIGH = replace(OTHER, priority=80)
LOW = replace(OTHER, priority=10)
ASLEEP = WorkerStatus.ASLEEP
AT_SIX = {"gpu-02": "18:00", "carl": "18:00"}


class Made(NamedTuple):
    """A made-up farm in which one job waits."""

    workers: Sequence[WorkerFacts] = ()
    leases: Sequence[LeaseFacts] = ()
    job: JobFacts = WAITING
    others: Sequence[JobFacts] = ()
    hand_backs: Mapping[tuple[str, str], int] = {}
    resting: frozenset[str] = frozenset()


def at_work(*names: str, to: str = "other") -> list[LeaseFacts]:
    return [lease(name, to) for name in names]


def many(count: int, **facts: object) -> list[WorkerFacts]:
    return [worker(f"node-{number}", **facts) for number in range(1, count + 1)]


FARMS: Mapping[str, tuple[Made, str]] = {
    "no worker": (Made(), "The farm has no worker."),
    "no worker with the tag": (
        Made(many(6), job=replace(WAITING, tag="t")),
        'No worker has the tag "bigmem".',
    ),
    "no worker of the type": (
        Made(many(2, task_types=frozenset({"ffmpeg"}))),
        'No worker takes on tasks of the type "blender".',
    ),
    "the tagged ones lack the type": (
        Made(
            [*many(2), worker("gpu", tags=frozenset({"t"}), task_types=frozenset())],
            job=replace(WAITING, tag="t"),
        ),
        'No worker with the tag "bigmem" takes on tasks of the type "blender".',
    ),
    "all busy with higher": (
        Made(many(6), at_work(*(f"node-{n}" for n in range(1, 7))), others=[HIGH]),
        "All 6 workers are busy with jobs of higher priority.",
    ),
    "the only one is busy with the same": (
        Made([worker("ada")], at_work("ada"), others=[OTHER]),
        "ada, the only worker, is busy with another job of this priority.",
    ),
    "one ends a task of lower priority": (
        Made([worker("ada")], at_work("ada"), others=[LOW]),
        "ada, the only worker, ends a task of lower priority first.",
    ),
    "one sleeps by its schedule": (
        Made([worker("gpu-02", status=ASLEEP)]),
        "gpu-02, the only worker, is asleep until 18:00.",
    ),
    "several sleep, some by hand": (
        Made([worker("gpu-02", status=ASLEEP), worker("dora", status=ASLEEP)]),
        "Both workers are asleep.",
    ),
    "a bit of everything": (
        Made(
            [
                *many(4),
                worker("gpu-02", status=ASLEEP),
                worker("carl", is_paused=True),
                worker("dora", set_aside="its disk is full"),
                worker("eve", status=WorkerStatus.OFFLINE),
                worker("fay", is_present=False),
                worker("gus", status_requested=ASLEEP),
                worker("hal", status=WorkerStatus.STARTING),
            ],
            at_work("node-1", "node-2", "node-3") + at_work("node-4", to="waiting"),
            others=[HIGH],
        ),
        "None of the 11 workers is free: eve is offline, fay is out of contact, gpu-02 is asleep "
        "until 18:00, hal is starting, gus was asked to stop, carl is paused, dora is set aside, "
        "node-4 is at work on this job, 3 are busy with jobs of higher priority.",
    ),
    "the others have failed or blocked": (
        Made(
            [*many(2), worker("carl", is_paused=True)],
            job=replace(WAITING, demand=wanting(1, failed=("node-1",), blocked=("node-2",))),
        ),
        "None of the 3 workers is free: node-2 is blocked for this job, carl is paused, node-1 has "
        "failed these tasks.",
    ),
    "it cannot serve them as they are": (
        Made([worker("ada")], hand_backs={("waiting", "ada"): 7}),
        "ada, the only worker, gave these tasks back.",
    ),
    "it did not take its last task": (
        Made([worker("ada")], resting=frozenset({"ada"})),
        "ada, the only worker, did not take its last task.",
    ),
    "an HTTP worker that does not ask": (
        Made([worker("ada", is_http=True)]),
        "ada, the only worker, does not ask for tasks.",
    ),
    "its type is set aside": (
        Made([worker("ada", task_types=frozenset(), types_left_out=frozenset({"blender"}))]),
        "ada, the only worker, is set aside.",
    ),
    "its job has just ended": (
        Made([worker("ada")], at_work("ada", to="gone")),
        "ada, the only worker, leaves a job that has ended.",
    ),
    "one of two slots is with a lower job": (
        Made(
            [worker("ada", slots=2)],
            [lease("ada", "other"), replace(lease("ada", "low"), slot=1, id="second")],
            others=[HIGH, replace(LOW, id="low")],
        ),
        "ada, the only worker, ends a task of lower priority first.",
    ),
    "its workflow has not begun": (
        Made(many(1), job=replace(WAITING, demand=None)),
        "The job's workflow has not begun yet.",
    ),
}


def shortages(made: Made) -> list[Shortage]:
    farm = FarmSnapshot(
        tuple(made.workers),
        (*made.others, made.job),
        tuple(made.leases),
        made.hand_backs,
        made.resting,
    )
    return list(plan(farm, explain=True).reasons.shortages)


@pytest.mark.parametrize("name", FARMS)
def test_a_job_that_waits_says_why(name: str) -> None:
    made, expected = FARMS[name]

    [shortage] = shortages(made)

    assert sentence(shortage, "bigmem" if shortage.tag else "", AT_SIX) == expected


def test_a_pass_that_is_not_asked_says_nothing() -> None:
    farm = FarmSnapshot((), (WAITING,), ())

    assert plan(farm).reasons == Reasons()


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (Made(many(1)), "it is lent now"),
        (Made(many(1), [replace(lease("node-1", "waiting"), is_held=False)]), "it is on its way"),
        (Made(job=replace(WAITING, status=JobStatus.PAUSED)), "its status says it"),
        (Made(job=replace(WAITING, demand=Demand(7))), "nothing could start"),
    ],
)
def test_a_job_that_gets_its_workers_has_no_reason(made: Made, why: str) -> None:
    assert shortages(made) == [], why


def test_workers_that_this_pass_lends_to_a_higher_job_are_busy() -> None:
    higher = job("higher", priority=90)

    [shortage] = shortages(Made(many(1), others=[higher]))

    assert shortage.hindered == (Hindered(Cause.BUSY_HIGHER, 1, ("node-1",)),)


def test_only_the_tasks_are_counted_that_find_no_worker() -> None:
    [shortage] = shortages(Made(many(2), job=replace(WAITING, demand=wanting(5))))

    assert (shortage.tasks, shortage.lent) == (3, 2)


def test_each_type_of_tasks_has_its_reason() -> None:
    demand = Demand(1, (Want("blender", 1), Want("ffmpeg", 1)))

    said = shortages(Made(many(1), at_work("node-1"), replace(WAITING, demand=demand), [HIGH]))

    assert [each.task_type for each in said] == ["blender", "ffmpeg"]
    assert [each.hindered[0].cause for each in said] == [Cause.BUSY_HIGHER, Cause.OTHER_TYPES]


def test_a_job_whose_workflow_begins_in_a_moment_is_not_news() -> None:
    explanations = Explanations(every_s=2, again_s=30)
    start = Shortage("job", None, "")

    said = Reasons([start])

    assert explanations.news(said, now=0) == Reasons([])
    assert explanations.news(said, now=2) == said
    assert explanations.news(said, now=4) is None
    assert explanations.news(said, now=40) == said, "tags and times may have changed"


def test_what_could_not_be_stored_is_said_again() -> None:
    explanations = Explanations(every_s=2, again_s=30)
    why = Reasons([Shortage("job", None, "blender", 1)])
    assert explanations.news(why, now=0) == why

    explanations.say_again()

    assert explanations.news(why, now=2) == why


def test_a_worker_that_is_idle_for_another_reason_is_news() -> None:
    explanations = Explanations(every_s=2, again_s=30)
    assert explanations.news(Reasons(), now=0) is not None

    kept = Reasons(idle=[Idle("ada", is_kept=True)])

    assert explanations.news(kept, now=2) == Reasons([], kept.idle)


@pytest.mark.parametrize(
    ("count", "names", "expected"),
    [
        (1, ["all"], 'It waits for the task "all".'),
        (2, ["a", "b"], 'It waits for 2 tasks: "a", "b".'),
        (9, ["a", "b", "c"], 'It waits for 9 tasks: "a", "b", "c" and 6 more.'),
    ],
)
def test_a_task_that_depends_on_others_names_them(
    count: int, names: list[str], expected: str
) -> None:
    assert waits_for_tasks(count, names) == expected
