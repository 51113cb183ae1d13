"""What the keeper tells again and when, and what its audit makes of two views of a job."""

from dataclasses import replace

import pytest

from workflows.domain.farm_facts import FarmSnapshot, JobFacts, LeaseFacts, WorkerFacts
from workflows.domain.keeping import (
    Keeper,
    KeeperTimes,
    Message,
    OpenRun,
    ResendTimer,
    RestingWorkers,
    StartQueue,
    StoredRun,
    Verdict,
    audited,
    is_astray,
)
from workflows.domain.matchmaking import Offer
from workflows.domain.messages import Census, Demand, Lease, Recall, Want, WorkerGone
from workflows.domain.statuses import JobStatus, WorkerStatus

TIMES = KeeperTimes(resend_s=5, audit_s=60, early_audit_s=2)
JOB = JobFacts("job", 1, JobStatus.ACTIVE, 50, 0, None, None)


def worker(status: WorkerStatus = WorkerStatus.AWAKE, *, is_present: bool = True) -> WorkerFacts:
    types = frozenset({"blender"})
    return WorkerFacts("carmen", "carmen", status, 1, 1, types, frozenset(), is_present)


def lease_facts(*, run: int = 1) -> LeaseFacts:
    return LeaseFacts("lease", "carmen", 1, 0, 1, "job", run, is_held=True, recall="")


def farm(
    *workers: WorkerFacts, job: JobFacts = JOB, lease: LeaseFacts | None = None
) -> FarmSnapshot:
    return FarmSnapshot(workers, (job,), (lease,) if lease else ())


# --- passes ---------------------------------------------------------------------------------------


def test_a_pass_offers_what_the_matchmaker_plans() -> None:
    hungry = JobFacts("job", 1, JobStatus.ACTIVE, 50, 0, None, Demand(1, (Want("blender", 1),)))

    planned = Keeper(TIMES).look(farm(worker(), job=hungry), now=0)

    assert planned.offers == [Offer("carmen", 1, 0, "job", 1)]


def test_a_worker_that_is_not_heard_of_is_lost_and_a_lease_of_an_older_run_is_orphaned() -> None:
    planned = Keeper(TIMES).look(farm(worker(is_present=False), lease=lease_facts(run=7)), now=0)

    assert planned.lost == ["carmen"]
    assert planned.orphaned == ["lease"]


def test_news_is_sent_again_only_after_a_while() -> None:
    keeper, gone = Keeper(TIMES), farm(worker(WorkerStatus.OFFLINE), lease=lease_facts())

    sent = [keeper.look(gone, now=now).messages for now in (0, 4.9, 5)]

    told = [
        Message("job", "worker_gone", WorkerGone("carmen", 1, "its worker is not there any more"))
    ]
    assert sent == [told, [], told]


def test_a_recall_is_marked_whenever_it_is_told() -> None:
    keeper, asleep = Keeper(TIMES), farm(worker(WorkerStatus.ASLEEP), lease=lease_facts())

    first, second = keeper.look(asleep, now=0), keeper.look(asleep, now=1)

    assert [order.lease_id for order in first.recalls] == ["lease"]
    assert first.messages == [
        Message("job", "recall", [Recall("lease", at_once=True, reason="it is asleep")])
    ]
    assert (second.recalls, second.messages) == ([], [])


def test_leases_of_one_job_are_lent_in_one_message_and_late_ones_are_lent_again_in_time() -> None:
    keeper = Keeper(TIMES)
    new, late = (
        Lease(name, "carmen", "carmen", 1, 0, 1, "job", 1, ("blender",)) for name in ("new", "late")
    )

    first = keeper.lend([new], [late], now=0)
    second = keeper.lend([], [late], now=1)

    assert first == [Message("job", "lend", [new, late])]
    assert second == []


# --- tasks that wait for another worker -----------------------------------------------------------


