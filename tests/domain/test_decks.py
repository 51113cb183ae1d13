"""A busy worker's next task: who gets one, how it moves up, and how it is taken back."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.domain.jobs import (
    CANCELED,
    COMPLETED,
    FAILED,
    REFUSED,
    columns,
    ends,
    job_of,
    job_status,
    lease,
    started,
    statuses,
    wanted,
    written,
)
from workflows.domain.fault_rules import Fault
from workflows.domain.job import unanswered
from workflows.domain.job.carrying import carry, restore
from workflows.domain.job.encoding import TaskColumns, compress, decode, decompress
from workflows.domain.job.leases import Start
from workflows.domain.job.requests import request
from workflows.domain.job.run import JobRun
from workflows.domain.messages import (
    Change,
    JobAction,
    Limits,
    Outcome,
    OutcomeKind,
    Recall,
    RunKey,
    SessionChanged,
    TaskAction,
    WorkerGone,
)

SHORT = replace(COMPLETED, ran_s=2.0)
LONG = replace(COMPLETED, ran_s=31.0)
WITHDRAWN = Outcome(OutcomeKind.WITHDRAWN)
BEGUN = Outcome(OutcomeKind.BEGUN)


def lend(job: JobRun, *workers: str, has_deck: bool = True, generation: int = 1) -> list[Start]:
    job.lend([lease(each, has_deck=has_deck, generation=generation) for each in workers])
    return started(job)


def asked_back(job: JobRun) -> list[Start]:
    questions = list(job.withdrawals)
    job.withdrawals.clear()
    return questions


def at_work(
    tasks: TaskColumns | int,
    *workers: str,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> tuple[JobRun, list[Start], list[Start]]:
    """A job whose workers have each a live run and one on deck, in the workers' order.

    Its first task has run before, on the first worker.
    """
    job = job_of(tasks, limits=limits)
    (first,) = lend(job, workers[0])
    starts = ends(job, first, SHORT) + lend(job, *workers[1:])
    live = [each for each in starts if not each.ref.after]
    deck = [each for each in starts if each.ref.after]
    return job, live, deck


def indexes(starts: Sequence[Start]) -> list[int]:
    return [start.ref.index for start in starts]


# --- who gets one ---------------------------------------------------------------------------------


def test_a_busy_worker_gets_its_next_task_once_runs_are_known_to_be_short() -> None:
    job = job_of(4)
    (first,) = lend(job, "ada")
    assert statuses(job) == ["active", "queued", "queued", "queued"]

    second, third = ends(job, first, SHORT)

    assert (second.ref.after, third.ref.after) == ("", str(second.ref.key))
    assert third.ref.attempt == 1
    assert statuses(job) == ["completed", "active", "queued", "queued"]


@pytest.mark.parametrize(
    ("outcome", "limits", "has_deck"),
    [
        (LONG, Limits(), True),
        (SHORT, Limits(on_deck_below_s=0), True),
        (SHORT, Limits(on_deck_below_s=2.0), True),
        (COMPLETED, Limits(), True),
        (replace(COMPLETED, ran_s=-1.0), Limits(), True),
        (replace(COMPLETED, ran_s=float("nan")), Limits(), True),
        (SHORT, Limits(), False),
    ],
    ids=["long", "switched off", "not below", "unknown", "negative", "no number", "old host"],
)
def test_no_task_is_given_in_advance(outcome: Outcome, limits: Limits, has_deck: bool) -> None:
    job = job_of(4, limits=limits)
    (first,) = lend(job, "ada", has_deck=has_deck)

    assert indexes(ends(job, first, outcome)) == [2]


def test_the_middle_of_the_latest_runs_counts() -> None:
    job = job_of(40)
    (run,) = lend(job, "ada")
    for _ in range(20):
        (run,) = [each for each in ends(job, run, LONG) if not each.ref.after]
    for _ in range(7):
        (run,) = ends(job, run, SHORT)

    assert len(ends(job, run, SHORT)) == 2


def test_nothing_is_held_in_advance_that_a_worker_without_a_task_could_take() -> None:
    job = job_of(5)
    first, _ = lend(job, "ada", "bob")
    ends(job, first, SHORT)

    lend(job, "cyd", has_deck=False)
    asked_back(job)

    # ada and bob hold tasks 4 and 5; cyd waits for one of them, so none is put on deck.
    assert sum(holding.deck is not None for holding in job.leases) == 2
    assert indexes(lend(job, "dan")) == []


def test_a_worker_is_blocked_before_it_begins_a_fourth_task() -> None:
    job, (live,), (deck,) = at_work(9, "ada")

    (after_one,) = ends(job, live, FAILED)
    assert ends(job, deck, FAILED) == []
    assert ends(job, after_one, FAILED) == []

    assert job.failures.is_blocked("ada", "blender")


def test_a_failure_of_another_type_would_not_block_what_is_on_deck() -> None:
    tasks = columns(3, types=["blender", "ffmpeg", "blender"])

    _, live, deck = at_work(tasks, "ada", limits=Limits(blocklist_threshold=1))

    assert (indexes(live), indexes(deck)) == ([2], [3])


def test_a_task_that_waits_for_another_one_is_not_put_on_deck() -> None:
    job = job_of(columns(3, depends_on=["", "1", "2"]))
    (first,) = lend(job, "ada")

    assert indexes(ends(job, first, SHORT)) == [2]


def test_a_task_on_deck_is_still_wanted_by_free_workers() -> None:
    job, _, deck = at_work(3, "ada")

    assert indexes(deck) == [3]
    assert wanted(job.demand) == {"blender": 1}


def test_a_task_on_deck_is_unchanged_for_the_database() -> None:
    job, _, deck = at_work(3, "ada")

    write = written(job)
    snapshot = decode(job.whole(write).snapshot or "")

    assert {move.indexes for move in write.tasks} == {"1", "2"}
    assert snapshot.attempts[deck[0].ref.index - 1] == 0


# --- moving up ------------------------------------------------------------------------------------


def test_the_task_on_deck_is_active_when_the_one_before_has_ended() -> None:
    job, (live,), (deck,) = at_work(4, "ada")

    (next_deck,) = ends(job, live, SHORT)

    assert statuses(job) == ["completed", "completed", "active", "queued"]
    assert next_deck.ref.after == str(deck.ref.key)


def test_an_outcome_that_overtakes_the_one_before_is_a_task_that_began_and_ended() -> None:
    job, (live,), (deck,) = at_work(4, "ada")

    (next_deck,) = ends(job, deck, SHORT)

    assert statuses(job) == ["completed", "active", "completed", "queued"]
    assert next_deck.ref.after == str(live.ref.key)
    moves = [move.status for move in written(job).tasks if move.indexes == "3"]
    assert moves == ["active", "completed"]


def test_a_failure_on_deck_counts_like_any_other() -> None:
    job, _, (deck,) = at_work(3, "ada")

    ends(job, deck, FAILED)

    assert statuses(job)[2] == "soft-failed"
    assert job.tasks.columns.failures[2] == 1


# --- taking it back -------------------------------------------------------------------------------


def test_a_worker_without_a_task_gets_one_from_the_deck_of_the_worker_with_most_to_do() -> None:
    job, live, deck = at_work(5, "ada", "bob")
    assert indexes(live + deck) == [2, 3, 4, 5] or indexes(live + deck) == [2, 4, 3, 5]
    newest = max(live, key=lambda start: start.offer)

    assert lend(job, "cyd") == []
    (question,) = asked_back(job)
    assert question.ref.after == str(newest.ref.key)

    job.withdrawal_answered(question.offer, WITHDRAWN)

    (start,) = started(job)
    assert (start.worker_name, start.ref.index) == ("cyd", question.ref.index)
    assert start.ref.attempt == 1  # it has not begun, so it was no attempt


def test_a_worker_that_waits_in_vain_is_handed_back() -> None:
    job, _, _ = at_work(3, "ada")
    lend(job, "bob")
    (question,) = asked_back(job)

    job.withdrawal_answered(question.offer, BEGUN)

    assert [each.worker_id for each in written(job).returned] == ["bob"]


def test_two_waiting_workers_ask_for_two_tasks() -> None:
    job, _, deck = at_work(5, "ada", "bob")

    lend(job, "cyd", "dan", "eve")

    assert sorted(indexes(asked_back(job))) == sorted(indexes(deck))
    assert [each.worker_id for each in written(job).returned] == ["eve"]


@pytest.mark.parametrize("answer", [WITHDRAWN, CANCELED, BEGUN, Outcome(OutcomeKind.LOST)])
def test_a_recalled_worker_ends_with_its_task(answer: Outcome) -> None:
    job, (live,), (deck,) = at_work(4, "ada")
    job.recall([Recall(job.leases.get("ada.0.1").lease.id)])  # type: ignore[union-attr]
    (question,) = asked_back(job)
    assert question.ref.key == deck.ref.key

    ends(job, live, SHORT)
    assert not written(job).returned  # the answer may be that it has begun
    job.withdrawal_answered(question.offer, answer)

    went_on = answer.kind in (OutcomeKind.BEGUN, OutcomeKind.LOST)
    if went_on:
        assert statuses(job)[2] == "active"
        ends(job, deck, SHORT)
    assert statuses(job) == [
        "completed",
        "completed",
        "completed" if went_on else "queued",
        "queued",
    ]
    assert [each.reason for each in written(job).returned] == ["it was recalled"]


@pytest.mark.parametrize("answer", [WITHDRAWN, BEGUN])
def test_a_pausing_job_waits_for_what_has_begun(answer: Outcome) -> None:
    job, (live,), (deck,) = at_work(3, "ada")
    request(job, Change(action=JobAction.PAUSE))
    (question,) = asked_back(job)
    ends(job, live, SHORT)
    assert job_status(job) == "pause-requested"

    job.withdrawal_answered(question.offer, answer)

    if answer is BEGUN:
        assert statuses(job) == ["completed", "completed", "active"]
        ends(job, deck, SHORT)
        assert job_status(job) == "completed"
    else:
        assert statuses(job) == ["completed", "completed", "paused"]
        assert job_status(job) == "paused"


def test_a_pause_that_is_taken_back_leaves_the_run_on_deck_alone() -> None:
    job, (live,), (deck,) = at_work(3, "ada")
    request(job, Change(action=JobAction.PAUSE))
    (question,) = asked_back(job)
    request(job, Change(action=JobAction.RESUME))

    job.withdrawal_answered(question.offer, BEGUN)
    ends(job, live, SHORT)
    ends(job, deck, SHORT)

    assert job.cancels == []
    assert job_status(job) == "completed"


def test_canceling_the_job_stops_both_runs() -> None:
    job, (live,), (deck,) = at_work(4, "ada")

    request(job, Change(action=JobAction.CANCEL))

    assert sorted(job.cancels) == sorted([live.offer, deck.offer])
    assert {each.key for each in written(job).stopped} == {live.ref.key, deck.ref.key}
    ends(job, live, CANCELED)
    assert not job.changes.is_final
    ends(job, deck, CANCELED)
    assert job.changes.is_final


def test_a_canceled_task_does_not_begin_though_it_is_on_deck() -> None:
    job, (live,), (deck,) = at_work(4, "ada")

    request(job, Change(task_action=TaskAction.CANCEL, task=3))
    ends(job, live, SHORT)
    ends(job, deck, SHORT)  # it had begun

    assert statuses(job) == ["completed", "completed", "canceled", "active"]


def test_a_task_on_deck_whose_dependency_runs_again_does_not_count() -> None:
    job = job_of(columns(3, depends_on=["", "1", "1"]))
    (first,) = lend(job, "ada")
    live, deck = ends(job, first, SHORT)

    request(job, Change(task_action=TaskAction.REQUEUE, task=1))
    (question,) = asked_back(job)
    job.withdrawal_answered(question.offer, BEGUN)
    ends(job, live, CANCELED)
    ends(job, deck, SHORT)

    assert statuses(job) == ["active", "queued", "queued"]
    assert job.tasks.attempt(3) == 1  # the next one is another attempt


def test_a_task_of_higher_priority_takes_the_place_on_deck() -> None:
    job = job_of(columns(5, priorities=[50, 50, 40, 90, 40], depends_on=["", "", "", "2", ""]))
    first, second = lend(job, "ada", "bob")
    (live, deck) = ends(job, first, SHORT)
    assert indexes([live, deck]) == [3, 5]

    ends(job, second, SHORT)  # bob takes task 4 himself

    assert asked_back(job) == []
    assert statuses(job)[3] == "active"


def test_a_task_of_higher_priority_that_comes_later_is_asked_for() -> None:
    tasks = columns(
        5,
        priorities=[50, 50, 40, 90, 40],
        types=["blender"] * 3 + ["ffmpeg", "blender"],
        depends_on=["", "", "", "2", ""],
    )
    job = job_of(tasks)
    job.lend([lease("ada", has_deck=True), lease("bob", types=("blender",))])
    first, second = started(job)
    _, deck = ends(job, first, SHORT)

    ends(job, second, SHORT)  # bob cannot take task 4

    (question,) = asked_back(job)
    assert question.ref.key == deck.ref.key
    job.withdrawal_answered(question.offer, WITHDRAWN)
    assert [start.ref.index for start in started(job) if start.ref.after] == [4]


def test_a_task_of_higher_priority_that_the_worker_cannot_take_leaves_its_deck_alone() -> None:
    tasks = columns(
        5, priorities=[50, 50, 50, 90, 50], types=["blender"] * 3 + ["ffmpeg", "blender"]
    )
    job = job_of(tasks)
    job.lend([lease("ada", has_deck=True, types=("blender",))])
    (first,) = started(job)

    ends(job, first, SHORT)
    job.settle()

    assert sum(holding.deck is not None for holding in job.leases) == 1
    assert asked_back(job) == []


# --- faults ---------------------------------------------------------------------------------------


def test_a_lost_worker_gives_both_back_and_nobody_is_blamed() -> None:
    job, (live,), (deck,) = at_work(4, "ada")

    job.worker_gone(WorkerGone("ada", 1, "it is lost"))

    assert statuses(job) == ["completed", "queued", "queued", "queued"]
    assert job.tasks.columns.failures == [0] * 4
    again = {start.ref.index: start.ref for start in lend(job, "bob")}
    assert again[2].attempt == live.ref.attempt + 1
    # It may have begun there, so the number of the attempt is not used twice.
    assert job.tasks.attempt(3) == deck.ref.attempt


def test_a_host_that_began_anew_names_what_lives() -> None:
    job, (live,), (deck,) = at_work(4, "ada")

    job.session_changed(SessionChanged("ada", 2, (str(live.ref.key),)))

    again, new_deck = started(job)
    assert (again.ref.key, again.task_queue) == (live.ref.key, "worker-ada-2")
    # What was on deck has not begun, so it was no attempt; nor is it to be stopped.
    assert new_deck.ref.key == deck.ref.key
    assert job.cancels == [deck.offer]
    assert written(job).stopped == ()


def test_what_was_on_deck_lives_alone_on_a_host_that_began_anew() -> None:
    job, _, (deck,) = at_work(4, "ada")

    job.session_changed(SessionChanged("ada", 2, (str(deck.ref.key),)))

    assert statuses(job) == ["completed", "queued", "active", "queued"]
    assert deck.ref.key in [start.ref.key for start in started(job)]


def test_everything_is_asked_for_again_after_a_continue_as_new() -> None:
    job, (live,), (deck,) = at_work(4, "ada")
    text = carry(job)

    restored = restore(text)
    assert carry(restored) == text
    restored.offer_everything_again()

    assert [start.ref for start in started(restored)] == [live.ref, deck.ref]
    assert len(ends(restored, replace(live, offer=restored.leases.last_offer - 1), SHORT)) == 1
    assert statuses(restored) == ["completed", "completed", "active", "queued"]


def test_a_question_is_asked_again_after_a_continue_as_new() -> None:
    job, _, _ = at_work(4, "ada")
    job.recall([Recall("ada.0.1")])

    restored = restore(carry(job))
    restored.offer_everything_again()

    assert len(asked_back(restored)) == 1


def test_the_state_of_an_older_build_is_read() -> None:
    job = job_of(3)
    lend(job, "ada")
    state = carry(job)
    older = decompress(state)
    del older["run_times"]
    for packed in older["leases"]:
        for name in ("deck", "is_unresponsive", "end_reason"):
            del packed[name]
        del packed["live"]["withdrawal"], packed["live"]["must_run"]

    assert carry(restore(compress(older))) == state


@pytest.mark.parametrize("outcome", [REFUSED, replace(FAILED, fault=Fault.MACHINE)])
def test_a_worker_that_cannot_go_on_gives_back_its_lease_with_what_was_on_deck(
    outcome: Outcome,
) -> None:
    job, (live,), (deck,) = at_work(4, "ada")

    ends(job, live, outcome)
    assert not written(job).returned
    ends(job, deck, REFUSED)

    (returned,) = written(job).returned
    assert returned.unresponsive
    assert statuses(job) == ["completed", "queued", "queued", "queued"]
    assert job.tasks.attempt(3) == 0


def test_a_task_that_its_host_did_not_put_on_deck_is_not_tried_and_the_live_one_goes_on() -> None:
    job, _, (deck,) = at_work(3, "ada")

    unanswered.not_taken(job, deck.offer, is_overdue=False)

    assert statuses(job) == ["completed", "active", "queued"]
    assert len(job.leases) == 1
    assert job.tasks.attempt(3) == 0


def test_keys_are_never_used_twice() -> None:
    """Over every way in which a run on deck comes to nothing."""
    seen: set[RunKey] = set()
    for answer in (WITHDRAWN, CANCELED):
        job, (live,), (deck,) = at_work(3, "ada")
        job.recall([Recall("ada.0.1")])
        (question,) = asked_back(job)
        job.withdrawal_answered(question.offer, answer)
        ends(job, live, SHORT)
        (again,) = lend(job, "bob")
        seen.add(again.ref.key)
        assert (again.ref.key == deck.ref.key) == (answer is WITHDRAWN)
    assert len(seen) == 2
