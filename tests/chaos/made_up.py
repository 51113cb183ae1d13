"""A farm that never was: a healthy state for tests of the auditor, and ways to change it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.chaos.people import Done
from tests.chaos.plan import Act, Deed, Fault, JobPlan, Kind, Plan, Shape, Store
from tests.chaos.renderer import log_lines
from tests.chaos.state import FarmState, JobSeen, TaskSeen, WorkflowSeen
from tests.chaos.strikes import Struck
from tests.chaos.watch import Heard, Render

JOB = "5e1f0d2c"
LINES = 4
PLAN = Plan(
    seed=1,
    shape=Shape(Store.SQLITE, managers=1, hosts=2, slots=1),
    jobs=(JobPlan("job1", 0.0, 2, 1, 0.3, LINES, 50, is_chained=False),),
    faults=(),
    deeds=(),
)


def render(
    task: int,
    *,
    attempt: int = 1,
    host: str = "host1",
    pid: int = 0,
    began: float = 100.0,
    lasted: float = 1.0,
    is_whole: bool = True,
) -> Render:
    """A process that renders the frame of a task (task 3 collects)."""
    frame = task if task < 3 else 0
    done = [frame] if is_whole else []
    run, pid = f"{JOB}.{task}.1.{attempt}", pid or 1000 * attempt + task
    return Render(run, pid, host, LINES, began, began + lasted, [frame], done, done)


def log_of(*renders: Render) -> str:
    lines = [
        f"pid={each.pid} > {line}"
        for each in renders
        for frame in each.ended
        for line in log_lines(each.run, each.pid, frame, each.lines)
    ]
    return "".join(f"{line}\n" for line in ["going to run: renderer", *lines])


def task(index: int, *renders: Render, status: str = "completed") -> TaskSeen:
    logs = {each.attempt: log_of(each) for each in renders}
    return TaskSeen(f"task-{index}", index, status, (index,) if index < 3 else (), logs)


def job(*tasks: TaskSeen, **changes: Any) -> JobSeen:
    return replace(JobSeen(JOB, "job1", "completed", tasks, {}, ()), **changes)


def state_of(*renders: Render, **changes: Any) -> FarmState:
    """A farm on which these renders were all, and everything else is as it must be.

    Args:
        changes: fields that are otherwise.
    """
    by_task = {n: [each for each in renders if each.task == f"{JOB}.{n}"] for n in (1, 2, 3)}
    healthy = FarmState(
        plan=PLAN,
        struck=(),
        done=(),
        submitted={"job1": 90.0},
        jobs=(job(*(task(index, *found) for index, found in by_task.items())),),
        renders=renders,
        workers={"host1": "awake", "host2": "awake"},
        workflows=(WorkflowSeen(JOB, "COMPLETED", ()),),
        heard=events("queued", "active", "completed"),
        stored=((1, "/jobs"), (2, "/internal/hosts"), (3, "/jobs"), (4, "/jobs")),
    )
    return replace(healthy, **changes)


def all_rendered() -> tuple[Render, Render, Render]:
    return render(1), render(2, began=102.0), render(3, began=104.0)


def events(*statuses: str, ids: Sequence[int] = (1, 3, 4)) -> tuple[Heard, ...]:
    """The events of a job that goes through these statuses."""
    before: list[str | None] = [None, *statuses]
    return tuple(
        Heard(id_, "/jobs", {"id": JOB, "status": status, "previous_status": previous}, 0.0)
        for id_, status, previous in zip(ids, statuses, before, strict=False)
    )


def struck(kind: Kind, target: str = "host1", *, at: float = 100.5, for_s: float = 1.0) -> Struck:
    return Struck(Fault(kind, target, 0.0, for_s), at, at + for_s)


def done(act: Act, target: str = "job1", *, at: float = 100.5, status: int | None = 204) -> Done:
    return Done(Deed(act, target, 0.0), at, status)
