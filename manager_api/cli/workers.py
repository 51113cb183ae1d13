"""`tablao workers`: lists the farm's workers."""

from collections.abc import Sequence
from typing import Any

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.console import ago, note, say, show_json, show_list
from manager_api.cli.worker import status_word, why_aside


def list_workers(manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List the farm's workers."""
    with Manager(manager) as farm:
        workers = farm.get("/api/tablao/v1/workers")["workers"]
    workers.sort(key=lambda worker: worker["name"])
    if as_json:
        show_json(workers)
    elif not workers:
        note("There are no workers. Start one with `tablao worker`.")
    else:
        show_list(("ID", "STATUS", "SEEN", "NAME", "TASK"), map(_row, workers), spare=("SEEN",))
        for worker in workers:
            for aside in worker.get("set_aside", ()):
                say(f"{worker['name']} is set aside: {why_aside(aside)}")


def _row(worker: dict[str, Any]) -> Sequence[object]:
    tasks = "; ".join(f"{task['name']} of {task['job_name']}" for task in worker["tasks"])
    seen, name = ago(worker["last_seen"] or ""), worker["name"]
    return worker["id"][:8], status_word(worker), seen, name, tasks
