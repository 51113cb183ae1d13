"""`tablao job tag` and `tablao job blocklist`: choose the workers that may run a job's tasks."""

from typing import Annotated, Any

import typer

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.console import CommandError, note, say, show_json, show_list
from manager_api.cli.identify import job_id, tag_id, worker_id
from manager_api.cli.jobs import JobId


def tag(
    job: JobId,
    tag: Annotated[str, typer.Argument(metavar="TAG", help="Its id or its name.")] = "",
    none: Annotated[bool, typer.Option("--none", help="Any worker may run the job.")] = False,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Let only workers with this tag run a job."""
    if bool(tag) is none:
        raise CommandError("Name a tag, or say --none.")
    with Manager(manager) as farm:
        found = job_id(farm, job)
        farm.post(f"/api/v3/jobs/{found}/settag", {"id": tag_id(farm, tag)} if tag else {})
    say(f"Job {found} is for {f'workers with the tag {tag}' if tag else 'any worker'}.")


def blocklist(
    job: JobId,
    remove: Annotated[
        list[str] | None,
        typer.Option(metavar="WORKER:TYPE", help="Remove this entry from the list. Repeatable."),
    ] = None,
    manager: ManagerUrl = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show the workers that are blocked for a job, with the task types, or remove entries."""
    with Manager(manager) as farm:
        found = job_id(farm, job)
        url = f"/api/v3/jobs/{found}/blocklist"
        if remove:
            farm.delete(url, [_entry(farm, each) for each in remove])
        entries = farm.get(url)
    if as_json:
        show_json(entries)
    elif not entries:
        note("No worker is blocked for this job.")
    else:
        rows = ((e["worker_id"][:8], e["task_type"], e.get("worker_name", "")) for e in entries)
        show_list(("WORKER", "TASK TYPE", "NAME"), rows)


def _entry(farm: Manager, typed: str) -> dict[str, Any]:
    worker, colon, task_type = typed.rpartition(":")
    if not colon or not worker or not task_type:
        raise CommandError(f"'{typed}' is no entry of a blocklist; write it as WORKER:TYPE.")
    return {"worker_id": worker_id(farm, worker), "task_type": task_type}
