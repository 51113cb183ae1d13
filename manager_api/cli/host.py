"""`tablao worker` without a verb: replaces this process by a worker host."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from manager_api.cli.supervise import host_command

HostManager = Annotated[
    str | None,
    typer.Option(
        envvar="TABLAO_MANAGER",
        help="The manager's address.",
        show_default="one in the local networks",
    ),
]
HostPin = Annotated[
    str | None,
    typer.Option(
        "--pin",
        envvar="TABLAO_PIN",
        metavar="sha256:…",
        help="Of the manager's certificate or its authority.",
    ),
]
HostDataDir = Annotated[Path | None, typer.Option(help="The folder for the worker's files.")]
HostName = Annotated[
    str | None, typer.Option(help="The worker's name in the farm.", show_default="host name")
]


def become_host(
    manager: str | None, data_dir: Path | None, name: str | None, pin: str | None
) -> NoReturn:
    """Replace this process by a worker host, as `tablao-worker` is."""
    sys.stdout.flush()
    os.execv(sys.executable, host_command(manager, data_dir, name, pin))
