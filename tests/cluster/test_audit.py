"""The auditor finds each broken invariant in a made-up farm, and takes what a strike explains."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from tests.bench.dispatch.records import Ran
from tests.cluster.audit import EXPLAINED_S, INVARIANTS, Seen, TaskSeen, WorkflowSeen, audit
from tests.cluster.report import longest_pause, report
from tests.cluster.strikes import Struck

NOTHING = Struck("nothing", at=0.0, back=0.0, until=100.0)
HISTORY = Struck("history", at=100.0, back=110.0, until=300.0)
RUNS = (
    Ran(host=0, job="a", task=1, attempt=1, began=20.0, ended=28.0),
    Ran(host=1, job="a", task=2, attempt=1, began=115.0, ended=123.0),
)
TASKS = (TaskSeen("a", 1, "completed", 1), TaskSeen("a", 2, "completed", 1))
WHOLE = Seen(
    hosts=2,
    strikes=(NOTHING, HISTORY),
    jobs={"a": "completed"},
    tasks=TASKS,
    expected_tasks=2,
    runs=RUNS,
    given_back={},
    workers={"host-000": "awake", "host-001": "awake"},
    not_awake=(),
    leases=(),
    workflows=(WorkflowSeen("a", "CONTINUED_AS_NEW", ()), WorkflowSeen("a", "COMPLETED", ())),
)
_AGAIN = (TASKS[0], replace(TASKS[1], attempt=2))


_TWICE = replace(RUNS[1], attempt=2, began=120.0)


def _given_back_at(*moments: float) -> Seen:
    return replace(WHOLE, tasks=_AGAIN, given_back={("a", 2): moments})


BROKEN: Mapping[str, Sequence[Seen]] = {
    "every_job_is_completed": [replace(WHOLE, jobs={"a": "active"})],
    "every_task_is_completed": [
        replace(WHOLE, tasks=(TASKS[0], replace(TASKS[1], status="active"))),
        replace(WHOLE, tasks=TASKS[:1]),
    ],
    "every_task_was_run": [replace(WHOLE, runs=RUNS[:1])],
    "no_run_is_begun_twice": [replace(WHOLE, runs=(*RUNS, replace(RUNS[0], host=1)))],
    "no_task_is_run_twice": [replace(WHOLE, runs=(*RUNS, _TWICE))],
    "further_tries_have_a_cause": [
        _given_back_at(),
        _given_back_at(50.0),
        _given_back_at(110.0 + EXPLAINED_S + 1.0),
        replace(WHOLE, tasks=_AGAIN, runs=(RUNS[0], replace(_TWICE, began=50.0))),
    ],
    "no_host_is_lost": [
        replace(WHOLE, workers={"host-000": "awake"}),
        replace(WHOLE, workers={"host-000": "awake", "host-001": "error"}),
        replace(WHOLE, not_awake=((120.0, "host-001", "error"),)),
    ],
    "no_lease_is_left": [replace(WHOLE, leases=("lease l of job a is lent",))],
    "workflows_are_closed_and_never_failed": [
        replace(WHOLE, workflows=()),
        replace(WHOLE, workflows=(*WHOLE.workflows, WorkflowSeen("a", "RUNNING", ()))),
        replace(WHOLE, workflows=(WorkflowSeen("a", "COMPLETED", ("no such patch",)),)),
    ],
}
CASES = [(name, number) for name, seen in BROKEN.items() for number in range(len(seen))]


def test_a_whole_farm_breaks_nothing() -> None:
    assert not audit(WHOLE)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_what_is_broken_is_found(name: str, number: int) -> None:
    problems = audit(BROKEN[name][number])

    assert {problem.partition(":")[0] for problem in problems} == {name}


def test_each_invariant_is_seen_broken() -> None:
    assert {each.__name__ for each in INVARIANTS} == BROKEN.keys()


@pytest.mark.parametrize("moment", [100.0, 110.0 + EXPLAINED_S])
def test_a_kill_explains_a_second_try(moment: float) -> None:
    assert not audit(_given_back_at(moment))


def test_the_longest_pause_begins_with_the_kill_or_with_a_task() -> None:
    later = replace(RUNS[1], task=3, began=117.0, ended=125.0)

    assert longest_pause(RUNS, HISTORY) == 15.0
    assert longest_pause((*RUNS, later), replace(HISTORY, at=114.0)) == 2.0
    assert longest_pause((), HISTORY) == 0.0


def test_the_table_has_a_row_for_each_strike_and_says_what_is_lost() -> None:
    seen = replace(WHOLE, tasks=_AGAIN, runs=(RUNS[0], replace(RUNS[1], attempt=2)))

    lines = report(seen, ["a lease is left"]).splitlines()

    assert lines[1].split() == ["nothing", "0", "0.0", "20.0", "1", "0.0", "0", "0"]
    assert lines[2].split() == ["history", "100", "10.0", "15.0", "1", "0.0", "1", "0"]
    assert lines[-1] == "LOST: a lease is left"
