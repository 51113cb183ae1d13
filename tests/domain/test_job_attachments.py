"""Time-outs, attachments and sessions: the same attempt asked for again, or given up."""

from tests.domain.jobs import (
    CANCELED,
    FAILED,
    SUPERSEDED,
    ends,
    job_of,
    lend,
    started,
    statuses,
    written,
)
from workflows.domain.job import unanswered
from workflows.domain.job.carrying import carry, restore
from workflows.domain.job.requests import request
from workflows.domain.job.run import JobRun
from workflows.domain.job.unanswered import OFFERS_OF_A_RUN
from workflows.domain.messages import (
    Change,
    JobAction,
    Recall,
    SessionChanged,
    TaskAction,
)

# --- time-outs and attachments --------------------------------------------------------------------


def test_a_worker_that_does_not_take_its_task_loses_its_lease() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    unanswered.not_taken(job, start.offer, is_overdue=False)

    [returned] = written(job).returned
    assert returned.unresponsive
    assert statuses(job) == ["queued"]


def test_a_silent_worker_is_offered_the_same_attempt_again() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    unanswered.fell_silent(job, start.offer)

    [again] = started(job)
    assert again.ref == start.ref
    assert again.offer != start.offer


def test_an_offer_that_nobody_could_take_is_made_again() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    unanswered.not_taken(job, start.offer, is_overdue=True)

    [again] = started(job)
    assert again.ref == start.ref
    assert written(job).returned == ()


def not_taken(job: JobRun, times: int, *, is_overdue: bool = False) -> None:
    for _ in range(times):
        [offered] = started(job)
        unanswered.not_taken(job, offered.offer, is_overdue=is_overdue)


def test_a_silent_worker_that_does_not_take_it_up_loses_the_task() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    unanswered.fell_silent(job, start.offer)

    not_taken(job, OFFERS_OF_A_RUN)

    assert statuses(job) == ["queued"]
    assert lend(job, "bob")[0].ref.attempt == 2


def test_a_result_that_a_host_kept_through_several_absences_counts() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    unanswered.fell_silent(job, start.offer)
    not_taken(job, OFFERS_OF_A_RUN - 1)
    not_taken(job, 10, is_overdue=True)

    [again] = started(job)
    ends(job, again)

    assert again.ref == start.ref
    assert statuses(job) == ["completed"]


def test_a_host_that_took_a_run_up_may_lose_it_from_sight_again() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    unanswered.fell_silent(job, start.offer)
    for _ in range(3):
        not_taken(job, OFFERS_OF_A_RUN - 1)
        [taken] = started(job)
        unanswered.fell_silent(job, taken.offer)

    assert statuses(job) == ["active"]
    assert [again.ref for again in started(job)] == [start.ref]


def test_the_count_of_offers_survives_a_continue_as_new() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    unanswered.fell_silent(job, start.offer)
    not_taken(job, OFFERS_OF_A_RUN - 1)
    started(job)

    carried = restore(carry(job))
    carried.offer_everything_again()
    not_taken(carried, 1)

    assert statuses(carried) == ["queued"]


def test_a_run_that_nobody_wants_is_not_offered_again() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    unanswered.fell_silent(job, start.offer)
    request(job, Change(action=JobAction.CANCEL))
    [again] = started(job)

    unanswered.not_taken(job, again.offer, is_overdue=True)

    assert started(job) == []
    assert written(job).is_final


def test_a_silent_worker_whose_run_nobody_wants_loses_its_lease() -> None:
    job = job_of(2)
    [start] = lend(job, "ada")
    request(job, Change(action=JobAction.CANCEL))

    unanswered.fell_silent(job, start.offer)

    assert started(job) == []
    assert written(job).is_final


def test_an_answer_to_an_offer_that_was_replaced_is_ignored() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    unanswered.fell_silent(job, start.offer)

    job.offer_ended(start.offer, FAILED)

    assert statuses(job) == ["active"]


def test_a_superseded_attachment_asks_again() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    [again] = ends(job, start, SUPERSEDED)

    assert again.ref == start.ref


# --- sessions -------------------------------------------------------------------------------------


def test_a_run_that_lives_goes_on_under_the_hosts_new_session() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    live = str(start.ref.key)

    job.session_changed(SessionChanged("ada", 2, (live,)))

    [again] = started(job)
    assert (again.ref.key, again.task_queue) == (start.ref.key, "worker-ada-2")
    assert written(job).moved == (("ada.0.1", 2),)


def test_the_activity_of_the_session_before_is_not_canceled() -> None:
    """To its host that would be the order to stop the very run that goes on."""
    job = job_of(1)
    [start] = lend(job, "ada")

    job.session_changed(SessionChanged("ada", 2, (str(start.ref.key),)))

    assert job.cancels == []


def test_a_run_that_the_new_session_does_not_name_is_lost_at_once() -> None:
    job = job_of(1)
    lend(job, "ada")

    job.session_changed(SessionChanged("ada", 2))

    assert statuses(job) == ["queued"]
    assert [returned.lease_id for returned in written(job).returned] == ["ada.0.1"]


# --- stopping what was asked for before -----------------------------------------------------------


def test_a_run_that_nobody_wants_keeps_its_task_until_its_new_session_says_it_has_stopped() -> None:
    job = job_of(12)
    [start] = lend(job, "ada")
    request(job, Change(task_action=TaskAction.CANCEL, task=1))
    request(job, Change(task_action=TaskAction.REQUEUE, task=1))

    job.session_changed(SessionChanged("ada", 2, (str(start.ref.key),)))

    [again] = started(job)
    assert again.ref.key == start.ref.key
    [elsewhere] = lend(job, "bob")
    assert elsewhere.ref.index == 2
    assert ends(job, again, CANCELED)[0].ref.index == 1


def test_an_activity_canceled_before_its_host_took_it_frees_the_task() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    job.recall([Recall("ada.0.1", at_once=True)])

    unanswered.canceled_unseen(job, start.offer)

    assert statuses(job) == ["queued"]


def test_a_run_that_may_live_frees_its_task_only_when_its_host_says_so() -> None:
    job = job_of(1)
    lend(job, "ada")
    job = restore(carry(job))
    job.offer_everything_again()
    [start] = started(job)
    job.recall([Recall("ada.0.1", at_once=True)])
    job.next_write()

    unanswered.canceled_unseen(job, start.offer)

    [again] = started(job)
    assert again.ref == start.ref
    assert statuses(job) == ["active"]
    assert [stopped.key for stopped in job.next_write().stopped] == [start.ref.key]


def test_what_nobody_wants_is_told_to_stop_after_a_continue_as_new() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    request(job, Change(action=JobAction.CANCEL))
    job.next_write()

    job = restore(carry(job))
    job.offer_everything_again()

    assert job.cancels == []
    assert [stopped.key for stopped in job.next_write().stopped] == [start.ref.key]