class StarvedFarm:
    """Carmen is free and has failed the tasks of all jobs; Paco hangs with one of "long"."""

    def __init__(self, jobs: int = 1, **times: float) -> None:
        self.keeper = Keeper(replace(TIMES, **{"starved_after_s": 900, "wait_over_s": 60, **times}))
        self.versions = {f"job {number}": 1 for number in range(jobs)}
        self.failed: tuple[str, ...] = ("carmen",)
        self.blocked: tuple[str, ...] = ()
        self.pacos_job = "long"

    def retries(self, now: float) -> set[str]:
        """The jobs that carmen may retry."""
        jobs = [
            JobFacts(name, 1, JobStatus.ACTIVE, 50, 0, None, self._demand(version))
            for name, version in self.versions.items()
        ]
        jobs.append(replace(JOB, id="long"))
        lease = LeaseFacts("lease", "paco", 1, 0, 1, self.pacos_job, 1, is_held=True, recall="")
        workers = (worker(), replace(worker(), id="paco"))
        planned = self.keeper.look(FarmSnapshot(workers, tuple(jobs), (lease,)), now)
        return {
            message.job_id
            for message in planned.messages
            if isinstance(message.content, Census) and message.content.allow_retry == ("carmen",)
        }

    def _demand(self, version: int) -> Demand | None:
        wants = (Want("blender", 1, blocked=self.blocked, failed=self.failed),)
        return Demand(version, wants) if version else None


def test_ten_jobs_whose_tasks_failed_on_the_free_worker_are_retried_in_time() -> None:
    farm = StarvedFarm(jobs=10)

    assert [farm.retries(now) for now in (0, 450, 899)] == [set(), set(), set()]

    assert farm.retries(900) == set(farm.versions)


def test_a_blocked_worker_may_try_again_when_the_only_other_one_hangs() -> None:
    farm = StarvedFarm()
    farm.failed, farm.blocked = (), ("carmen",)

    assert [bool(farm.retries(now)) for now in (0, 890, 900)] == [False, False, True]


def test_a_blocked_worker_stays_so_while_another_one_works_for_the_job() -> None:
    farm = StarvedFarm()
    farm.failed, farm.blocked, farm.pacos_job = (), ("carmen",), "job 0"

    assert [farm.retries(now) for now in (0, 890, 900, 1800)] == [set()] * 4


def test_a_retry_that_fails_again_waits_again() -> None:
    farm = StarvedFarm()
    assert [bool(farm.retries(now)) for now in (0, 890, 900)] == [False, False, True]
    farm.versions["job 0"] = 0  # carmen tries
    farm.retries(905)
    farm.versions["job 0"] = 3  # carmen has failed again

    assert [bool(farm.retries(now)) for now in (920, 1810, 1820)] == [False, False, True]


def test_a_retry_that_was_not_heard_is_allowed_again() -> None:
    farm = StarvedFarm()

    assert [bool(farm.retries(now)) for now in (0, 890, 900, 905)] == [False, False, True, True]


@pytest.mark.parametrize(("absent_s", "may_retry"), [(59, True), (60, False)])
def test_a_worker_that_takes_a_task_for_a_moment_does_not_end_its_wait(
    absent_s: float, may_retry: bool
) -> None:
    farm = StarvedFarm()
    farm.retries(0)
    farm.retries(840)
    farm.versions["job 0"] = 0  # the task is offered to another worker
    farm.retries(840 + absent_s)
    farm.versions["job 0"] = 2  # which did not take it

    assert bool(farm.retries(900.5)) is may_retry


def test_zero_waits_for_ever() -> None:
    farm = StarvedFarm(starved_after_s=0)

    assert [farm.retries(now) for now in (0, 1, 1e6, 1e6 + 1)] == [set()] * 4


# --- what is remembered ---------------------------------------------------------------------------


def test_a_resend_timer_forgets_what_it_would_allow_anyway() -> None:
    timer = ResendTimer(5)
    timer.is_due("a", now=0)

    timer.forget_old(now=5)

    assert timer.is_due("a", now=5)
    assert not timer.is_due("a", now=6)


