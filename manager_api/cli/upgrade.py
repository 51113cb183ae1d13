"""`tablao worker upgrade`: orders workers to install the manager's version, while they render."""

from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from manager_api.cli.client import DEFAULT_URL, Manager, ManagerUrl, Refused
from manager_api.cli.console import CommandError, note, say
from manager_api.cli.identify import worker_id

#: Statuses of refusals that say nothing of the other workers.
_OF_ONE_WORKER = frozenset({404, 409})


def upgrade_workers(
    workers: Annotated[
        list[str] | None, typer.Argument(metavar="ID…", help="Their ids or their names.")
    ] = None,
    all_older: Annotated[
        bool, typer.Option("--all", help="All workers that are older than the manager.")
    ] = False,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Upgrade workers to the manager's version. They render meanwhile."""
    if bool(workers) == all_older:
        raise CommandError("Say which workers to upgrade, or --all.")
    with Manager(manager) as farm:
        named = _older(farm) if all_older else _named(farm, workers or ())
        if not named:
            note("No worker is older than the manager.")
        refused = [each for found, each in named.items() if not _is_ordered(farm, found, each)]
    if refused:
        raise CommandError(f"{len(refused)} of {len(named)} workers cannot be upgraded.")
    if named:
        note("`tablao versions` shows which version each worker has, and why an upgrade failed.")


def _older(farm: Manager) -> Mapping[str, str]:
    """Return the names of the workers that are older than the manager, by id."""
    groups = farm.get("/api/tablao/v1/versions")["workers"]
    older = [each for group in groups if group["standing"] == "older" for each in group["workers"]]
    return {worker["id"]: worker["name"] for worker in older}


def _named(farm: Manager, workers: Iterable[str]) -> Mapping[str, str]:
    """Return what the user typed for each worker, by its id."""
    return {worker_id(farm, each): each for each in workers}


def _is_ordered(farm: Manager, worker: str, name: str) -> bool:
    """Order one worker's upgrade, and say what the manager has answered.

    Raises:
        Refused: the manager lets nobody with these credentials do it, or has failed.
    """
    try:
        farm.post(f"/api/tablao/v1/workers/{worker}/upgrade", None)
    except Refused as refusal:
        if refusal.status_code not in _OF_ONE_WORKER:
            raise
        say(f"{name}: {refusal}")
        return False
    say(f"{name}: it installs the manager's version.")
    return True
