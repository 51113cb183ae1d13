"""What happens to the model's farm: people's wishes, and faults."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.model.farm import Happening
from tests.model.host import Host, Shim
from tests.model.http_host import HttpHost
from tests.model.times import NEVER
from tests.model.world import World
from workflows.domain.messages import Change, JobAction, OutcomeKind, TaskAction
from workflows.domain.statuses import TaskStatus, WorkerStatus


def happen(world: World, happening: Happening) -> None:
    _HAPPENINGS[happening.what](world, happening)


def clears(world: World) -> None:
    """Every fault ends."""
    world.manager_down_until = min(world.manager_down_until, world.now)
    world.temporal_down_until = 0
    for key in world.until:
        world.until[key] = 0
    world.keeper.dies_after = None
    for worker in world.db.workers.values():
        worker.tags = frozenset({"tag"})
    world.tick()


def wakes(world: World) -> None:
    """Somebody wakes whoever does not work."""
    for worker in world.db.workers.values():
        worker.requested = None if worker.status is WorkerStatus.AWAKE else WorkerStatus.AWAKE


def _host(world: World, which: int) -> Host | HttpHost:
    names = sorted(world.hosts)
    return world.hosts[names[which % len(names)]]


def _job(world: World, which: int) -> str:
    names = sorted(world.db.jobs)
    return names[which % len(names)] if names else ""


def _keeper_dies(world: World, happening: Happening) -> None:
    world.keeper.dies_after = happening.which % 5


def _keepers_workflow_is_terminated(world: World, happening: Happening) -> None:
    """A person does it in Temporal's Web UI."""
    world.temporal.is_keeper_open = False


def _jobs_workflow_is_terminated(world: World, happening: Happening) -> None:
    """A person does it in Temporal's Web UI."""
    world.temporal.close(_job(world, happening.which))


def _manager_restarts(world: World, happening: Happening) -> None:
    world.manager_stops(1 + happening.long % 2)


def _manager_is_down(world: World, happening: Happening) -> None:
    world.manager_stops(happening.long * 2)


def _process_restarts(world: World, happening: Happening) -> None:
    host = _host(world, happening.which)
    host.process_dies()
    world.until[host.id, "process"] = world.now + 1


def _process_is_down(world: World, happening: Happening) -> None:
    host = _host(world, happening.which)
    host.process_dies()
    world.until[host.id, "process"] = world.now + happening.long * 2


def _machine_goes_down(world: World, happening: Happening) -> None:
    host = _host(world, happening.which)
    host.machine_dies()
    world.until[host.id, "process"] = world.now + happening.long


def _cut(*what: str) -> Callable[[World, Happening], None]:
    def cut(world: World, happening: Happening) -> None:
        host = _host(world, happening.which)
        for link in what:
            world.until[host.id, link] = world.now + happening.long * 2

    return cut


def _temporal_is_down(world: World, happening: Happening) -> None:
    world.temporal_down_until = world.now + happening.long * 2


def _continue_as_new(world: World, happening: Happening) -> None:
    execution = world.temporal.executions.get(_job(world, happening.which))
    if execution is not None and world.temporal.is_up and world.is_manager_up:
        world.workflows.continue_as_new(execution, world.now)


def _continue_as_new_while_canceled(world: World, happening: Happening) -> None:
    """Before any host has taken the new activities."""
    _continue_as_new(world, happening)
    _cancel_and_requeue_task(world, happening)
    world.people.tick(world.now)


def _temporal_falls_back(world: World, happening: Happening) -> None:
    """By a write or two."""
    world.back_up_temporal()
    for _ in range(1 + happening.long % 6):
        world.tick()
    world.restore_temporal()


def _people(world: World, happening: Happening) -> None:
    action = tuple(JobAction)[happening.long % len(JobAction)]
    world.people.ask(_job(world, happening.which), _numbered(world, Change(action=action)))


def _cancel_and_requeue(world: World, happening: Happening) -> None:
    for action in (JobAction.CANCEL, JobAction.REQUEUE):
        change = _numbered(world, Change(action=action))
        world.people.ask(_job(world, happening.which), change)


def _task(world: World, happening: Happening) -> None:
    action = tuple(TaskAction)[happening.long % len(TaskAction)]
    _ask_for_task(world, happening, action)


def _cancel_and_requeue_task(world: World, happening: Happening) -> None:
    _ask_for_task(world, happening, TaskAction.CANCEL)
    _ask_for_task(world, happening, TaskAction.REQUEUE)


