"""`tablao shaman gc`: deletes files of the Shaman storage that no checkout uses."""

from typing import Annotated, Any

import typer

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.console import say, show_json

#: The manager needs long to look through a large store on a slow network.
_PATIENCE_S = 3600.0

app = typer.Typer(help="The files that jobs were sent with.", no_args_is_help=True)


@app.command("gc")
def collect_garbage(
    show: Annotated[bool, typer.Option("--show", help="Delete nothing, only report.")] = False,
    manager: ManagerUrl = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Delete stored files that are old and in no checkout, as the manager does once a day."""
    with Manager(manager, timeout_s=_PATIENCE_S) as farm:
        found = farm.post("/api/tablao/v1/shaman/collect-garbage", {"is_trial": show})
    if as_json:
        show_json(found)
    else:
        say(_sentence(found, "Would delete" if show else "Deleted"))


def _sentence(found: dict[str, Any], did: str) -> str:
    megabytes = found["deleted_bytes"] / 1e6
    return (
        f"{did} {found['deleted_files']} files, {megabytes:.1f} MB. "
        f"Kept: {found['kept_in_use']} that checkouts use, {found['kept_recent']} that are recent."
    )
