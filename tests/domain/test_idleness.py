"""Why workers are idle: what one pass says of made-up farms, in sentences."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.domain.test_matchmaking import job, lease, wanting, worker
from workflows.domain.farm_facts import FarmSnapshot, JobFacts, LeaseFacts, WorkerFacts
from workflows.domain.idleness import idle_sentence
from workflows.domain.matchmaking import plan
from workflows.domain.messages import Demand
from workflows.domain.statuses import WorkerStatus

TAGS = {"t": "bigmem", "g": "gpu"}
ADA = worker("ada")
WAITING = job("waiting")
TAGGED = replace(WAITING, tag="t")


def farm(
    *jobs: JobFacts, workers: tuple[WorkerFacts, ...] = (ADA,), **more: object
) -> FarmSnapshot:
    return FarmSnapshot(workers, jobs, **{"leases": (), **more})  # type: ignore[arg-type]


def said(snapshot: FarmSnapshot, **options: Any) -> dict[str, str]:
    """The sentences, by worker."""
    idle = plan(snapshot, explain=True, **options).reasons.idle
    return {each.worker_id: idle_sentence(each, TAGS) for each in idle}


FARMS: Mapping[str, tuple[FarmSnapshot, str]] = {
    "another tag": (farm(TAGGED), 'The tasks that wait want the tag "bigmem".'),
    "one of two tags": (
        farm(TAGGED, replace(TAGGED, id="other", tag="g")),
        'The tasks that wait want the tag "bigmem" or "gpu".',
    ),
    "a tag that was deleted just now": (
        farm(replace(TAGGED, tag="gone")),
        "The tasks that wait want another tag.",
    ),
    "another type": (
        farm(WAITING, workers=(worker("ada", task_types=frozenset({"ffmpeg"})),)),
        'The tasks that wait are of the type "blender", which it does not take on now.',
    ),
    "a type for which it is set aside": (
        farm(
            WAITING,
            workers=(
                worker(
                    "ada",
                    task_types=frozenset({"ffmpeg"}),
                    types_left_out=frozenset({"blender"}),
                ),
            ),
        ),
        'The tasks that wait are of the type "blender", which it does not take on now.',
    ),
    "blocked": (
        farm(replace(WAITING, demand=wanting(1, blocked=("ada",)))),
        "The tasks that wait are of jobs that have blocked it.",
    ),
    "failed on it": (
        farm(replace(WAITING, demand=wanting(1, failed=("ada",)))),
        "The tasks that wait have failed on it already.",
    ),
    "given back": (
        farm(WAITING, hand_backs={("waiting", "ada"): 7}),
        "The tasks that wait were given back by it.",
    ),
    "several": (
        farm(
            TAGGED,
            replace(WAITING, id="second", demand=wanting(1, blocked=("ada",))),
            replace(WAITING, id="third", demand=wanting(1, failed=("ada",))),
        ),
        'Of the tasks that wait, some want the tag "bigmem", some are of jobs that have blocked '
        "it, and some have failed on it already.",
    ),
    "rests": (
        farm(WAITING, resting=frozenset({"ada"})),
        "It did not take its last task, and gets another one in a moment.",
    ),
    "does not ask": (
        farm(WAITING, workers=(worker("ada", is_http=True),)),
        "It does not ask for a task just now.",
    ),
}


@pytest.mark.parametrize("name", FARMS)
def test_an_idle_worker_says_why(name: str) -> None:
    snapshot, expected = FARMS[name]

    assert said(snapshot) == {"ada": expected}


def test_workers_that_are_alike_but_for_a_block_differ() -> None:
    demand = wanting(1, blocked=("bea",), failed=("ada",))
    snapshot = farm(replace(WAITING, demand=demand), workers=(ADA, worker("bea")))

    assert said(snapshot) == {
        "ada": "The tasks that wait have failed on it already.",
        "bea": "The tasks that wait are of jobs that have blocked it.",
    }


def test_a_job_with_as_many_workers_as_one_gets_wants_no_more() -> None:
    full = replace(WAITING, demand=wanting(5))
    snapshot = farm(full, workers=(ADA, worker("bea")))

    [(name, sentence)] = said(snapshot, max_lent=1).items()

    assert name == "bea"
    assert sentence == "The tasks that wait are of jobs that have as many workers as one job gets."


def test_a_worker_is_kept_for_the_task_of_a_lost_one() -> None:
    lost = worker("lost", status=WorkerStatus.ERROR)
    held: LeaseFacts = lease("lost", "waiting")
    snapshot = farm(replace(WAITING, demand=Demand(7)), workers=(ADA, lost), leases=(held,))

    assert said(snapshot) == {
        "ada": "It is kept free for a task of a worker that is out of contact."
    }


@pytest.mark.parametrize(
    "worker",
    [
        worker("ada", status=WorkerStatus.ASLEEP),
        worker("ada", is_paused=True),
        worker("ada", set_aside="its disk is full"),
        worker("ada", is_present=False),
        worker("ada", status_requested=WorkerStatus.ASLEEP),
    ],
)
def test_a_worker_that_takes_no_work_is_not_idle(worker: WorkerFacts) -> None:
    assert said(farm(TAGGED, workers=(worker,))) == {}


def test_nothing_is_said_if_no_task_waits() -> None:
    assert said(farm(replace(WAITING, demand=Demand(1)))) == {}
    assert said(farm()) == {}


@pytest.mark.parametrize(("count", "rest"), [(3, ""), (4, " or another one"), (5, " or 2 others")])
def test_many_tags_are_counted(count: int, rest: str) -> None:
    jobs = [replace(TAGGED, id=str(number), tag=str(number)) for number in range(count)]
    idle = plan(farm(*jobs), explain=True).reasons.idle

    sentence = idle_sentence(idle[0], {str(number): f"tag {number}" for number in range(count)})

    tags = '"tag 0" or "tag 1" or "tag 2"'
    assert sentence == f"The tasks that wait want the tag {tags}{rest}."
