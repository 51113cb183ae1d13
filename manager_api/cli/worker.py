"""`tablao worker …`: renders for a manager, or shows and changes one of its workers."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.comments import comment_on_worker
from manager_api.cli.console import CommandError, note, say, show_fields, show_json
from manager_api.cli.host import HostDataDir, HostManager, HostName, HostPin, become_host
from manager_api.cli.identify import tag_id, worker_id
from manager_api.cli.upgrade import upgrade_workers

app = typer.Typer(
    invoke_without_command=True,
    help="Render for a manager (what `tablao-worker` does), or with a verb: look after a worker.",
)

WorkerId = Annotated[str, typer.Argument(metavar="ID", help="Its id or its name.")]
Lazy = Annotated[bool, typer.Option("--lazy/--now", help="After its task, or at once.")]


@app.callback()
def worker(
    context: typer.Context,
    manager: HostManager = None,
    pin: HostPin = None,
    data_dir: HostDataDir = None,
    name: HostName = None,
) -> None:
    """Render for a manager (what `tablao-worker` does), or with a verb: look after a worker."""
    if context.invoked_subcommand is None:
        become_host(manager, data_dir, name, pin)
    sources = [context.get_parameter_source(each) for each in context.params]
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        verb = context.invoked_subcommand
        raise CommandError(f"Options of `tablao worker {verb}` go behind `{verb}`.")


@app.command()
def show(worker: WorkerId, manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show a worker: its status, task, tags and machine."""
    with Manager(manager) as farm:
        found = worker_id(farm, worker)
        details = farm.get(f"/api/tablao/v1/workers/{found}")
        task = farm.get(f"/api/v3/worker-mgt/workers/{found}").get("task")
    if as_json:
        show_json({**details, "task": task})
    else:
        show_fields(_fields(details, task))


@app.command()
def wake(worker: WorkerId, manager: ManagerUrl = DEFAULT_URL) -> None:
    """Wake a worker, or cancel the status change that was requested of it."""
    _request(manager, worker, "awake", lazy=False)


@app.command()
def sleep(worker: WorkerId, lazy: Lazy = True, manager: ManagerUrl = DEFAULT_URL) -> None:
    """Send a worker to sleep."""
    _request(manager, worker, "asleep", lazy=lazy)


@app.command()
def shutdown(worker: WorkerId, lazy: Lazy = True, manager: ManagerUrl = DEFAULT_URL) -> None:
    """End a worker's host."""
    _request(manager, worker, "offline", lazy=lazy)


@app.command()
def restart(worker: WorkerId, lazy: Lazy = True, manager: ManagerUrl = DEFAULT_URL) -> None:
    """Restart a worker's host. A supervisor, such as `tablao up`, must start it again."""
    _request(manager, worker, "restart", lazy=lazy)


@app.command()
def pause(worker: WorkerId, manager: ManagerUrl = DEFAULT_URL) -> None:
    """Let a worker finish its task and take no more, but stay awake."""
    found = _post(manager, worker, "/api/tablao/v1/workers/{}/pause")
    say(f"Worker {found} takes no more tasks.")


@app.command()
def resume(worker: WorkerId, manager: ManagerUrl = DEFAULT_URL) -> None:
    """Let a paused worker take tasks again."""
    found = _post(manager, worker, "/api/tablao/v1/workers/{}/resume")
    say(f"Worker {found} takes tasks again.")


@app.command()
def forgive(worker: WorkerId, manager: ManagerUrl = DEFAULT_URL) -> None:
    """Let a worker that is set aside take tasks again, until it meets the fault again."""
    found = _post(manager, worker, "/api/tablao/v1/workers/{}/forgive")
    say(f"Worker {found} is forgiven.")


@app.command()
def rotate(worker: WorkerId, manager: ManagerUrl = DEFAULT_URL) -> None:
    """Give a worker's host a new secret; the old one ends when the host uses the new one."""
    found = _post(manager, worker, "/api/tablao/v1/workers/{}/rotate")
    say(f"Worker {found} gets a new secret.")


@app.command()
def tags(
    worker: WorkerId,
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="TAG…", help="All its tags, by id or name.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Remove all its tags.")] = False,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Replace a worker's tags by these. Without any, show its tags."""
    with Manager(manager) as farm:
        found = worker_id(farm, worker)
        if tags or none:
            ids = [tag_id(farm, each) for each in tags or ()]
            farm.post(f"/api/v3/worker-mgt/workers/{found}/settags", {"tag_ids": ids})
        has = farm.get(f"/api/v3/worker-mgt/workers/{found}").get("tags") or []
    for tag in has:
        say(tag["name"])
    if not has:
        note(f"Worker {found} has no tags.")


