"""`tablao task …`: shows and changes one task."""

from typing import Annotated

import typer

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl, default_reason
from manager_api.cli.console import note, say, show_fields, show_json
from manager_api.cli.identify import task_id
from manager_api.cli.jobs import Frames, Reason, steps

app = typer.Typer(no_args_is_help=True, help="One task: show it, read its log, change it.")

TaskId = Annotated[str, typer.Argument(metavar="ID", help="Its id, or enough of its beginning.")]


@app.command()
def show(task: TaskId, manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show a task and its commands."""
    with Manager(manager) as farm:
        found = task_id(farm, task)
        details = farm.get(f"/api/v3/tasks/{found}")
        tries = farm.get(f"/api/tablao/v1/tasks/{found}/tries")
    silent_since, waiting = tries.get("silent_since"), tries["waiting"]
    if as_json:
        show_json({**details, "silent_since": silent_since, "waiting": waiting})
        return
    failed_by = ", ".join(worker["name"] for worker in details.get("failed_by_workers", []))
    show_fields(
        [
            ("task", details["name"]),
            ("id", details["id"]),
            ("job", details["job_id"]),
            ("type", details["task_type"]),
            ("status", details["status"]),
            ("stuck since", silent_since),
            ("waits", waiting),
            ("activity", details["activity"]),
            ("priority", details["priority"]),
            ("steps", steps(details)),
            ("worker", (details.get("worker") or {}).get("name")),
            ("failed by", failed_by),
            ("commands", ", ".join(command["name"] for command in details["commands"])),
        ]
    )


@app.command()
def log(
    task: TaskId,
    tail: Annotated[bool, typer.Option("--tail", help="Only its end.")] = False,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Print a task's log."""
    with Manager(manager) as farm:
        found = task_id(farm, task)
        text = farm.text(f"/api/v3/tasks/{found}/logtail") if tail else _whole_log(farm, found)
    if text:
        say(text.rstrip("\n"))
    else:
        note("This task has not written a log yet.")


@app.command()
def cancel(task: TaskId, reason: Reason = "", manager: ManagerUrl = DEFAULT_URL) -> None:
    """Cancel a task. The rest of its job goes on."""
    _set_status(manager, task, "canceled", reason or f"Canceled {default_reason()}")


@app.command()
def requeue(
    task: TaskId, frames: Frames = None, reason: Reason = "", manager: ManagerUrl = DEFAULT_URL
) -> None:
    """Run a task again, and the tasks that depend on it."""
    with Manager(manager) as farm:
        found = task_id(farm, task)
        asked = {"action": "requeue", "reason": reason or f"Requeued {default_reason()}"}
        if frames:
            asked["frames"] = str(frames)
        farm.post(f"/api/tablao/v1/tasks/{found}/actions", asked)
        _tell(farm, found)


def _whole_log(farm: Manager, found: str) -> str:
    where = farm.get(f"/api/v3/tasks/{found}/log")
    return farm.text_at(where["url"]) if where else ""


def _set_status(manager: str, task: str, status: str, reason: str) -> None:
    with Manager(manager) as farm:
        found = task_id(farm, task)
        farm.post(f"/api/v3/tasks/{found}/setstatus", {"status": status, "reason": reason})
        _tell(farm, found)


def _tell(farm: Manager, found: str) -> None:
    say(f"Task {found} is now {farm.get(f'/api/v3/tasks/{found}')['status']}.")
