"""`tablao workers` and `tablao worker-status`."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.console import note, say, show_json, show_table
from manager_api.cli.identify import worker_id


class Wish(StrEnum):
    """What a worker can be asked to become."""

    AWAKE = "awake"
    ASLEEP = "asleep"
    OFFLINE = "offline"
    RESTART = "restart"


def list_workers(manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List the farm's workers."""
    with Manager(manager) as farm:
        workers = farm.get("/api/v3/worker-mgt/workers")["workers"]
    workers.sort(key=lambda worker: worker["name"])
    if as_json:
        show_json(workers)
    elif not workers:
        note("There are no workers. Start one with `tablao worker`.")
    else:
        show_table(
            ("ID", "STATUS", "VERSION", "LAST SEEN", "NAME"),
            (
                (w["id"][:8], _status(w), w["version"], w.get("last_seen", ""), w["name"])
                for w in workers
            ),
        )


def worker_status(
    worker: Annotated[str, typer.Argument(metavar="ID", help="Its id or its name.")],
    status: Annotated[Wish, typer.Argument()],
    lazy: Annotated[bool, typer.Option("--lazy/--now", help="After its task, or at once.")] = True,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Wake a worker, send it to sleep, shut it down or restart it."""
    with Manager(manager) as farm:
        found = worker_id(farm, worker)
        body = {"status": status.value, "is_lazy": lazy}
        farm.post(f"/api/v3/worker-mgt/workers/{found}/setstatus", body)
    say(f"Asked worker {found} to become {status.value}, {'after its task' if lazy else 'now'}.")


def _status(worker: dict[str, Any]) -> str:
    wish = worker.get("status_change")
    now = worker["status"] or "unknown"
    return f"{now} → {wish['status']}" if wish else now
