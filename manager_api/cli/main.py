"""The `tablao` command: its verbs, and the place where an error is printed as a sentence."""

import os
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from manager_api.cli.console import CommandError, note
from manager_api.cli.verbs import Verb

_START, _JOBS, _WORKERS = "Start", "Jobs", "Workers"
_MANAGER, _ACCESS = "Manager", "Who you are"

VERBS = (
    Verb(
        "up",
        "farm:up",
        "Run a farm on this machine until Ctrl-C: Temporal, the manager and workers.",
        _START,
    ),
    Verb(
        "manager",
        "farm:manager",
        "Run the manager alone, with its Temporal.",
        _START,
    ),
    Verb(
        "worker",
        "worker:app",
        "Render for a manager (what `tablao-worker` does), or with a verb: look after a worker.",
        _START,
    ),
    Verb(
        "demo",
        "demo:demo",
        "Render a small animation on a farm of one machine, and show where everything is.",
        _START,
    ),
    Verb(
        "service",
        "service:app",
        "Run the manager or a worker as a service: with the machine, and again after a crash.",
        _START,
    ),
    Verb(
        "submit",
        "submit:submit",
        "Give the farm a job.",
        _JOBS,
    ),
    Verb(
        "jobs",
        "job_deletion:app",
        "All jobs: list them, delete old ones.",
        _JOBS,
    ),
    Verb(
        "job",
        "job:app",
        "One job: show it, read its log, change it.",
        _JOBS,
    ),
    Verb(
        "task",
        "tasks:app",
        "One task: show it, read its log, change it.",
        _JOBS,
    ),
    Verb(
        "job-types",
        "job_types:app",
        "Job types: list them, try one out. Needs no manager.",
        _JOBS,
    ),
    Verb(
        "workers",
        "workers:list_workers",
        "List the farm's workers.",
        _WORKERS,
    ),
    Verb(
        "tags",
        "tags:app",
        "Worker tags: which jobs are for which workers.",
        _WORKERS,
    ),
    Verb(
        "shaman",
        "shaman:app",
        "The files that jobs were sent with.",
        _JOBS,
    ),
    Verb(
        "worker-settings",
        "worker_settings:app",
        "What the farm sets for its workers: Blender builds, environment, task types, slots.",
        _WORKERS,
    ),
    Verb(
        "doctor",
        "doctor:doctor",
        "Look whether the farm is well; say what is wrong with it, and what to do.",
        _MANAGER,
    ),
    Verb(
        "versions",
        "versions:versions",
        "Which version each part of the farm has, and what to upgrade.",
        _MANAGER,
    ),
    Verb(
        "config",
        "configuration:app",
        "The manager's settings.",
        _MANAGER,
    ),
    Verb(
        "notify",
        "notify:app",
        "Webhooks: list them, try one, send again.",
        _MANAGER,
    ),
    Verb(
        "tls",
        "tls:app",
        "HTTPS for the manager: an authority of the farm's own, and certificates by it.",
        _MANAGER,
    ),
    Verb(
        "backup",
        "backup:backup",
        "Write a backup of the farm into one file. The farm may run meanwhile.",
        _MANAGER,
    ),
    Verb(
        "restore",
        "backup:restore",
        "Make a new data directory from a backup, or check a backup.",
        _MANAGER,
    ),
    Verb(
        "import-flamenco",
        "import_flamenco:import_flamenco",
        "Carry over workers, tags, schedules, jobs and settings of a Flamenco 3 Manager.",
        _MANAGER,
    ),
    Verb(
        "login",
        "login:login",
        "Log in to a manager, and keep a token for later commands in a file of this user.",
        _ACCESS,
    ),
    Verb(
        "logout",
        "login:logout",
        "Forget the token of `tablao login`, and remove it at the manager.",
        _ACCESS,
    ),
    Verb(
        "whoami",
        "login:whoami",
        "Show who you are to a manager, and what you may do.",
        _ACCESS,
    ),
    Verb(
        "login-link",
        "login:login_link",
        "Print a link that logs a browser in as administrator, once, within ten minutes.",
        _ACCESS,
    ),
    Verb(
        "tunnel",
        "tunnel:tunnel",
        "Reach the farm's Temporal, for scripts and `temporal`, until Ctrl-C.",
        _MANAGER,
    ),
)


class Tablao(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for verb in VERBS:
            self.add_command(verb)

    # Typer's own context type is not public.
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CommandError as refusal:
            note(f"Error: {refusal}")
            raise typer.Exit(1) from None


app = typer.Typer(
    name="tablao",
    cls=Tablao,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


# Without a callback, Typer does not make a group of an app that has no commands of its own.
@app.callback()
def tablao(
    pin: Annotated[
        str,
        typer.Option(
            metavar="sha256:…",
            help="Of the manager's certificate or its authority (`tablao tls show`); "
            "else the environment's TABLAO_PIN.",
        ),
    ] = "",
) -> None:
    """A render farm for Blender: start one, give it jobs, see what they do."""
    if pin:
        os.environ["TABLAO_PIN"] = pin


def main() -> None:
    app()


if __name__ == "__main__":
    main()
