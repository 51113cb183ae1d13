"""One pass of the matchmaker over a farm."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.domain.farm_facts import FarmSnapshot, JobFacts, LeaseFacts, WorkerFacts
from workflows.domain.matchmaking import Plan, plan
from workflows.domain.messages import Demand, Want
from workflows.domain.statuses import JobStatus, WorkerStatus


def worker(name: str = "ada", **facts: object) -> WorkerFacts:
    blank = WorkerFacts(
        id=name,
        name=name,
        status=WorkerStatus.AWAKE,
        session=1,
        slots=1,
        task_types=frozenset({"blender"}),
        tags=frozenset(),
        is_present=True,
    )
    return replace(blank, **facts)  # type: ignore[arg-type]  # facts of several types


def wanting(count: int, *, failed: tuple[str, ...] = (), blocked: tuple[str, ...] = ()) -> Demand:
    return Demand(7, (Want("blender", count, blocked, failed),))


def job(name: str = "job", demand: Demand | None = None, **facts: object) -> JobFacts:
    blank = JobFacts(
        id=name,
        run=1,
        status=JobStatus.ACTIVE,
        priority=50,
        age_rank=0,
        tag=None,
        demand=demand or wanting(1),
    )
    return replace(blank, **facts)  # type: ignore[arg-type]  # facts of several types


def lease(of: str = "ada", to: str = "job", **facts: object) -> LeaseFacts:
    blank = LeaseFacts(
        id=f"lease of {of}",
        worker_id=of,
        session=1,
        slot=0,
        generation=1,
        job_id=to,
        run=1,
        is_held=True,
        recall="",
    )
    return replace(blank, **facts)  # type: ignore[arg-type]  # facts of several types


def offered(planned: Plan) -> list[tuple[str, str]]:
    return [(offer.worker_id, offer.job_id) for offer in planned.offers]


# --- offers ---------------------------------------------------------------------------------------


def test_a_free_worker_goes_to_the_job_of_highest_priority_then_the_oldest() -> None:
    jobs = (
        job("young", age_rank=2),
        job("old", age_rank=1),
        job("urgent", priority=60, age_rank=3),
    )

    one = plan(FarmSnapshot((worker("ada"),), jobs, ()))
    two = plan(FarmSnapshot((worker("ada"), worker("bob")), jobs, ()))

    assert offered(one) == [("ada", "urgent")]
    assert offered(two) == [("ada", "urgent"), ("bob", "old")]


def test_no_more_workers_are_offered_than_are_wanted() -> None:
    workers = tuple(worker(name) for name in ("ada", "bob", "cyd"))

    assert len(plan(FarmSnapshot(workers, (job(demand=wanting(2)),), ())).offers) == 2


def test_what_is_offered_already_counts_towards_the_demand() -> None:
    on_way = lease("ada", is_held=False)
    workers = (worker("ada"), worker("bob"))

    assert plan(FarmSnapshot(workers, (job(),), (on_way,))).offers == []


def test_each_free_slot_is_offered_once() -> None:
    planned = plan(FarmSnapshot((worker(slots=3),), (job(demand=wanting(5)),), (lease(slot=1),)))

    assert [offer.slot for offer in planned.offers] == [0, 2]


def test_workers_of_another_tag_or_without_the_task_type_are_not_offered() -> None:
    workers = (
        worker("other tag", tags=frozenset({"cpu"})),
        worker("other type", tags=frozenset({"gpu"}), task_types=frozenset({"ffmpeg"})),
        worker("fits", tags=frozenset({"gpu", "cpu"})),
    )

    planned = plan(FarmSnapshot(workers, (job(tag="gpu", demand=wanting(3)),), ()))

    assert offered(planned) == [("fits", "job")]


def test_blocked_and_failed_workers_are_not_offered() -> None:
    workers = tuple(worker(name) for name in ("blocked", "failed", "fits"))
    demand = wanting(3, blocked=("blocked",), failed=("failed",))

    assert offered(plan(FarmSnapshot(workers, (job(demand=demand),), ()))) == [("fits", "job")]


def test_a_worker_that_was_handed_back_is_skipped_until_the_demand_changes() -> None:
    def given_back_at(version: int) -> Plan:
        return plan(FarmSnapshot((worker(),), (job(),), (), {("job", "ada"): version}))

    assert offered(given_back_at(7)) == []
    assert offered(given_back_at(6)) == [("ada", "job")]


def test_sleeping_missing_resting_and_summoned_workers_are_not_offered() -> None:
    workers = (
        worker("asleep", status=WorkerStatus.ASLEEP),
        worker("missing", is_present=False),
        worker("resting"),
        worker("summoned", status_requested=WorkerStatus.ASLEEP),
    )

    planned = plan(FarmSnapshot(workers, (job(demand=wanting(4)),), (), {}, frozenset({"resting"})))

    assert planned.offers == []


def test_no_job_gets_more_workers_than_its_lock_can_bear() -> None:
    workers = tuple(worker(f"w{i}") for i in range(5))
    jobs = (job("big", demand=wanting(5)), job("next", age_rank=1, demand=wanting(5)))

    planned = plan(FarmSnapshot(workers, jobs, ()), max_lent=3)

    assert [to for _, to in offered(planned)] == ["big"] * 3 + ["next"] * 2


def test_paused_jobs_get_no_workers() -> None:
    assert plan(FarmSnapshot((worker(),), (job(status=JobStatus.PAUSED),), ())).offers == []


# --- recalls --------------------------------------------------------------------------------------

LOW = job("low", priority=10, demand=Demand(1))


def test_a_job_of_higher_priority_recalls_a_worker_after_its_task() -> None:
    planned = plan(FarmSnapshot((worker(),), (LOW, job("high")), (lease(to="low"),)))

    [recall] = planned.recalls
    assert (recall.lease_id, recall.at_once) == ("lease of ada", False)


def test_jobs_of_equal_priority_recall_nobody_of_each_other() -> None:
    equal = replace(LOW, priority=50)

    assert plan(FarmSnapshot((worker(),), (equal, job("high")), (lease(to="low"),))).recalls == []


def test_one_need_recalls_one_worker_however_often_it_is_planned() -> None:
    workers = (worker("ada"), worker("bob"))
    leases = (lease("ada", "low", recall="after-task"), lease("bob", "low"))

    planned = plan(FarmSnapshot(workers, (LOW, job("high")), leases))

    assert [recall.lease_id for recall in planned.recalls] == ["lease of ada"]


def test_a_recalled_worker_whose_run_is_stuck_is_no_supply() -> None:
    workers = (worker("ada"), worker("bob"))
    leases = (lease("ada", "low", recall="after-task", is_stuck=True), lease("bob", "low"))

    planned = plan(FarmSnapshot(workers, (LOW, job("high")), leases))

    assert {recall.lease_id for recall in planned.recalls} == {"lease of ada", "lease of bob"}


def test_stuck_workers_are_recalled_only_if_the_others_are_not_enough() -> None:
    workers = (worker("ada"), worker("bob"))
    leases = (lease("ada", "low", is_stuck=True), lease("bob", "low"))

    of_one = plan(FarmSnapshot(workers, (LOW, job("high")), leases))
    of_two = plan(FarmSnapshot(workers, (LOW, job("high", wanting(2))), leases))

    assert [recall.lease_id for recall in of_one.recalls] == ["lease of bob"]
    assert [recall.lease_id for recall in of_two.recalls] == ["lease of bob", "lease of ada"]


def test_whoever_is_recalled_to_sleep_is_no_supply() -> None:
    sleepy = worker("ada", status_requested=WorkerStatus.ASLEEP, is_lazy_request=True)
    leases = (lease("ada", "low", recall="after-task"), lease("bob", "low"))

    planned = plan(FarmSnapshot((sleepy, worker("bob")), (LOW, job("high")), leases))

    assert {recall.lease_id for recall in planned.recalls} == {"lease of ada", "lease of bob"}


def test_a_recalled_worker_may_have_been_deleted() -> None:
    leases = (lease("deleted", "low", recall="after-task"),)

    planned = plan(FarmSnapshot((worker("ada", slots=0),), (LOW, job("high")), leases))

    assert [gone.worker_id for _, gone in planned.gone] == ["deleted"]


def test_a_slot_that_a_worker_has_no_more_is_given_back_after_its_task() -> None:
    leases = (lease(slot=0), replace(lease(slot=1), id="the second"))

    planned = plan(FarmSnapshot((worker(slots=1),), (job(),), leases))

    assert [(recall.lease_id, recall.at_once) for recall in planned.recalls] == [
        ("the second", False)
    ]


def test_a_worker_that_takes_on_other_types_by_now_is_lent_anew_after_its_task() -> None:
    def recalls(lent_for: frozenset[str] | None) -> int:
        lent = lease(task_types=lent_for)
        return len(plan(FarmSnapshot((worker(),), (job(),), (lent,))).recalls)

    assert recalls(frozenset({"blender", "ffmpeg"})) == 1
    assert recalls(frozenset({"blender"})) == 0
    assert recalls(None) == 0  # of an earlier build's lease nobody knows


def test_the_lowest_priority_is_recalled_first() -> None:
    workers = (worker("ada"), worker("bob"))
    lower = replace(LOW, id="lower", priority=5)
    leases = (lease("ada", "low"), lease("bob", "lower"))

    planned = plan(FarmSnapshot(workers, (LOW, lower, job("high")), leases))

    assert [recall.lease_id for recall in planned.recalls] == ["lease of bob"]


def test_a_request_to_sleep_recalls_at_once_and_a_lazy_one_after_the_task() -> None:
    def recalls_at_once(is_lazy: bool) -> list[bool]:
        asked = worker(status_requested=WorkerStatus.ASLEEP, is_lazy_request=is_lazy)
        planned = plan(FarmSnapshot((asked,), (job(),), (lease(),)))
        return [recall.at_once for recall in planned.recalls]

    assert recalls_at_once(False) == [True]
    assert recalls_at_once(True) == [False]


def test_a_worker_that_left_the_jobs_tag_is_recalled_after_its_task() -> None:
    planned = plan(FarmSnapshot((worker(),), (job(tag="gpu"),), (lease(),)))

    assert [recall.at_once for recall in planned.recalls] == [False]


# --- leases that must end -------------------------------------------------------------------------


def test_leases_of_another_run_and_of_ended_jobs_are_orphaned() -> None:
    leases = (lease("ada", run=2), lease("bob", "ended"))
    workers = (worker("ada"), worker("bob"))

    assert plan(FarmSnapshot(workers, (job(),), leases)).orphaned == [
        "lease of ada",
        "lease of bob",
    ]


@pytest.mark.parametrize(
    ("worker_facts", "job_facts", "lease_facts"),
    [
        ({"status": WorkerStatus.OFFLINE}, {}, {}),
        ({"is_http": True}, {}, {}),
        ({}, {"status": JobStatus.CANCEL_REQUESTED}, {}),
        ({}, {"status": JobStatus.PAUSE_REQUESTED}, {}),
        ({}, {}, {"is_held": False}),
        ({}, {}, {"recall": "after-task"}),
    ],
)
def test_leases_of_workers_that_are_gone_end(
    worker_facts: dict[str, Any], job_facts: dict[str, Any], lease_facts: dict[str, Any]
) -> None:
    gone_worker = worker(**({"status": WorkerStatus.ERROR} | worker_facts))
    of_it = lease(**lease_facts)

    planned = plan(FarmSnapshot((gone_worker,), (job(**job_facts),), (of_it,)))

    [(job_id, gone)] = planned.gone
    assert (job_id, gone.worker_id, gone.session) == ("job", "ada", 1)


def lost_host(*others: WorkerFacts) -> tuple[WorkerFacts, ...]:
    return (worker("ada", status=WorkerStatus.ERROR), *others)


def served(name: str = "job", **facts: Any) -> JobFacts:
    """A job none of whose tasks waits for a worker."""
    return replace(job(name, **facts), demand=None)


def given_up(planned: Plan) -> list[tuple[str, str]]:
    return [(job_id, gone.worker_id) for job_id, gone in planned.gone]


def test_the_task_of_a_lost_host_waits_for_it_while_no_other_worker_is_free() -> None:
    busy = worker("bob")
    leases = (lease("ada"), lease("bob"))

    alone = plan(FarmSnapshot(lost_host(), (served(),), leases[:1]))
    beside_a_busy_one = plan(FarmSnapshot(lost_host(busy), (job(),), leases))

    assert not alone.gone
    assert not beside_a_busy_one.gone


def test_a_free_worker_replaces_one_lost_host_and_is_kept_free_for_that() -> None:
    unable = worker("eve", task_types=frozenset({"ffmpeg"}))
    hosts = (*lost_host(unable, worker("bob")), worker("cyd", status=WorkerStatus.ERROR))
    jobs = (served("job"), job("younger", age_rank=1))

    planned = plan(FarmSnapshot(hosts, jobs, (lease("ada"), lease("cyd"))))

    assert given_up(planned) == [("job", "ada")]
    assert offered(planned) == []


def test_waiting_tasks_of_the_job_come_before_that_of_its_lost_host() -> None:
    planned = plan(FarmSnapshot(lost_host(worker("bob")), (job(),), (lease("ada"),)))

    assert offered(planned) == [("bob", "job")]
    assert not planned.gone


def test_a_lost_host_is_replaced_by_one_that_works_for_a_job_of_lower_priority() -> None:
    jobs = (served("job", priority=60), served("lower"))
    leases = (lease("ada"), lease("bob", "lower"))

    planned = plan(FarmSnapshot(lost_host(worker("bob")), jobs, leases))

    assert given_up(planned) == [("job", "ada")]


def test_one_worker_of_lower_priority_replaces_one_lost_host() -> None:
    hosts = (*lost_host(worker("bob")), worker("cyd", status=WorkerStatus.ERROR))
    jobs = (served("job", priority=60), served("lower"))
    leases = (lease("ada"), lease("cyd"), lease("bob", "lower"))

    planned = plan(FarmSnapshot(hosts, jobs, leases))
    beside_a_stuck_run = plan(
        FarmSnapshot(hosts, jobs, (*leases[:2], replace(leases[2], is_stuck=True)))
    )

    assert given_up(planned) == [("job", "ada")]
    assert given_up(beside_a_stuck_run) == []


def test_a_lost_host_that_comes_back_goes_on() -> None:
    back = worker("ada", session=2, live_runs=("job.1.1.1",))

    planned = plan(FarmSnapshot((back, worker("bob")), (served(),), (lease("ada"),)))

    assert not planned.gone
    assert [changed.live for _, changed in planned.changed_sessions] == [("job.1.1.1",)]


def test_a_host_that_signs_on_keeps_its_leases_until_it_has_said_what_lives() -> None:
    starting = worker(status=WorkerStatus.STARTING)

    planned = plan(FarmSnapshot((starting,), (job(),), (lease(),)))

    assert not planned.gone
    assert not planned.recalls


def test_leases_of_a_host_that_vanished_while_it_signed_on_end() -> None:
    vanished = worker(status=WorkerStatus.STARTING, is_present=False)

    [(_, gone)] = plan(FarmSnapshot((vanished,), (job(),), (lease(),))).gone

    assert (gone.worker_id, gone.session) == ("ada", 1)


def test_a_new_session_is_told_with_the_runs_that_live() -> None:
    anew = worker(session=2, live_runs=("job.1.1.1",))

    [(job_id, changed)] = plan(FarmSnapshot((anew,), (job(),), (lease(),))).changed_sessions

    assert (job_id, changed.session, changed.live) == ("job", 2, ("job.1.1.1",))


def test_an_awake_worker_that_is_missing_is_lost() -> None:
    workers = (
        worker("missing", is_present=False),
        worker("asleep", status=WorkerStatus.ASLEEP, is_present=False),
    )

    assert plan(FarmSnapshot(workers, (), ())).lost == ["missing"]


def test_a_status_is_ordered_when_the_worker_is_free() -> None:
    asked = worker(status_requested=WorkerStatus.ASLEEP)

    busy = plan(FarmSnapshot((asked,), (job(),), (lease(),)))
    free = plan(FarmSnapshot((asked,), (job(),), ()))

    assert busy.status_orders == []
    assert [order.status for order in free.status_orders] == [WorkerStatus.ASLEEP]


# --- census ---------------------------------------------------------------------------------------


def test_workers_that_failed_may_try_again_when_nobody_else_is_there() -> None:
    workers = (worker("ada"), worker("bob", status=WorkerStatus.ASLEEP))
    demand = wanting(1, failed=("ada",))

    [(_, census)] = plan(FarmSnapshot(workers, (job(demand=demand),), ())).censuses

    assert (census.version, census.allow_retry, census.nobody_left) == (7, ("ada",), False)


def test_nobody_tries_again_while_somebody_else_is_there() -> None:
    workers = (worker("ada"), worker("bob"))

    planned = plan(FarmSnapshot(workers, (job(demand=wanting(1, failed=("ada",))),), ()))

    assert planned.censuses == []


HUNG = lease("bob", to="long")
FAILED_ON_ADA = wanting(1, failed=("ada",))
STARVED = {("job", "blender"): None}


@pytest.mark.parametrize(
    ("ada", "leases", "may_retry"),
    [
        (worker("ada"), (HUNG,), True),
        (worker("ada", slots=2), (HUNG, lease("ada", to="long")), True),
        # Busy for a job of lower priority, and of the same one.
        (worker("ada"), (HUNG, lease("ada", to="low")), True),
        (worker("ada"), (HUNG, lease("ada", to="long")), False),
        (worker("ada", is_paused=True), (HUNG,), False),
        (worker("ada", status=WorkerStatus.ASLEEP), (HUNG,), False),
        (worker("ada", is_http=True, is_polling=True), (HUNG,), True),
        (worker("ada", is_http=True), (HUNG,), False),
    ],
    ids=["free", "free-slot", "lower", "busy", "paused", "asleep", "asks", "does-not-ask"],
)
def test_a_free_worker_retries_what_starves_though_another_worker_is_there(
    ada: WorkerFacts, leases: tuple[LeaseFacts, ...], may_retry: bool
) -> None:
    jobs = (job(demand=FAILED_ON_ADA), job("long"), job("low", priority=10))
    farm = FarmSnapshot((ada, worker("bob")), jobs, leases)

    before, after = plan(farm), plan(farm, starved=STARVED)

    assert before.censuses == []
    assert [waiting.may_retry for waiting in before.waiting] == [False]
    assert [census.allow_retry for _, census in after.censuses] == [("ada",)] * may_retry
    assert [waiting.may_retry for waiting in after.waiting] == [may_retry]


@pytest.mark.parametrize(("busy_with", "may_retry"), [("long", True), ("job", False)])
def test_a_blocked_worker_retries_what_starves_unless_another_one_works_for_the_job(
    busy_with: str, may_retry: bool
) -> None:
    jobs = (job(demand=wanting(1, failed=("ada",), blocked=("ada",))), job("long"))
    farm = FarmSnapshot((worker("ada"), worker("bob")), jobs, (lease("bob", to=busy_with),))

    before, after = plan(farm), plan(farm, starved=STARVED)

    assert before.censuses == []
    assert [census.allow_retry for _, census in after.censuses] == [("ada",)] * may_retry


def test_what_no_other_worker_can_do_does_not_wait() -> None:
    planned = plan(FarmSnapshot((worker("ada"),), (job(demand=FAILED_ON_ADA),), ()))

    assert [census.allow_retry for _, census in planned.censuses] == [("ada",)]
    assert planned.waiting == []


def test_nobody_is_left_when_every_able_worker_is_blocked() -> None:
    workers = (worker("ada"), worker("bob", task_types=frozenset({"ffmpeg"})))

    [(_, census)] = plan(
        FarmSnapshot(workers, (job(demand=wanting(1, blocked=("ada",))),), ())
    ).censuses

    assert census.nobody_left


def test_somebody_asleep_is_somebody_left() -> None:
    workers = (worker("ada"), worker("bob", status=WorkerStatus.ASLEEP))

    planned = plan(FarmSnapshot(workers, (job(demand=wanting(1, blocked=("ada",))),), ()))

    assert planned.censuses == []


def test_a_job_waits_when_the_farm_has_no_able_worker_at_all() -> None:
    nobody = plan(FarmSnapshot((), (job(),), ()))

    assert (nobody.offers, nobody.censuses) == ([], [])


# --- properties -----------------------------------------------------------------------------------


@st.composite
def farms(draw: st.DrawFn) -> FarmSnapshot:
    names = [f"w{i}" for i in range(draw(st.integers(0, 4)))]
    statuses = st.sampled_from([WorkerStatus.AWAKE, WorkerStatus.ASLEEP, WorkerStatus.ERROR])
    workers = tuple(
        worker(
            name,
            slots=draw(st.integers(1, 2)),
            status=draw(statuses),
            is_present=draw(st.booleans()),
            status_requested=draw(st.none() | st.just(WorkerStatus.ASLEEP)),
            is_lazy_request=draw(st.booleans()),
        )
        for name in names
    )
    jobs = tuple(
        job(
            f"j{i}",
            demand=wanting(draw(st.integers(0, 4))),
            priority=draw(st.integers(0, 2)),
            age_rank=i,
        )
        for i in range(draw(st.integers(0, 3)))
    )
    leases = tuple(
        lease(
            name,
            draw(st.sampled_from(["j0", "j1", "j2", "deleted"])),
            is_held=draw(st.booleans()),
            recall=draw(st.sampled_from(["", "after-task", "at-once"])),
            is_stuck=draw(st.booleans()),
        )
        for name in draw(st.sets(st.sampled_from([*names, "deleted"])))
    )
    return FarmSnapshot(workers, jobs, leases)


@given(farms())
def test_a_slot_is_never_offered_twice_nor_while_it_is_lent(farm: FarmSnapshot) -> None:
    slots = [(offer.worker_id, offer.slot) for offer in plan(farm).offers]
    lent = {(lease.worker_id, lease.slot) for lease in farm.leases}

    assert len(set(slots)) == len(slots)
    assert not lent & set(slots)


@given(farms())
def test_a_job_is_offered_no_more_than_it_wants(farm: FarmSnapshot) -> None:
    offers = plan(farm).offers
    for each in farm.jobs:
        assert each.demand is not None
        wanted = sum(want.count for want in each.demand.wants)
        assert sum(offer.job_id == each.id for offer in offers) <= wanted


@given(farms())
def test_every_lease_that_cannot_go_on_is_looked_after(farm: FarmSnapshot) -> None:
    planned = plan(farm)
    workers = {each.id: each for each in farm.workers}
    for each in farm.leases:
        its_worker = workers.get(each.worker_id)
        if its_worker is None or its_worker.status is WorkerStatus.ERROR:
            gone = {message.worker_id for _, message in planned.gone}
            may_wait = its_worker is not None and each.is_held and not each.recall
            assert each.id in planned.orphaned or each.worker_id in gone or may_wait


@given(farms())
def test_no_worker_is_left_free_while_a_task_waits_for_its_lost_host(farm: FarmSnapshot) -> None:
    planned = plan(farm)
    gone = {message.worker_id for _, message in planned.gone}
    workers = {each.id: each for each in farm.workers}
    waits = any(
        each.worker_id in workers
        and workers[each.worker_id].status is WorkerStatus.ERROR
        and each.worker_id not in gone
        and each.id not in planned.orphaned
        for each in farm.leases
    )
    lent = Counter(each.worker_id for each in farm.leases)
    free = sum(
        each.slots - lent[each.id]
        for each in farm.workers
        if each.status is WorkerStatus.AWAKE and each.is_present and not each.status_requested
    )

    replaced = [worker_id for _, worker_id in given_up(planned) if worker_id in workers]
    assert not waits or free <= len(planned.offers) + len(replaced)


@given(farms())
def test_a_plan_repeats_itself_while_nothing_changes(farm: FarmSnapshot) -> None:
    assert plan(farm) == plan(farm)


def test_a_paused_worker_is_lent_to_nobody() -> None:
    planned = plan(FarmSnapshot((worker(is_paused=True),), (job(),), ()))

    assert planned.offers == []


def test_a_paused_worker_finishes_its_task_and_stays_awake() -> None:
    planned = plan(FarmSnapshot((worker(is_paused=True),), (job(),), (lease(),)))

    [recall] = planned.recalls
    assert (recall.lease_id, recall.at_once) == ("lease of ada", False)
    assert planned.status_orders == []


def test_a_paused_worker_is_no_supply_for_a_job_of_higher_priority() -> None:
    workers = (worker("ada", is_paused=True), worker("eva"))
    jobs = (job("low", priority=10), job("high", demand=wanting(1), priority=90))
    leases = (lease("ada", "low", recall="after-task"), lease("eva", "low"))

    planned = plan(FarmSnapshot(workers, jobs, leases))

    assert "lease of eva" in {order.lease_id for order in planned.recalls}


def test_a_paused_worker_counts_as_left_but_does_not_try_again() -> None:
    demand = wanting(1, failed=("ada", "eva"))
    workers = (worker("ada", is_paused=True), worker("eva"))

    planned = plan(FarmSnapshot(workers, (job(demand=demand),), ()))

    [(_, census)] = planned.censuses
    assert (census.nobody_left, census.allow_retry) == (False, ("eva",))


# --- workers that speak HTTP ----------------------------------------------------------------------


def test_a_worker_that_speaks_http_is_lent_while_it_asks_for_a_task() -> None:
    resting, asking = worker("ada", is_http=True), worker("eva", is_http=True, is_polling=True)

    planned = plan(FarmSnapshot((resting, asking), (job(demand=wanting(2)),), ()))

    assert offered(planned) == [("eva", "job")]


def test_a_lease_goes_on_while_its_http_worker_is_at_its_task() -> None:
    planned = plan(FarmSnapshot((worker(is_http=True),), (job(),), (lease(),)))

    assert planned == Plan()


@pytest.mark.parametrize(
    ("status", "is_missed"),
    [
        (WorkerStatus.AWAKE, True),
        (WorkerStatus.ASLEEP, True),
        (WorkerStatus.STARTING, True),
        (WorkerStatus.OFFLINE, False),
        (WorkerStatus.ERROR, False),
        (WorkerStatus.UNREGISTERED, False),
    ],
)
def test_an_http_worker_is_missed_asleep_as_well(status: WorkerStatus, is_missed: bool) -> None:
    silent = worker(is_http=True, is_present=False, status=status)

    planned = plan(FarmSnapshot((silent,), (), ()))

    assert planned.lost == (["ada"] if is_missed else [])


# --- workers that are set aside -------------------------------------------------------------------


def test_a_worker_that_is_set_aside_is_not_lent() -> None:
    farm = FarmSnapshot((worker(set_aside="A disk is full."),), (job(),), ())

    assert plan(farm) == Plan()


def test_a_lease_of_a_worker_that_is_set_aside_ends_after_its_task() -> None:
    farm = FarmSnapshot((worker(set_aside="A disk is full."),), (job(),), (lease(is_held=True),))

    [order] = plan(farm).recalls

    assert (order.at_once, order.reason) == (False, "it is set aside")


def test_a_job_waits_for_the_worker_that_is_set_aside() -> None:
    demand = wanting(1, blocked=("bob",))
    aside = worker(task_types=frozenset({"misc"}), types_left_out=frozenset({"blender"}))
    farm = FarmSnapshot((aside, worker("bob")), (job(demand=demand),), ())

    assert plan(farm) == Plan()


def test_a_worker_alone_retries_while_the_others_are_set_aside() -> None:
    demand = wanting(1, failed=("bob",))
    aside = worker(task_types=frozenset({"misc"}), types_left_out=frozenset({"blender"}))
    others = (aside, worker("eve", set_aside="A disk is full."))
    farm = FarmSnapshot((*others, worker("bob")), (job(demand=demand),), ())

    [(_, census)] = plan(farm).censuses

    assert census.allow_retry == ("bob",)
