"""`tablao job delete` and `tablao jobs delete`: show what would be deleted, ask, and delete it."""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.console import CommandError, note, say
from manager_api.cli.identify import job_id
from manager_api.cli.jobs import JobId, list_jobs

app = typer.Typer(help="All jobs: list them, delete old ones.")

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Before = Annotated[
    str,
    typer.Option(
        metavar="DATE",
        help="Jobs that have not changed since, in any status: 2026-05-01 or 2026-05-01T18:30.",
    ),
]

_UNFINISHED = frozenset({"queued", "active", "paused", "pause-requested", "requeueing"})
_SHOWN = 10


@app.callback(invoke_without_command=True)
def jobs(
    context: typer.Context, manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """List the farm's jobs, newest first."""
    if context.invoked_subcommand is None:
        list_jobs(manager, as_json)
    elif (source := context.get_parameter_source("manager")) and source.name == "COMMANDLINE":
        # The command would ignore the option, and delete jobs of another farm.
        raise CommandError(f"Give --manager behind '{context.invoked_subcommand}'.")


def delete_one(job: JobId, yes: Yes = False, manager: ManagerUrl = DEFAULT_URL) -> None:
    """Delete a job with its tasks and logs; what it rendered stays."""
    with Manager(manager) as farm:
        found = job_id(farm, job)
        details = farm.get(f"/api/v3/jobs/{found}")
        would = farm.get(f"/api/v3/jobs/{found}/what-would-delete-do")
        say(f"Job {found}, {details['name']} ({details['status']}), would be deleted,")
        say("with its tasks, logs and preview images. What it rendered stays.")
        if would["shaman_checkout"]:
            say("Its files in the Shaman storage would be erased.")
        if details["status"] in _UNFINISHED:
            say("It has not ended, so it would be canceled first.")
        _confirm(yes)
        farm.delete(f"/api/v3/jobs/{found}")
    say("It is being deleted.")


@app.command("delete")
def delete_many(before: Before, yes: Yes = False, manager: ManagerUrl = DEFAULT_URL) -> None:
    """Delete the jobs that have not changed since a date; what they rendered stays."""
    # The manager includes the whole second of a moment, so name the second before.
    until = _moment(before) - timedelta(seconds=1)
    with Manager(manager) as farm:
        old = [
            job
            for job in farm.get("/api/v3/jobs")["jobs"]
            if datetime.fromisoformat(job["updated"]) <= until
        ]
        if not old:
            note("No job is that old.")
            return
        _tell_of(old)
        _confirm(yes)
        farm.delete("/api/v3/jobs/mass-delete", {"last_updated_max": until.isoformat()})
    say("They are being deleted.")


def _tell_of(old: Sequence[dict[str, Any]]) -> None:
    say(f"{len(old)} jobs would be deleted, with their tasks, logs and preview images:")
    for job in old[:_SHOWN]:
        say(f"  {job['id'][:8]}  {job['updated']}  {job['status']:<16}  {job['name']}")
    if len(old) > _SHOWN:
        say(f"  and {len(old) - _SHOWN} more")
    if unfinished := sum(job["status"] in _UNFINISHED for job in old):
        say(f"{unfinished} of them have not ended; they would be canceled first.")
    say("What they rendered stays. Their files in the Shaman storage would be erased.")


def _confirm(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("Nothing was deleted. Give --yes to delete without being asked.")
    if not typer.confirm("Delete?", default=False):
        raise CommandError("Nothing was deleted.")


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise CommandError(f"'{text}' is no date. Say it like 2026-05-01.") from None
