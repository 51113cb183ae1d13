"""`tablao worker` without a verb: this process becomes a worker host."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from manager_api.cli.supervise import host_command

HostManager = Annotated[
    str | None,
    typer.Option(
        envvar="TABLAO_MANAGER", help="Its address.", show_default="one in the local networks"
    ),
]
HostDataDir = Annotated[Path | None, typer.Option(help="Where the worker keeps its files.")]
HostName = Annotated[
    str | None, typer.Option(help="What the farm calls it.", show_default="host name")
]


def become_host(manager: str | None, data_dir: Path | None, name: str | None) -> NoReturn:
    """Render for a manager; what `tablao-worker` does."""
    sys.stdout.flush()
    os.execv(sys.executable, host_command(manager, data_dir, name))
