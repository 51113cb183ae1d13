"""Three seeds of `make chaos`: two with stores set back, and one with two managers."""

from pathlib import Path

import pytest

from tests.chaos.execution import run
from tests.chaos.plan import Kind, Store, plan_for

#: Plenty: a busy machine takes several times as long as an idle one, which needs under a minute.
TIMEOUT_S = 900


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize(
    ("seed", "store"), [(26, Store.SQLITE), (76, Store.SQLITE), (1, Store.POSTGRESQL)]
)
def test_a_seed_breaks_no_invariant(seed: int, store: Store, tmp_path: Path) -> None:
    result = run(plan_for(seed, store), tmp_path / "farm")

    assert result.problems == []
    assert result.state.struck
    assert result.tasks


def test_the_three_seeds_kill_everything_and_set_stores_back() -> None:
    plans = [plan_for(26), plan_for(76), plan_for(1, Store.POSTGRESQL)]

    kinds = {fault.kind for plan in plans for fault in plan.faults}

    assert {Kind.KILL_HOST, Kind.KILL_MANAGER, Kind.KILL_TEMPORAL} <= kinds
    assert {Kind.STOP_POSTGRESQL, Kind.SET_BACK_DATABASE, Kind.SET_BACK_BOTH} <= kinds
