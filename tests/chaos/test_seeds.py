"""Three seeds of `make chaos`: on SQLite, with stores set back, and with two managers."""

from pathlib import Path

import pytest

from tests.chaos.execution import run
from tests.chaos.plan import Store, plan_for


@pytest.mark.parametrize(
    ("seed", "store"), [(1, Store.SQLITE), (2, Store.SQLITE), (1, Store.POSTGRESQL)]
)
def test_a_seed_breaks_no_invariant(seed: int, store: Store, tmp_path: Path) -> None:
    result = run(plan_for(seed, store), tmp_path / "farm")

    assert result.problems == []
    assert result.state.struck
    assert result.tasks
