"""`tablao workers`: lists the farm's workers."""

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.console import note, say, show_json, show_table
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
        show_table(
            ("ID", "STATUS", "VERSION", "LAST SEEN", "NAME"),
            (
                (w["id"][:8], status_word(w), w["version"], w["last_seen"] or "", w["name"])
                for w in workers
            ),
        )
        for worker in workers:
            for aside in worker.get("set_aside", ()):
                say(f"{worker['name']} is set aside: {why_aside(aside)}")
