"""Looks at a farm from outside: API, files, database, Temporal's history, process table."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
from temporalio.client import Client, WorkflowExecution

from tests.chaos.farm import ChaosFarm
from tests.chaos.people import People
from tests.chaos.plan import JobPlan
from tests.chaos.renderer import frame_bytes
from tests.chaos.state import FarmState, JobSeen, TaskSeen, WorkflowSeen, is_internal
from tests.chaos.strikes import Struck
from tests.chaos.watch import EventFollower, ProcessWatch, lives, renders_of
from tests.farm.histories import History, in_thread
from tests.farm.processes import FarmProcesses, wait_until

_EVENTS_COME_WITHIN_S = 60.0
_CONNECTED = "INFO Connected to the manager"


def observe(
    farm: ChaosFarm,
    people: People,
    struck: Sequence[Struck],
    events: EventFollower,
    watch: ProcessWatch,
) -> FarmState:
    stored = _stored_events(farm)
    wait_until(lambda: events.last >= newest_id(stored), _EVENTS_COME_WITHIN_S)
    with farm.client("manager1") as client:
        jobs = [job for plan in farm.plan.jobs for job in _job(client, people, plan)]
        workers = client.get("/api/v3/worker-mgt/workers").json()["workers"]
    return FarmState(
        plan=farm.plan,
        struck=struck,
        done=people.done,
        submitted=people.submitted,
        jobs=jobs,
        renders=renders_of(farm.ledger, watch.alive),
        workers={worker["name"]: worker["status"] for worker in workers},
        leases=open_leases(farm),
        kept_runs=kept_runs(farm),
        workflows=in_thread(_workflows(farm)),
        processes=list(_left_processes(farm)),
        heard=list(events.heard),
        stored=stored,
        connected={name: _connected(farm, name) for name in farm.hosts},
    )


def open_leases(farm: ChaosFarm) -> list[str]:
    query = "SELECT id, job_id, state FROM leases WHERE state <> 'returned'"
    return [f"lease {id_} of job {job} is {state}" for id_, job, state in farm.rows(query)]


def kept_runs(farm: FarmProcesses) -> list[str]:
    """Runs whose end their hosts have not been told."""
    found = farm.directory.glob("host*/runs/*.*.*.*")
    return sorted(str(run.relative_to(farm.directory)) for run in found)


def open_workflows(farm: ChaosFarm) -> int:
    return sum(each.status == "RUNNING" for each in in_thread(_workflows(farm)))


def newest_event(farm: ChaosFarm) -> int:
    """The id of the newest event that clients get; 0 without one."""
    return newest_id(_stored_events(farm))


def newest_id(stored: Sequence[tuple[int, str]]) -> int:
    return max((id_ for id_, topic in stored if not is_internal(topic)), default=0)


def processes_of(ledger: Path) -> list[str]:
    """Processes that were started with this ledger in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("LEDGER") == str(ledger) and lives(process.pid):
                found.append(f"process {process.pid}: {' '.join(process.cmdline())[:200]}")
        except psutil.Error:
            continue
    return found


def _job(client: httpx.Client, people: People, plan: JobPlan) -> Iterator[JobSeen]:
    if plan.name not in people.jobs:
        return
    job_id = people.jobs[plan.name]
    answer = client.get(f"/api/v3/jobs/{job_id}")
    if answer.status_code != 200:
        return
    job = answer.json()
    tasks = client.get(f"/api/v3/jobs/{job_id}/tasks").json()["tasks"]
    frames = range(1, plan.frames + 1)
    files = {people.frame_file(plan, frame): frame for frame in frames}
    broken = {frame: why for path, frame in files.items() if (why := _broken(path, people, plan))}
    folder = Path(people.output(plan)).parent
    others = [str(path) for path in folder.glob("*") if str(path) not in files]
    seen = tuple(_task(client, plan, index, task) for index, task in enumerate(tasks, 1))
    yield JobSeen(job_id, plan.name, job["status"], seen, broken, tuple(sorted(others)))


def _broken(path: str, people: People, plan: JobPlan) -> str:
    frame = int(Path(path).stem)
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        return "is not there"
    whole = frame_bytes(people.output(plan), frame)
    return "" if data == whole else f"has {len(data)} bytes that are not those of the frame"


def _task(client: httpx.Client, plan: JobPlan, index: int, task: dict[str, Any]) -> TaskSeen:
    first = 1 + (index - 1) * plan.chunk
    frames = tuple(range(first, min(first + plan.chunk, plan.frames + 1)))
    url = f"/api/tablao/v1/tasks/{task['id']}/log"
    tries = [each["attempt"] for each in client.get(url).json()["tries"]]
    logs = {attempt: client.get(f"{url}/{attempt}").content.decode() for attempt in tries}
    return TaskSeen(task["id"], index, task["status"], frames, logs)


async def _workflows(farm: ChaosFarm) -> list[WorkflowSeen]:
    client = await Client.connect(farm.temporal_address)
    found = [each async for each in client.list_workflows() if each.id.startswith("job-")]
    return list(await asyncio.gather(*(_workflow(client, each) for each in found)))


async def _workflow(client: Client, execution: WorkflowExecution) -> WorkflowSeen:
    handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
    history = History(list((await handle.fetch_history()).events))
    status = execution.status.name if execution.status else "?"
    job_id = execution.id.removeprefix("job-")
    return WorkflowSeen(job_id, status, tuple(history.failed_workflow_tasks))


def _left_processes(farm: ChaosFarm) -> Iterator[str]:
    for pid in farm.shim_pids():
        yield f"shim {pid} lives"
    for render in renders_of(farm.ledger, {}):
        if lives(render.pid):
            yield f"renderer {render.pid} of run {render.run} lives"


def _stored_events(farm: ChaosFarm) -> list[tuple[int, str]]:
    rows = farm.rows("SELECT id, topic FROM events ORDER BY id")
    return [(int(str(id_)), str(topic)) for id_, topic in rows]


def _connected(farm: ChaosFarm, host: str) -> list[float]:
    lines = (farm.directory / f"{host}.log").read_text().splitlines()
    said = [line.partition(f" {_CONNECTED}")[0] for line in lines if _CONNECTED in line]
    return [_moment(words) for words in said]


def _moment(words: str) -> float:
    """Of a log line's beginning, in this machine's time zone."""
    return datetime.strptime(words, "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp()
