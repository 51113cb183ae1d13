"""`tablao service`: the manager or the worker as a service of this machine."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from activities.services import requests
from activities.services.definition import Program, ServiceError
from activities.services.requests import Wish
from manager_api.cli.console import CommandError, say

app = typer.Typer(
    no_args_is_help=True,
    help="Run the manager or a worker as a service: with the machine, and again after a crash.",
)

Which = Annotated[Program, typer.Argument(help="What runs as a service.", metavar="PROGRAM")]
ForUser = Annotated[bool, typer.Option("--user", help="Your own, without an administrator.")]
ForSystem = Annotated[bool, typer.Option("--system", help="The machine's; the default of root.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the file and the commands, and do nothing.")
]


@app.command()
def install(
    program: Which,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            help="The program's own options, after `--`: `-- --host 0.0.0.0 --port 8080` of a "
            "manager, `-- --manager https://farm --slots 2` of a worker.",
        ),
    ] = None,
    user: ForUser = False,
    system: ForSystem = False,
    run_as: Annotated[
        str,
        typer.Option(
            metavar="USER",
            help="Whose rights a service of the machine has.",
            show_default="who called sudo, or else the user tablao",
        ),
    ] = "",
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="The folder for the program's files.",
            show_default="below /var/lib, or the user's own",
        ),
    ] = None,
    join_token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A file with a join token, which only its owner can read."
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Install and start a service. Installed again, it stays one."""
    with _refusals_in_words():
        for_user = requests.is_for_user(user=user, system=system)
        wish = Wish(program, for_user, run_as, data_dir, join_token_file, tuple(arguments or ()))
        requests.install(wish, say, dry_run=dry_run)


@app.command()
def uninstall(
    program: Which, user: ForUser = False, system: ForSystem = False, dry_run: DryRun = False
) -> None:
    """Stop and remove a service. Its data stays."""
    with _refusals_in_words():
        for_user = requests.is_for_user(user=user, system=system)
        requests.uninstall(program, say, for_user=for_user, dry_run=dry_run)


@app.command()
def status(program: Which, user: ForUser = False, system: ForSystem = False) -> None:
    """Show whether a service runs. The exit code is 1 if it does not."""
    with _refusals_in_words():
        for_user = requests.is_for_user(user=user, system=system)
        is_running = requests.control_here(say, for_user=for_user).status(program)
    raise typer.Exit(0 if is_running else 1)


@app.command()
def start(program: Which, user: ForUser = False, system: ForSystem = False) -> None:
    """Start a service that is installed."""
    with _refusals_in_words():
        for_user = requests.is_for_user(user=user, system=system)
        requests.control_here(say, for_user=for_user).start(program)


@app.command()
def stop(program: Which, user: ForUser = False, system: ForSystem = False) -> None:
    """Stop a service until it is started again, or until the machine starts."""
    with _refusals_in_words():
        for_user = requests.is_for_user(user=user, system=system)
        requests.control_here(say, for_user=for_user).stop(program)


@contextlib.contextmanager
def _refusals_in_words() -> Iterator[None]:
    try:
        yield
    except ServiceError as refusal:
        raise CommandError(str(refusal)) from refusal
