"""`tablao job comment` and `tablao worker comment`: print comments, or write one."""

from typing import Annotated, Any

import typer

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl
from manager_api.cli.console import ago, note, say, show_json
from manager_api.cli.identify import job_id, worker_id
from manager_api.cli.jobs import JobId

Text = Annotated[
    str, typer.Argument(metavar="TEXT", help="Markdown. Without it, the comments are printed.")
]


def comment_on_job(
    job: JobId, text: Text = "", manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """Print the comments on a job, or write one."""
    with Manager(manager) as farm:
        _print_or_write(farm, f"/api/tablao/v1/jobs/{job_id(farm, job)}/comments", text, as_json)


def comment_on_worker(
    worker: Annotated[str, typer.Argument(metavar="ID", help="Its id or its name.")],
    text: Text = "",
    manager: ManagerUrl = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Print the comments on a worker, or write one."""
    with Manager(manager) as farm:
        found = worker_id(farm, worker)
        _print_or_write(farm, f"/api/tablao/v1/workers/{found}/comments", text, as_json)


def _print_or_write(farm: Manager, address: str, text: str, as_json: bool) -> None:
    if text:
        written = farm.post(address, {"text": text})
        if as_json:
            show_json(written)
        return
    comments = farm.get(address)["comments"]
    if as_json:
        show_json(comments)
    elif not comments:
        note("There are no comments.")
    for each in [] if as_json else comments:
        say(f"{_heading(each)}\n{each['text']}\n")


def _heading(comment: dict[str, Any]) -> str:
    edited = ", edited" if comment.get("edited") else ""
    return f"== {comment['author']}, {ago(comment['created'])} ago{edited}"
