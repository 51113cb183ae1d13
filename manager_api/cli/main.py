"""The `tablao` command: its verbs, and the edge where a refusal becomes a sentence."""

from typing import Any

import typer
from typer.core import TyperGroup

from manager_api.cli import (
    configuration,
    demo,
    farm,
    import_flamenco,
    job_deletion,
    job_types,
    job_workers,
    jobs,
    shaman,
    submit,
    tags,
    tasks,
    tunnel,
    worker,
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
app.add_typer(worker.app, name="worker")
app.command()(submit.submit)
app.add_typer(job_deletion.app, name="jobs")
jobs.app.command("delete")(job_deletion.delete_one)
jobs.app.command("tag")(job_workers.tag)
jobs.app.command("blocklist")(job_workers.blocklist)
app.add_typer(jobs.app, name="job")
app.add_typer(tasks.app, name="task")
app.add_typer(job_types.app, name="job-types")
app.command("workers")(workers.list_workers)
app.add_typer(tags.app, name="tags")
app.add_typer(shaman.app, name="shaman")
app.add_typer(worker_settings.app, name="worker-settings")
app.add_typer(configuration.app, name="config")
app.command()(import_flamenco.import_flamenco)
app.command()(tunnel.tunnel)
app.command()(demo.demo)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
