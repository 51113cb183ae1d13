"""The `tablao` command: its verbs, and the edge where a refusal becomes a sentence."""

from typing import Any

import typer
from typer.core import TyperGroup

from manager_api.cli import (
    demo,
    farm,
    import_flamenco,
    jobs,
    shaman,
    submit,
    tasks,
    tunnel,
    worker_settings,
    workers,
)
from manager_api.cli.console import CommandError, note


class SentencesNotTracebacks(TyperGroup):
    # Typer's own context type is not a public one.
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CommandError as refusal:
            note(f"Error: {refusal}")
            raise typer.Exit(1) from None


app = typer.Typer(
    name="tablao",
    help="A render farm for Blender: start one, give it jobs, see what they do.",
    cls=SentencesNotTracebacks,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(farm.up)
app.command()(farm.manager)
app.command()(farm.worker)
app.command()(submit.submit)
app.command("jobs")(jobs.list_jobs)
app.add_typer(jobs.app, name="job")
app.add_typer(tasks.app, name="task")
app.command("workers")(workers.list_workers)
app.command()(workers.worker_status)
app.add_typer(shaman.app, name="shaman")
app.add_typer(worker_settings.app, name="worker-settings")
app.command()(import_flamenco.import_flamenco)
app.command()(tunnel.tunnel)
app.command()(demo.demo)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
