"""`tablao notify …`: the farm's webhooks, what they were sent, and sending again."""

from typing import Annotated, Any

import typer

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.console import CommandError, ago, note, say, show_json, show_list

app = typer.Typer(no_args_is_help=True, help="Webhooks: list them, try one, send again.")

_WEBHOOKS = "/api/tablao/v1/webhooks"
Webhook = Annotated[str, typer.Argument(metavar="NAME", help="Its name or its id.")]


@app.command("list")
def list_webhooks(manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List the farm's webhooks."""
    with Manager(manager) as farm:
        webhooks = farm.get(_WEBHOOKS)["webhooks"]
    if as_json:
        show_json(webhooks)
    elif not webhooks:
        note("There are no webhooks.")
    else:
        show_list(
            ("NAME", "SHAPE", "STATE", "ADDRESS", "TOLD"),
            (
                (each["name"], each["shape"], _state(each), each["address"], _told(each))
                for each in webhooks
            ),
        )


@app.command("test")
def send_test(webhook: Webhook, manager: ManagerUrl = DEFAULT_URL) -> None:
    """Send a test message to a webhook."""
    with Manager(manager) as farm:
        found = _named(farm, webhook)
        farm.post(f"{_WEBHOOKS}/{found['id']}/test", None)
    say(f"A test is on its way. `tablao notify log {webhook}` says how it ended.")


@app.command()
def log(webhook: Webhook, manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Print what a webhook was sent, newest first, with how each try ended."""
    with Manager(manager) as farm:
        found = _named(farm, webhook)
        deliveries = farm.get(f"{_WEBHOOKS}/{found['id']}/deliveries")["deliveries"]
    if as_json:
        show_json(deliveries)
        return
    if not deliveries:
        note("Nothing was sent yet.")
    for each in deliveries:
        say(f"{each['id']}  {each['state']}  {ago(each['created'])}  {each['title']}")
        for tried in each["tries"]:
            say(f"    {tried['happened']}  {tried['sentence']}")


@app.command()
def resend(
    delivery: Annotated[str, typer.Argument(metavar="ID", help="Of the message: msg_…")],
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Send a message again, with the id that it had."""
    with Manager(manager) as farm:
        farm.post(f"/api/tablao/v1/deliveries/{delivery}/resend", None)
    say(f"{delivery} is sent again.")


def _state(webhook: dict[str, Any]) -> str:
    if not webhook["is_enabled"]:
        return "disabled"
    return "fails" if webhook["trouble"] else "ok"


def _told(webhook: dict[str, Any]) -> str:
    about = f" ({webhook['scope']} {webhook['value']})" if webhook["value"] else ""
    return ", ".join(webhook["kinds"]) + about


def _named(farm: Manager, webhook: str) -> dict[str, Any]:
    """
    Raises:
        CommandError: there is none of this name, or there are several.
    """
    known: list[dict[str, Any]] = farm.get(_WEBHOOKS)["webhooks"]
    found = [each for each in known if webhook in (each["name"], each["id"])]
    if len(found) != 1:
        raise CommandError(f"There is no webhook '{webhook}'." if not found else _SEVERAL)
    return found[0]


_SEVERAL = "Several webhooks have this name: give the id."
