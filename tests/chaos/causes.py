"""Which faults and deeds explain what would else be wrong: a second try, a gap, another end."""

from collections.abc import Iterator
from math import inf

from tests.chaos.farm import LOST_AFTER_S
from tests.chaos.people import Done
from tests.chaos.plan import SET_BACK, Act, Kind
from tests.chaos.state import FarmState, JobSeen
from tests.chaos.strikes import Struck
from tests.chaos.watch import Render

#: A host that was silent for so long may have been counted as lost.
MAY_BE_LOST_S = 0.6 * LOST_AFTER_S
#: The outcome of a run is told so soon after its program's end, also by a busy machine.
_TOLD_WITHIN_S = 5.0
#: A host that has been cut off says that it is connected so soon after that.
_CONNECTED_WITHIN_S = 15.0
_DATABASE_SET_BACK = (Kind.SET_BACK_DATABASE, Kind.SET_BACK_BOTH)
_ENDS_RUNS_OF_HOST = (
    Kind.KILL_HOST_AND_SHIMS,
    Kind.END_HOST,
    Kind.UPGRADE_HOST,
    Kind.FILL_HOST,
)
_SILENCES_HOST = (Kind.KILL_HOST, Kind.STOP_HOST, Kind.CUT_HOST, Kind.STALL_HOST, Kind.LOSE_HOST)
_SILENCES_HOSTS_OF_MANAGER = (Kind.KILL_MANAGER, Kind.UPGRADE_MANAGER, Kind.STOP_MANAGER)
_KILLS_RENDERER = (Kind.KILL_RENDERER, Kind.KILL_SHIM, Kind.KILL_HOST_AND_SHIMS)
_ENDS = {
    Act.CANCEL: "canceled",
    Act.CANCEL_TASK: "canceled",
    Act.REQUEUE: "completed",
    Act.REQUEUE_TASK: "completed",
}
_REQUEUES = (Act.REQUEUE, Act.REQUEUE_TASK)


def why_again(state: FarmState, job: JobSeen, before: Render, after: Render) -> str:
    """Why a task was begun again; empty if nothing explains it."""
    for struck in state.struck:
        if _ends_run(state, struck, before):
            return str(struck.fault.kind)
        if struck.fault.kind in SET_BACK and before.started < struck.ended:
            return str(struck.fault.kind)
    for done in state.done:
        is_between = before.started - _TOLD_WITHIN_S <= done.began <= after.started
        if is_between and _orders_again(done, job, before):
            return str(done.deed.act)
    return ""


def _orders_again(done: Done, job: JobSeen, before: Render) -> bool:
    deed = done.deed
    if not done.may_be_taken:
        return False
    is_requeued = deed.act in _REQUEUES and deed.target == job.name
    return is_requeued or (deed.act is Act.SLEEP and deed.target == before.host)


def _ends_run(state: FarmState, struck: Struck, run: Render) -> bool:
    if run.pid in struck.pids and struck.fault.kind in _KILLS_RENDERER:
        return True
    if not _meets(struck, run):
        return False
    kind, target = struck.fault.kind, struck.fault.target
    if kind is Kind.FILL_STORAGE:
        return True
    if kind in _ENDS_RUNS_OF_HOST:
        return target == run.host
    return silence_s(state, struck, run.host) > MAY_BE_LOST_S


def _meets(struck: Struck, run: Render) -> bool:
    """The fault lasted while the run did, or its outcome had still to be told."""
    ended = struck.ended + _CONNECTED_WITHIN_S
    return struck.began <= run.alive_at + _TOLD_WITHIN_S and run.started <= ended


def silence_s(state: FarmState, struck: Struck, host: str) -> float:
    """For how long the fault has silenced the host, as its own log tells; 0 if it did not."""
    kind, target = struck.fault.kind, struck.fault.target
    is_silenced = kind in _SILENCES_HOST and target == host
    if kind in _SILENCES_HOSTS_OF_MANAGER and state.plan.shape.managers > 1:
        # A single manager counts no time in which it was not there (rule 10).
        is_silenced = target == ("manager1" if int(host[4:]) % 2 else "manager2")
    if not is_silenced:
        return 0.0
    last = struck.ended + _CONNECTED_WITHIN_S
    again = [at for at in state.connected.get(host, ()) if struck.began < at < last]
    return max([struck.ended, *again]) - struck.began


def why_two_live(state: FarmState, older: Render) -> str:
    """Why an older try lived when a newer one began; empty if nothing explains it.

    That is allowed across a partition longer than the grace, and after a restore.
    """
    for struck in state.struck:
        is_lost = _meets(struck, older) and silence_s(state, struck, older.host) > MAY_BE_LOST_S
        if is_lost or (struck.fault.kind in SET_BACK and older.started < struck.ended):
            return str(struck.fault.kind)
    return ""


def why_log_has_gaps(state: FarmState, render: Render) -> str:
    """Why some of a run's log may be missing; empty if nothing explains it."""
    for struck in state.struck:
        kind = struck.fault.kind
        is_full = kind is Kind.FILL_HOST and struck.fault.target == render.host
        if is_full and _meets(struck, render):
            return str(kind)
        if kind in _KILLS_RENDERER and render.pid in struck.pids:
            # What was printed may not have been read.
            return str(kind)
        is_beginning = struck.began - _TOLD_WITHIN_S < render.started < struck.ended
        if kind in _DATABASE_SET_BACK and is_beginning:
            # Neither database nor logs knew it: its attempt's number is the new run's (rule 27).
            return str(kind)
        is_since_copied = struck.copied - _TOLD_WITHIN_S < render.alive_at
        if struck.has_logs and is_since_copied and render.started < struck.ended:
            # What hosts had delivered since the copy was made is not in it.
            return str(kind)
    return ""


def may_end_as(state: FarmState, name: str) -> set[str]:
    """How a job of the plan may have ended, by what people have asked for."""
    allowed = {"completed"}
    for done in _deeds_about(state, name):
        ends = _ENDS.get(done.deed.act)
        if ends is not None and done.may_be_taken:
            is_certain = done.is_taken and done.deed.act in (Act.CANCEL, Act.REQUEUE)
            allowed = {ends} if is_certain else allowed | {ends}
    if _may_fail(state):
        allowed |= {"failed"}
    for struck in state.struck:
        if struck.fault.kind in _DATABASE_SET_BACK:
            # What people asked for since the copy was made is forgotten, as are jobs.
            is_new = state.submitted.get(name, inf) > struck.copied - _TOLD_WITHIN_S
            allowed |= {"completed", "canceled", *(["gone"] if is_new else [])}
    return allowed


def _deeds_about(state: FarmState, name: str) -> Iterator[Done]:
    yield from (done for done in state.done if done.deed.target == name)


def _may_fail(state: FarmState) -> bool:
    """Full disks are reported by three machines, or three kills on one host block it (rule 29)."""
    kinds = [struck.fault.kind for struck in state.struck]
    kills = sum(kind in _KILLS_RENDERER for kind in kinds)
    return kills > 2 or Kind.FILL_STORAGE in kinds or Kind.FILL_HOST in kinds
