"""`tablao tags …`: the worker tags of the farm."""

from typing import Annotated

import typer

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.console import note, say, show_json, show_list
from manager_api.cli.identify import tag_id

app = typer.Typer(no_args_is_help=True, help="Worker tags: which jobs are for which workers.")

_TAGS, _TAG = "/api/v3/worker-mgt/tags", "/api/v3/worker-mgt/tag"

TagId = Annotated[str, typer.Argument(metavar="TAG", help="Its id or its name.")]
Description = Annotated[str | None, typer.Option(help="Its purpose.", show_default=False)]


@app.command("list")
def list_tags(manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List the worker tags."""
    with Manager(manager) as farm:
        tags = farm.get(_TAGS)["tags"]
    if as_json:
        show_json(tags)
    elif not tags:
        note("There are no worker tags.")
    else:
        rows = ((tag["id"][:8], tag["name"], tag.get("description") or "") for tag in tags)
        show_list(("ID", "NAME", "DESCRIPTION"), rows)


@app.command()
def create(
    name: Annotated[str, typer.Argument()],
    description: Description = None,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Create a worker tag, and print its id."""
    with Manager(manager) as farm:
        made = farm.post(_TAGS, {"name": name, "description": description or ""})
    say(made["id"])


@app.command()
def rename(
    tag: TagId,
    name: Annotated[str, typer.Argument()],
    description: Description = None,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Rename a worker tag. Without --description it keeps its description."""
    body = {"name": name} if description is None else {"name": name, "description": description}
    with Manager(manager) as farm:
        found = tag_id(farm, tag)
        farm.put(f"{_TAG}/{found}", body)
    say(f"Tag {found} is now named {name}.")


@app.command()
def delete(
    tag: TagId,
    force: Annotated[
        bool,
        typer.Option("--force", help="Even if unfinished jobs have it; any worker may run them."),
    ] = False,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Delete a worker tag. Workers and jobs lose it."""
    with Manager(manager) as farm:
        found = tag_id(farm, tag)
        farm.delete(f"{_TAG}/{found}?force=true" if force else f"{_TAG}/{found}")
    say(f"Deleted tag {found}.")