def _ask_for_task(world: World, happening: Happening, action: TaskAction) -> None:
    """Of the tasks that can be asked for it, if there are any."""
    job = world.db.jobs.get(_job(world, happening.which))
    if job is None or not len(job.columns):
        return
    active = [i for i, s in enumerate(job.columns.statuses, 1) if s is TaskStatus.ACTIVE]
    among = active or list(range(1, len(job.columns) + 1))
    change = Change(task_action=action, task=among[happening.long // 2 % len(among)])
    world.people.ask(job.id, _numbered(world, change))


def _old_keeper_speaks(world: World, happening: Happening) -> None:
    """Says once more what was said at some time before."""
    said = world.keeper.said
    if said and world.temporal.is_up:
        message = said[-1 - happening.which % len(said)]
        if message.job_id in world.temporal.executions:
            world.temporal.signal(message.job_id, message.signal, message.content)


def _priority(world: World, happening: Happening) -> None:
    change = Change(priority=30 + happening.long)
    world.people.ask(_job(world, happening.which), _numbered(world, change))


def _unblock(world: World, happening: Happening) -> None:
    """Takes somebody off a job's blocklist, whether there or not."""
    job = world.db.jobs.get(_job(world, happening.which))
    if job is not None:
        listed = job.blocked or ((_host(world, happening.which).id, "blender"),)
        pair = listed[happening.long % len(listed)]
        world.people.ask(job.id, _numbered(world, Change(unblock=(pair,))))


def _numbered(world: World, change: Change) -> Change:
    return replace(change, request_id=f"r{world.people.asked}")


def _ask_status(status: WorkerStatus, *, is_lazy: bool) -> Callable[[World, Happening], None]:
    def ask(world: World, happening: Happening) -> None:
        worker = world.db.workers.get(_host(world, happening.which).id)
        if worker is not None:
            worker.requested = None if worker.status is status else status
            worker.is_lazy = is_lazy
            if not is_lazy:
                world.people.asked += 1

    return ask


def _tags(world: World, happening: Happening) -> None:
    worker = world.db.workers.get(_host(world, happening.which).id)
    if worker is not None:
        worker.tags = frozenset() if worker.tags else frozenset({"tag"})


def _submit(world: World, happening: Happening) -> None:
    world.submit(happening.long % 5, happening.which % 4)


def _a_run_hangs(world: World, happening: Happening) -> None:
    host = _host(world, happening.which)
    for shim in list(host.shims.values())[:1]:
        # One that is being stopped ends, by force at last.
        if isinstance(shim, Shim) and shim.kind is not OutcomeKind.CANCELED:
            shim.ends_at = NEVER


def _back_up_both(world: World, happening: Happening) -> None:
    world.back_up_database()
    world.back_up_temporal()


def _restore_both(world: World, happening: Happening) -> None:
    world.restore_temporal(with_database=world.database_copy is not None)
    world.restore_database()


def _delete_worker(world: World, happening: Happening) -> None:
    if len(world.db.workers) > 1:
        world.db.workers.pop(_host(world, happening.which).id, None)


_HAPPENINGS: Mapping[str, Callable[[World, Happening], None]] = {
    "keeper dies": _keeper_dies,
    "keeper's workflow is terminated": _keepers_workflow_is_terminated,
    "job's workflow is terminated": _jobs_workflow_is_terminated,
    "manager restarts": _manager_restarts,
    "manager is down": _manager_is_down,
    "host process restarts": _process_restarts,
    "host process is down": _process_is_down,
    "machine goes down": _machine_goes_down,
    "manager unreachable": _cut("manager"),
    "temporal unreachable": _cut("temporal"),
    "host unreachable": _cut("manager", "temporal"),
    "temporal is down": _temporal_is_down,
    "continue as new": _continue_as_new,
    "continue as new while canceled": _continue_as_new_while_canceled,
    "temporal falls back": _temporal_falls_back,
    "people": _people,
    "cancel and requeue": _cancel_and_requeue,
    "cancel and requeue task": _cancel_and_requeue_task,
    "old keeper speaks": _old_keeper_speaks,
    "task": _task,
    "priority": _priority,
    "unblock": _unblock,
    "worker asleep": _ask_status(WorkerStatus.ASLEEP, is_lazy=False),
    "worker asleep when free": _ask_status(WorkerStatus.ASLEEP, is_lazy=True),
    "worker awake": _ask_status(WorkerStatus.AWAKE, is_lazy=False),
    "tags": _tags,
    "submit": _submit,
    "a run hangs": _a_run_hangs,
    "back up database": lambda world, _: world.back_up_database(),
    "restore database": lambda world, _: world.restore_database(),
    "put database back by hand": lambda world, _: world.restore_database(by_hand=True),
    "back up temporal": lambda world, _: world.back_up_temporal(),
    "restore temporal": lambda world, _: world.restore_temporal(),
    "back up both": _back_up_both,
    "restore both": _restore_both,
    "delete worker": _delete_worker,
}
