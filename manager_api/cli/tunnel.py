"""`tablao tunnel`: opens a port on this machine that leads to the farm's Temporal."""

import asyncio
from typing import Annotated

import typer

from activities.connections.tunnel_client import TUNNEL_PATH, Tunnel
from manager_api.cli.client import DEFAULT_URL, Manager, ManagerUrl
from manager_api.cli.console import CommandError, note, say


def tunnel(
    manager: ManagerUrl = DEFAULT_URL,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port to open; 0: any free one.")
    ] = 7233,
) -> None:
    """Reach the farm's Temporal, for scripts and `temporal`, until Ctrl-C."""
    with Manager(manager) as farm:
        farm.get("/api/v3/version")
        opening = Tunnel(
            f"{farm.url}{TUNNEL_PATH}",
            headers=lambda: farm.headers,
            listen_port=port,
            context=farm.context,
        )
    try:
        asyncio.run(_keep_open(opening, farm.url, port))
    except KeyboardInterrupt:
        note("The tunnel is closed.")


async def _keep_open(opening: Tunnel, url: str, port: int) -> None:
    try:
        async with opening as opened:
            say(opened.address)
            note(
                f"Temporal of {url} is at {opened.address} until you press Ctrl-C. For example:\n"
                f"  temporal workflow list --address {opened.address}\n"
                f'  Client.connect("{opened.address}") in Python'
            )
            await asyncio.Event().wait()
    except OSError as problem:
        raise CommandError(f"Port {port} cannot be opened: {problem}.") from problem
