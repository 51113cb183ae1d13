"""The auditor finds each broken invariant in a made-up farm, and takes what a fault explains."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from tests.chaos.audit import INVARIANTS, audit
from tests.chaos.made_up import (
    JOB,
    all_rendered,
    done,
    events,
    job,
    log_of,
    render,
    state_of,
    struck,
    task,
)
from tests.chaos.people import Done
from tests.chaos.plan import Act, Kind
from tests.chaos.state import FarmState, TaskSeen, WorkflowSeen
from tests.chaos.watch import Heard, Render

ONE, TWO, LAST = all_rendered()
UNDER_WAY = "WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND: "


def _with_job(**changes: object) -> FarmState:
    return state_of(ONE, TWO, LAST, jobs=(replace(job(*_tasks()), **changes),))  # type: ignore[arg-type] # names of fields


def _tasks(**of_the_first: object) -> tuple[TaskSeen, ...]:
    first = replace(task(1, ONE), **of_the_first)  # type: ignore[arg-type] # names of fields
    return first, task(2, TWO), task(3, LAST)


def _again(**changes: object) -> tuple[Render, ...]:
    """The first task is begun on host1, and a second time on host2."""
    first = render(1, is_whole=False, lasted=1.0)
    second = replace(render(1, attempt=2, host="host2", began=105.0), **changes)  # type: ignore[arg-type] # names of fields
    return first, second, TWO, LAST


def _with_log(log: str) -> FarmState:
    return state_of(ONE, TWO, LAST, jobs=(job(*_tasks(logs={1: log})),))


_LOG = log_of(ONE)
_FIRST_LINE = _LOG.splitlines()[1]

BROKEN: Mapping[str, Sequence[FarmState]] = {
    "every_job_ends_as_it_should": [
        _with_job(status="failed"),
        _with_job(status="canceled"),
        state_of(ONE, TWO, LAST, jobs=()),
        state_of(ONE, TWO, LAST, done=[done(Act.CANCEL)]),
    ],
    "tasks_agree_with_their_job": [
        _with_job(tasks=_tasks(status="queued")),
        _with_job(status="canceled", tasks=_tasks(status="active")),
        _with_job(tasks=_tasks(status="canceled")),
    ],
    "frames_are_whole": [
        _with_job(broken_frames={1: "is not there"}),
        _with_job(other_files=("000001.png.incomplete",)),
    ],
    "what_is_completed_was_rendered": [
        state_of(TWO, LAST),
        state_of(replace(ONE, saved=[], ended=[]), TWO, LAST),
    ],
    "nothing_is_rendered_twice_without_a_cause": [
        state_of(*_again()),
        # None of these was on this host, long enough, or at that time.
        state_of(*_again(), struck=[struck(Kind.KILL_HOST_AND_SHIMS, "host2")]),
        state_of(*_again(), struck=[struck(Kind.STOP_HOST, for_s=2.0)]),
        state_of(*_again(), struck=[struck(Kind.END_HOST, at=120.0)]),
        state_of(*_again(), struck=[struck(Kind.KILL_MANAGER, "manager1", for_s=20.0)]),
        state_of(*_again(), done=[done(Act.REQUEUE, status=409)]),
        state_of(*_again(), done=[done(Act.REQUEUE, "job2")]),
        state_of(*_again(), done=[done(Act.SLEEP, "host2")]),
    ],
    "no_run_is_begun_twice": [state_of(ONE, replace(ONE, pid=77, started=103.0), TWO, LAST)],
    "no_two_tries_of_a_task_live": [
        state_of(*_again(started=100.5)),
        state_of(*_again(started=100.5), struck=[struck(Kind.KILL_RENDERER)]),
    ],
    "no_host_runs_more_than_its_slots": [state_of(ONE, replace(TWO, started=100.5), LAST)],
    "no_process_is_left": [state_of(ONE, TWO, LAST, processes=["shim 7 lives"])],
    "no_lease_is_left": [state_of(ONE, TWO, LAST, leases=["lease 7 is held"])],
    "hosts_keep_no_run": [state_of(ONE, TWO, LAST, kept_runs=["host1/runs/5.1.1.1"])],
    "every_worker_is_awake": [
        state_of(ONE, TWO, LAST, workers={"host1": "awake", "host2": "offline"}),
        state_of(ONE, TWO, LAST, workers={"host1": "awake"}),
        state_of(
            ONE, TWO, LAST, workers={"host1": "awake", "host2": "awake", "host2 (2)": "awake"}
        ),
    ],
    "workflows_are_closed_and_never_failed": [
        state_of(ONE, TWO, LAST, workflows=[WorkflowSeen(JOB, "RUNNING", ())]),
        state_of(ONE, TWO, LAST, workflows=[WorkflowSeen(JOB, "TERMINATED", ())]),
        state_of(ONE, TWO, LAST, workflows=[WorkflowSeen(JOB, "COMPLETED", ("no replay",))]),
        state_of(ONE, TWO, LAST, workflows=[WorkflowSeen(JOB, "COMPLETED", (UNDER_WAY,))]),
    ],
    "logs_are_complete": [
        _with_log(""),
        _with_log(_LOG.replace(_FIRST_LINE + "\n", "")),
        _with_log(_LOG + _FIRST_LINE + "\n"),
        _with_log(_LOG.replace("olé", "ole", 1)),
        _with_log(_LOG[: -len(_LOG.splitlines()[-1]) - 1]),
    ],
    "the_stream_has_no_gap": [
        state_of(ONE, TWO, LAST, heard=events("queued", "completed", ids=(1, 4))),
        state_of(ONE, TWO, LAST, heard=events("queued", "active", "completed", ids=(1, 4, 3))),
        state_of(ONE, TWO, LAST, heard=(*events("queued", "active"), Heard(4, "/missed", {}, 0))),
        state_of(ONE, TWO, LAST, heard=(*events("queued"), *events("paused", "active")[1:])),
    ],
}


def test_a_healthy_farm_breaks_nothing() -> None:
    assert audit(state_of(ONE, TWO, LAST)) == []


def test_each_invariant_can_be_broken() -> None:
    assert set(BROKEN) == {each.__name__ for each in INVARIANTS}


@pytest.mark.parametrize(
    ("invariant", "state"),
    [(name, state) for name, states in BROKEN.items() for state in states],
    ids=[f"{name}-{number}" for name, states in BROKEN.items() for number in range(len(states))],
)
def test_a_broken_invariant_is_named(invariant: str, state: FarmState) -> None:
    found = audit(state)

    assert invariant in {problem.partition(":")[0] for problem in found}


@pytest.mark.parametrize(
    "state",
    [
        state_of(*_again(), struck=[struck(Kind.KILL_HOST_AND_SHIMS)]),
        state_of(*_again(), struck=[struck(Kind.UPGRADE_HOST)]),
        state_of(*_again(), struck=[struck(Kind.FILL_STORAGE, "the farm")]),
        state_of(*_again(), struck=[struck(Kind.STOP_HOST, for_s=9.0)]),
        # It was away for a moment, and took long to come back.
        state_of(
            *_again(), struck=[struck(Kind.KILL_HOST, for_s=0.0)], connected={"host1": [108.0]}
        ),
        state_of(*_again(), struck=[struck(Kind.SET_BACK_TEMPORAL, "the farm")]),
        state_of(*_again(), done=[done(Act.REQUEUE)]),
        state_of(*_again(), done=[done(Act.REQUEUE_TASK, status=None)]),
        state_of(*_again(), done=[done(Act.SLEEP, "host1")]),
    ],
)
def test_a_second_try_may_have_a_cause(state: FarmState) -> None:
    assert [each for each in audit(state) if "begun again" in each] == []


def test_a_killed_renderer_is_a_cause_for_its_own_task_alone() -> None:
    first, *others = _again()
    killed = struck(Kind.KILL_RENDERER)

    killed.pids = [first.pid]
    own = audit(state_of(first, *others, struck=[killed]))
    killed.pids = [first.pid + 1]
    other = audit(state_of(first, *others, struck=[killed]))

    assert own == []
    assert len(other) == 1


def test_an_older_try_may_live_while_its_host_is_cut_off() -> None:
    state = state_of(*_again(started=100.5), struck=[struck(Kind.CUT_HOST, for_s=12.0)])

    assert audit(state) == []


@pytest.mark.parametrize(
    ("deeds", "status"),
    [
        ([done(Act.CANCEL)], "canceled"),
        ([done(Act.CANCEL, status=None)], "canceled"),
        ([done(Act.CANCEL, status=503)], "completed"),
        ([done(Act.CANCEL), done(Act.REQUEUE)], "completed"),
        ([done(Act.CANCEL_TASK)], "canceled"),
    ],
)
def test_a_job_may_end_as_people_asked(deeds: Sequence[Done], status: str) -> None:
    state = replace(_with_job(status=status), done=deeds)

    assert audit(state) == []


def test_a_restore_may_end_workflows_at_any_moment() -> None:
    ended = [WorkflowSeen(JOB, "TERMINATED", (UNDER_WAY,)), WorkflowSeen(JOB, "COMPLETED", ())]
    back = struck(Kind.SET_BACK_TEMPORAL, "the farm")

    assert audit(state_of(ONE, TWO, LAST, workflows=ended, struck=[back])) == []


def test_a_job_that_a_restore_has_forgotten_may_be_gone() -> None:
    back = struck(Kind.SET_BACK_BOTH, "the farm")
    back.copied = 80.0

    assert audit(state_of(jobs=(), struck=[back])) == []
    back.copied = 99.0
    assert len(audit(state_of(jobs=(), struck=[back]))) == 1