def test_a_worker_rests_for_the_cool_down() -> None:
    resting = RestingWorkers()
    resting.add("carmen", now=0)

    assert [resting.at(now, cooldown_s=2) for now in (1.9, 2)] == [{"carmen"}, frozenset()]
    assert not resting


def test_an_audit_is_due_at_once_then_once_a_minute_and_soon_after_a_workflow_was_missing() -> None:
    keeper = Keeper(TIMES)
    at_start = keeper.audit_due_in(0)
    keeper.audit_begins(0)
    usual = keeper.audit_due_in(0)

    keeper.workflow_was_missing(10)

    assert at_start < 0
    assert (usual, keeper.audit_due_in(10)) == (60, 2)


def test_starts_begin_with_the_oldest_and_are_bounded() -> None:
    starts = StartQueue(at_once=2, start_again_s=5)
    outbox = [("a", 1), ("b", 1), ("c", 1)]

    first = starts.begin(outbox, now=0)
    none = starts.begin(outbox, now=0)
    starts.ended("a", 1, is_started=True)

    assert first == [("a", 1), ("b", 1)]
    assert none == []
    assert starts.begin(outbox[1:], now=1) == [("c", 1)]


def test_a_failed_start_lets_others_go_first_and_begins_again_after_a_pause() -> None:
    starts = StartQueue(at_once=1, start_again_s=5)
    outbox = [("a", 1), ("b", 1)]
    starts.begin(outbox, now=0)
    starts.ended("a", 1, is_started=False)

    assert starts.has_failed
    assert starts.begin(outbox, now=2) == [("b", 1)]
    starts.ended("b", 3, is_started=True)
    assert starts.begin(outbox[:1], now=5) == []
    assert starts.begin(outbox[:1], now=6) == [("a", 1)]


def test_a_start_is_found_behind_those_that_have_begun_or_failed() -> None:
    starts = StartQueue(at_once=2, start_again_s=5)
    outbox = [(str(number), 1) for number in range(100)]
    starts.begin(outbox, now=0)
    starts.ended("0", 1, is_started=False)

    looked_at = outbox[: starts.looks_at]

    assert starts.begin(looked_at, now=2) == [("2", 1)]
    assert len(looked_at) == 4


def test_a_jobs_next_run_waits_for_the_start_of_the_last_one() -> None:
    starts = StartQueue(at_once=2, start_again_s=5)
    starts.begin([("a", 1)], now=0)

    assert starts.begin([("a", 2)], now=1) == []
    starts.ended("a", 2, is_started=True)
    assert starts.begin([("a", 2)], now=2) == [("a", 2)]


# --- the audit ------------------------------------------------------------------------------------

STORED = StoredRun("job", run=3, sequence=5)


@pytest.mark.parametrize(
    ("open_run", "verdict"),
    [
        (None, Verdict.START_ANEW),
        (OpenRun(2, None), Verdict.START_ANEW),
        (OpenRun(3, 4), Verdict.START_ANEW),
        (OpenRun(3, None), Verdict.GOES_ON),
        (OpenRun(3, 5), Verdict.GOES_ON),
        (OpenRun(3, 6), Verdict.TELL_AGAIN),
    ],
)
def test_an_audit_compares_run_and_sequence(open_run: OpenRun | None, verdict: Verdict) -> None:
    assert audited(STORED, open_run) is verdict


@pytest.mark.parametrize(
    ("open_run", "stored", "is_to_end"),
    [
        (OpenRun(3, None), None, True),
        (OpenRun(2, None), STORED, True),
        (OpenRun(3, 4), STORED, False),
        (OpenRun(3, 4), StoredRun("job", 3, 5, is_ended=True), True),
        (OpenRun(3, 5), StoredRun("job", 3, 5, is_ended=True), False),
        (OpenRun(3, None), StoredRun("job", 3, 5, is_ended=True), False),
    ],
)
def test_a_workflow_is_astray_when_no_row_is_its_own(
    open_run: OpenRun, stored: StoredRun | None, is_to_end: bool
) -> None:
    assert is_astray(open_run, stored) is is_to_end
