"""A seed means one plan, and plans have every kind of fault and of deed."""

from tests.chaos.plan import STRIKING_S, Act, Kind, Plan, Store, plan_for, shown


def _plans(store: Store | None = None) -> list[Plan]:
    return [plan_for(seed, store) for seed in range(400)]


def test_the_same_seed_means_the_same() -> None:
    assert _plans() == _plans()
    assert len({(plan.jobs, plan.faults) for plan in _plans()}) == 400


def test_every_fault_and_deed_comes_up() -> None:
    kinds = {fault.kind for plan in _plans() for fault in plan.faults}
    acts = {deed.act for plan in _plans() for deed in plan.deeds}

    assert kinds == set(Kind)
    assert acts == set(Act)


def test_a_database_that_is_asked_for_is_used() -> None:
    assert {plan.shape.store for plan in _plans(Store.SQLITE)} == {Store.SQLITE}
    assert {plan.shape.managers for plan in _plans(Store.SQLITE)} == {1}
    assert {plan.shape.store for plan in _plans(Store.POSTGRESQL)} == {Store.POSTGRESQL}
    assert {plan.shape.managers for plan in _plans(Store.POSTGRESQL)} == {2}


def test_faults_concern_what_the_farm_has() -> None:
    for plan in _plans():
        shape = plan.shape
        names = {"the farm", *(f"host{n}" for n in range(1, shape.hosts + 1))}
        names |= {f"manager{n}" for n in range(1, shape.managers + 1)}
        assert {fault.target for fault in plan.faults} <= names
        assert all(fault.at_s <= STRIKING_S + 1 for fault in plan.faults)
        if shape.store is Store.SQLITE:
            assert all("PostgreSQL" not in fault.kind for fault in plan.faults)


def test_a_plan_is_shown_in_the_order_of_time() -> None:
    plan = plan_for(9)

    first, *lines = shown(plan).splitlines()

    assert first.startswith("seed 9: ")
    assert len(lines) == len(plan.jobs) + len(plan.faults) + len(plan.deeds)
    moments = [job.at_s for job in plan.jobs] + [fault.at_s for fault in plan.faults]
    moments += [deed.at_s for deed in plan.deeds]
    assert [float(line.split()[0]) for line in lines] == sorted(moments)
