"""The auditor: what must hold of a farm after chaos, judged by what is seen from outside.

Each invariant is a function that yields a sentence for each time it is broken.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from tests.chaos.causes import may_end_as, why_again, why_log_has_gaps, why_two_live
from tests.chaos.plan import SET_BACK, Kind
from tests.chaos.renderer import log_lines
from tests.chaos.state import FarmState, JobSeen, TaskSeen, is_internal
from tests.chaos.watch import MISSED, Heard, Render

Invariant = Callable[[FarmState], Iterator[str]]
ENDED = ("completed", "canceled", "failed")
_ENDED_UNDER_WAY = "CAUSE_FORCE_CLOSE_COMMAND"


def audit(state: FarmState) -> list[str]:
    """Return a sentence for each invariant that is broken, and how."""
    return [f"{each.__name__}: {words}" for each in INVARIANTS for words in each(state)]


def every_job_ends_as_it_should(state: FarmState) -> Iterator[str]:
    for name in state.submitted:
        job = state.job_named(name)
        allowed = may_end_as(state, name)
        found = "gone" if job is None else job.status
        if found not in allowed:
            yield f"{name} is {found}, and may be {' or '.join(sorted(allowed))}"


def tasks_agree_with_their_job(state: FarmState) -> Iterator[str]:
    for job in state.jobs:
        for task in job.tasks:
            is_ended = task.status in ENDED
            if not is_ended or (job.status == "completed" and task.status != "completed"):
                yield f"{job.name} is {job.status}, but its task {task.index} is {task.status}"


def frames_are_whole(state: FarmState) -> Iterator[str]:
    for job in state.jobs:
        for task in job.tasks:
            for frame in task.frames:
                if task.status == "completed" and (why := job.broken_frames.get(frame)):
                    yield f"frame {frame} of {job.name} {why}"
        if job.status == "completed" and job.other_files:
            yield f"{job.name} left files behind: {', '.join(job.other_files)}"


def what_is_completed_was_rendered(state: FarmState) -> Iterator[str]:
    for job in state.jobs:
        for task in job.tasks:
            renders = list(state.renders_of_task(job, task))
            ended = {frame for each in renders for frame in each.ended}
            saved = {frame for each in renders for frame in each.saved}
            # A renderer may be killed between its last write and its note.
            missing = set(task.frames or (0,)) - ended - saved
            if task.status == "completed" and missing:
                yield f"task {task.index} of {job.name} is completed without frames {missing}"


def nothing_is_rendered_twice_without_a_cause(state: FarmState) -> Iterator[str]:
    for job in state.jobs:
        for task in job.tasks:
            renders = sorted(state.renders_of_task(job, task), key=lambda each: each.started)
            for before, after in pairwise(renders):
                if not why_again(state, job, before, after):
                    yield (
                        f"task {task.index} of {job.name} was begun again as {after.run} on "
                        f"{after.host} after {before.run} on {before.host}, and nothing explains it"
                    )


def no_run_is_begun_twice(state: FarmState) -> Iterator[str]:
    pids: dict[str, set[int]] = {}
    for render in state.renders:
        pids.setdefault(render.run, set()).add(render.pid)
    for run, found in pids.items():
        if len(found) > 1:
            yield f"run {run} was begun by the processes {sorted(found)}"


def no_two_tries_of_a_task_live(state: FarmState) -> Iterator[str]:
    for before, after in _alive_together(state.renders):
        if before.task == after.task and not why_two_live(state, before):
            yield f"{before.run} on {before.host} lived when {after.run} on {after.host} began"


def no_host_runs_more_than_its_slots(state: FarmState) -> Iterator[str]:
    for render in state.renders:
        together = [
            each
            for each in state.renders
            if each.host == render.host and each.started <= render.started < each.alive_at
        ]
        if len({each.pid for each in together} | {render.pid}) > state.plan.shape.slots:
            runs = ", ".join(each.run for each in together)
            yield f"{render.host} ran {runs} together when {render.run} began"


def _alive_together(renders: Iterable[Render]) -> Iterator[tuple[Render, Render]]:
    in_order = sorted(renders, key=lambda each: each.started)
    for index, before in enumerate(in_order):
        for after in in_order[index + 1 :]:
            if after.started < before.alive_at and after.pid != before.pid:
                yield before, after


def no_process_is_left(state: FarmState) -> Iterator[str]:
    yield from state.processes


def no_lease_is_left(state: FarmState) -> Iterator[str]:
    yield from state.leases


def hosts_keep_no_run(state: FarmState) -> Iterator[str]:
    for run in state.kept_runs:
        yield f"{run} is still there"


def every_worker_is_awake(state: FarmState) -> Iterator[str]:
    hosts = {f"host{number}" for number in range(1, state.plan.shape.hosts + 1)}
    for name in sorted(hosts | set(state.workers)):
        if (status := state.workers.get(name, "not known")) != "awake" or name not in hosts:
            yield f"{name} is {status}"


def workflows_are_closed_and_never_failed(state: FarmState) -> Iterator[str]:
    was_set_back = any(each.fault.kind in SET_BACK for each in state.struck)
    for workflow in state.workflows:
        is_ended = workflow.status in ("COMPLETED", "CONTINUED_AS_NEW")
        # Rule 16: a workflow that does not fit the database any more is ended.
        if not is_ended and not (was_set_back and workflow.status == "TERMINATED"):
            yield f"a workflow of job {workflow.job} is {workflow.status}"
        for failure in workflow.failures:
            # Temporal says so of the task that was under way when a workflow was ended.
            if workflow.status != "TERMINATED" or _ENDED_UNDER_WAY not in failure:
                yield f"a workflow task of job {workflow.job} failed: {failure}"


def logs_are_complete(state: FarmState) -> Iterator[str]:
    for job in state.jobs:
        for task in job.tasks:
            for render in state.renders_of_task(job, task):
                if not why_log_has_gaps(state, render):
                    yield from _log_problems(job, task, render)


def _log_problems(job: JobSeen, task: TaskSeen, render: Render) -> Iterator[str]:
    log = task.logs.get(render.attempt, "")
    mark = f"pid={render.pid} > chaos "
    found = [line for line in log.splitlines() if line.startswith(mark)]
    expected = [
        f"pid={render.pid} > {line}"
        for frame in render.frames
        for line in log_lines(render.run, render.pid, frame, render.lines)
    ]
    # A renderer that was ended has printed only the beginning.
    ended = len(render.ended) * render.lines
    if found != expected[: len(found)] or len(found) < ended:
        wrong = next(
            (n for n, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b), len(found)
        )
        yield (
            f"the log of run {render.run} ({job.name}) has {len(found)} of {len(expected)} lines, "
            f"of which {ended} were printed for certain; line {wrong + 1} is the first wrong one"
        )


def the_stream_has_no_gap(state: FarmState) -> Iterator[str]:
    set_back = (Kind.SET_BACK_DATABASE, Kind.SET_BACK_BOTH)
    may_miss = any(each.fault.kind in set_back for each in state.struck)
    heard = list(state.heard)
    missed = [n for n, each in enumerate(heard) if each.topic == MISSED]
    if missed and not may_miss:
        yield f"the client was told {len(missed)} times that it had missed events"
    if missed:
        heard = heard[missed[-1] + 1 :]
    ids = [each.id for each in heard]
    if any(after <= before for before, after in pairwise(ids)):
        yield "events came twice, or not in their order"
    stored = [id_ for id_, topic in state.stored if not is_internal(topic)]
    if ids and (lost := sorted({i for i in stored if i >= ids[0]} - set(ids))):
        yield f"{len(lost)} stored events did not come, the first one is {lost[0]}"
    if not missed:
        yield from _broken_chains(heard)


def _broken_chains(heard: Sequence[Heard]) -> Iterator[str]:
    """Changes of a status that do not begin where the one before has ended."""
    last: dict[str, tuple[str, str]] = {}
    for event in heard:
        is_of_status = event.topic in ("/jobs", "/workers") or event.topic.count("/") == 2
        about, status = event.payload.get("id"), event.payload.get("status")
        if not is_of_status or not isinstance(about, str) or not isinstance(status, str):
            continue
        if event.payload.get("refresh_tasks"):
            # Tasks of the job have changed without events of their own.
            last = {each: (job, was) for each, (job, was) in last.items() if job != about}
        before, (_, was) = event.payload.get("previous_status"), last.get(about, ("", None))
        if before is not None and was is not None and was != before:
            yield f"event {event.id} says that {about} was {before}, but it was {was}"
        last[about] = (str(event.payload.get("job_id")), status)


INVARIANTS: tuple[Invariant, ...] = (
    every_job_ends_as_it_should,
    tasks_agree_with_their_job,
    frames_are_whole,
    what_is_completed_was_rendered,
    nothing_is_rendered_twice_without_a_cause,
    no_run_is_begun_twice,
    no_two_tries_of_a_task_live,
    no_host_runs_more_than_its_slots,
    no_process_is_left,
    no_lease_is_left,
    hosts_keep_no_run,
    every_worker_is_awake,
    workflows_are_closed_and_never_failed,
    logs_are_complete,
    the_stream_has_no_gap,
)