@app.command()
def schedule(
    worker: WorkerId,
    days: Annotated[
        str | None, typer.Option(help='"mo tu we th fr sa su"; "" is every day.')
    ] = None,
    start: Annotated[str | None, typer.Option(help='HH:MM; "" is midnight.')] = None,
    end: Annotated[
        str | None, typer.Option(help='HH:MM, on the next day if before start; "" is midnight.')
    ] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Whether it is active.")] = None,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Set when a worker sleeps, in the manager's local time. Without options, show it."""
    said = {"days_of_week": days, "start_time": start, "end_time": end, "is_active": on}
    changes = {key: value for key, value in said.items() if value is not None}
    with Manager(manager) as farm:
        found = worker_id(farm, worker)
        url = f"/api/v3/worker-mgt/workers/{found}/sleep-schedule"
        kept = farm.get(url)
        if changes:
            farm.post(url, {**_EVERY_DAY, **(kept or {}), **changes})
            kept = farm.get(url)
    say(_sentence(kept))


@app.command()
def delete(worker: WorkerId, manager: ManagerUrl = DEFAULT_URL) -> None:
    """Delete a worker: its tasks go to others, and its host ends."""
    with Manager(manager) as farm:
        found = worker_id(farm, worker)
        farm.delete(f"/api/v3/worker-mgt/workers/{found}")
    say(f"Deleted worker {found}.")


app.command("comment")(comment_on_worker)
app.command("upgrade")(upgrade_workers)

_EVERY_DAY = {"days_of_week": "", "start_time": "", "end_time": "", "is_active": True}


def _request(manager: str, worker: str, status: str, *, lazy: bool) -> None:
    body = {"status": status, "is_lazy": lazy}
    found = _post(manager, worker, "/api/v3/worker-mgt/workers/{}/setstatus", body)
    say(f"Asked worker {found} to become {status}, {'after its task' if lazy else 'now'}.")


def _post(manager: str, worker: str, path: str, body: Any = None) -> str:
    """Send a request about a worker, and return the worker's id."""
    with Manager(manager) as farm:
        found = worker_id(farm, worker)
        farm.post(path.format(found), body)
    return found


def _fields(details: Mapping[str, Any], task: Mapping[str, Any] | None) -> list[tuple[str, object]]:
    return [
        ("worker", details["name"]),
        ("id", details["id"]),
        ("status", status_word(details)),
        *(("set aside", why_aside(aside)) for aside in details.get("set_aside", ())),
        ("connected", "yes" if details["is_connected"] else "no"),
        ("speaks", "HTTP, as Flamenco's" if details["is_http"] else ""),
        ("slots", details["slots"]),
        ("task types", ", ".join(details["supported_task_types"])),
        ("tags", ", ".join(tag["name"] for tag in details["tags"])),
        ("sleeps", _sentence(details["sleep_schedule"]) if details["sleep_schedule"] else ""),
        ("task", f"{task['name']} ({task['status']}, {task['id']})" if task else ""),
        ("idle", details.get("idle_reason") or ""),
        ("version", details["version"]),
        ("machine", f"{details['platform']}, {details['ip_address']}"),
        ("last seen", details["last_seen"]),
    ]


def status_word(worker: Mapping[str, Any]) -> str:
    """Return the worker's status, and the status that was requested of it."""
    wish = worker.get("status_change")
    now = worker["status"] or "unknown"
    paused = ", paused" if worker.get("is_paused") else ""
    paused += ", set aside" if worker.get("set_aside") else ""
    return f"{now}{paused} → {wish['status']}" if wish else f"{now}{paused}"


def why_aside(aside: Mapping[str, Any]) -> str:
    types = ", ".join(aside["task_types"])
    from_what = f", for tasks of type {types}" if types else ""
    return f"{aside['reason']} (since {aside['since']}{from_what})"


def _sentence(schedule: Mapping[str, Any] | None) -> str:
    if schedule is None:
        return "It has no sleep schedule."
    days = schedule["days_of_week"] or "every day"
    start, end = schedule["start_time"] or "00:00", schedule["end_time"] or "24:00"
    return f"{days}, {start} to {end}" + ("" if schedule["is_active"] else " (off)")
