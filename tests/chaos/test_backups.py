"""A farm under load is restored from its backup in another data directory, and audited."""

from pathlib import Path

import pytest

from tests.chaos.causes import why_log_has_gaps
from tests.chaos.execution import run
from tests.chaos.plan import Fault, JobPlan, Kind, Plan, Shape, Store
from tests.chaos.stores import Backups

#: Plenty, as in tests/chaos/test_seeds.py.
TIMEOUT_S = 900


def plan(seed: int, store: Store) -> Plan:
    """Three jobs keep four slots busy: before the backup, between it and its restore, and after."""
    jobs = tuple(
        JobPlan(name, at_s, frames, chunk, 1.0, 40, 50, is_chained=is_chained)
        for name, at_s, frames, chunk, is_chained in [
            ("soleares", 0.0, 16, 16, False),
            ("alegrias", 0.5, 48, 1, False),
            ("tangos", 1.0, 16, 2, True),
        ]
    )
    restored = Fault(Kind.SET_BACK_BOTH, "the farm", 16.0, 0.0)
    return Plan(seed, Shape(store, managers=1, hosts=2, slots=2), jobs, (restored,), ())


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("store", list(Store))
def test_a_farm_restored_elsewhere_from_a_backup_under_load_breaks_no_invariant(
    store: Store, tmp_path: Path
) -> None:
    result = run(plan(1, store), tmp_path / "farm", stores=Backups())

    assert result.problems == []
    [struck] = result.state.struck
    assert struck.copied < struck.began < struck.ended
    assert {job.status for job in result.state.jobs} == {"completed"}
    renders = result.state.renders
    # Tasks were completed before the backup, whose logs it must have; and others since.
    before = [each for each in renders if each.alive_at < struck.copied]
    assert any(not why_log_has_gaps(result.state, each) for each in before)
    assert any(struck.copied < each.started < struck.began for each in renders)
    assert any(each.started > struck.ended for each in renders)
    assert (tmp_path / "farm/elsewhere/temporal").is_dir()
