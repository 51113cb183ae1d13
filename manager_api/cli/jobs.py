"""`tablao jobs` and `tablao job …`: look at jobs and change them."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from manager_api.cli.client import DEFAULT_URL, AsJson, Manager, ManagerUrl, default_reason
from manager_api.cli.console import ago, note, say, shortened, show_fields, show_json, show_list
from manager_api.cli.identify import job_id
from manager_api.cli.times_left import left, times_left
from workflows.domain.messages import FramesOnRequeue

app = typer.Typer(no_args_is_help=True, help="One job: show it, read its log, change it.")

JobId = Annotated[str, typer.Argument(metavar="ID", help="Its id, or enough of its beginning.")]
Frames = Annotated[
    FramesOnRequeue | None,
    typer.Option(
        help="Keep the frames that are there, or render them again. "
        "Default: completed tasks render them again, other ones keep them."
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="The reason that users see with the job.")]


def list_jobs(manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List the farm's jobs, newest first."""
    with Manager(manager) as farm:
        jobs = farm.get("/api/v3/jobs")["jobs"]
        times = {} if as_json else times_left(farm)
    jobs.sort(key=lambda job: job["created"], reverse=True)
    if as_json:
        show_json(jobs)
    elif not jobs:
        note("There are no jobs.")
    else:
        show_list(
            ("ID", "STATUS", "STEPS", "LEFT", "PRIO", "AGE", "USER", "PROJECT", "NAME"),
            (_row(job, times) for job in jobs),
            spare=("PRIO", "USER", "LEFT", "PROJECT", "AGE"),
        )
        for job in jobs:
            if job.get("waiting"):
                say(f"{job['id'][:8]} waits: {job['waiting']}")


@app.command()
def show(job: JobId, manager: ManagerUrl = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show a job and its tasks."""
    with Manager(manager) as farm:
        found = job_id(farm, job)
        details = farm.get(f"/api/v3/jobs/{found}")
        tasks = tasks_of(farm, found)
        reasons = farm.get(f"/api/tablao/v1/jobs/{found}/reasons")
        stuck = farm.get(f"/api/tablao/v1/jobs/{found}/progress")["stuck"]
        times = times_left(farm)
    if as_json:
        more = {"tasks": tasks, **reasons, "stuck": stuck, "time_left": times.get(found)}
        show_json({**details, **more})
        return
    metadata = details.get("metadata") or {}
    since = {task["index_in_job"]: task["silent_since"] for task in stuck}
    show_fields(
        [
            ("job", details["name"]),
            ("id", details["id"]),
            ("type", details["type"]),
            ("status", _job_status(details)),
            ("activity", details["activity"]),
            ("priority", details["priority"]),
            ("steps", steps(details)),
            ("left", left(details, times)),
            ("submitted", f"{details['created']} ({ago(details['created'])})"),
            ("user", metadata.get("user.name")),
            ("project", metadata.get("project")),
            ("comment", metadata.get("comment")),
            ("output", details.get("settings", {}).get("render_output_path")),
            *(("waits", _why_it_waits(each)) for each in reasons["waiting"]),
            *(("why", f"{count_of(each)}: {each['text']}") for each in reasons["reasons"]),
            *(
                ("warning", f"{count_of(each)}: {each['text']} ({_times(each['count'])})")
                for each in reasons["warnings"]
            ),
        ]
    )
    say()
    show_list(
        ("TASK", "STATUS", "STEPS", "WORKER", "NAME"),
        (
            (
                t["id"][:8],
                _status(t, since.get(t["index_in_job"])),
                steps(t),
                (t.get("worker") or {}).get("name", ""),
                t["name"],
            )
            for t in tasks
        ),
    )


@app.command()
def log(
    job: JobId,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only tasks that failed and have not succeeded since.")
    ] = False,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Print the end of each task's log of a job. `tablao task log` prints a whole log."""
    with Manager(manager) as farm:
        tasks = tasks_of(farm, job_id(farm, job))
        wanted = (t for t in tasks if not failed or _has_failed(farm, t))
        printed = sum(print_log_tail(farm, task) for task in wanted)
    if not printed:
        note("No task of this job has written a log yet." if not failed else "No task failed.")


@app.command()
def cancel(job: JobId, reason: Reason = "", manager: ManagerUrl = DEFAULT_URL) -> None:
    """Cancel a job, and stop its running tasks."""
    _set_status(manager, job, "cancel-requested", "Canceled", reason)


@app.command()
def pause(job: JobId, reason: Reason = "", manager: ManagerUrl = DEFAULT_URL) -> None:
    """Pause a job: its running tasks finish, and no other task starts."""
    _set_status(manager, job, "pause-requested", "Paused", reason)


@app.command()
def resume(job: JobId, reason: Reason = "", manager: ManagerUrl = DEFAULT_URL) -> None:
    """Resume a paused job."""
    _set_status(manager, job, "queued", "Resumed", reason)


@app.command()
def requeue(
    job: JobId,
    failed: Annotated[bool, typer.Option("--failed", help="Only its failed tasks.")] = False,
    frames: Frames = None,
    reason: Reason = "",
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Run all tasks of a job again that are not finished; of a completed job, all of them."""
    with Manager(manager) as farm:
        found = job_id(farm, job)
        actions = f"/api/tablao/v1/jobs/{found}/actions"
        asked = {
            "action": "requeue-failed" if failed else "requeue",
            "reason": reason or f"Requeued {default_reason()}",
        }
        if frames:
            asked["frames"] = str(frames)
        possible = farm.get(actions)["actions"]
        farm.post(actions, asked)
        _tell(farm, found)
        for each in possible:
            if each["action"] == asked["action"]:
                say(f"To run again: {_by_status(each['tasks'])}.")


@app.command()
def priority(
    job: JobId,
    value: Annotated[int, typer.Argument(min=0, max=100, metavar="0..100")],
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Change a job's priority; a higher one goes first."""
    with Manager(manager) as farm:
        found = job_id(farm, job)
        farm.post(f"/api/v3/jobs/{found}/setpriority", {"priority": value})
    say(f"Job {found} has priority {value}.")


def _by_status(tasks: dict[str, int]) -> str:
    """Return a text such as `1 failed and 4 canceled tasks`."""
    parts = [f"{count} {status}" for status, count in sorted(tasks.items())]
    *others, last = parts or ["no"]
    noun = "task" if sum(tasks.values()) == 1 else "tasks"
    return f"{', '.join(others)} and {last} {noun}" if others else f"{last} {noun}"


def _row(job: dict[str, Any], times: dict[str, dict[str, Any]]) -> Sequence[object]:
    metadata = job.get("metadata") or {}
    user, project = (shortened(metadata.get(key, ""), 10) for key in ("user.name", "project"))
    status, age = _job_status(job), ago(job["created"])
    about = (job["priority"], age, user, project, job["name"])
    return job["id"][:8], status, steps(job), left(job, times, "?"), *about


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def count_of(like: dict[str, Any]) -> str:
    return _tasks(like["tasks"])


def _tasks(count: int) -> str:
    return f"{count} task{'' if count == 1 else 's'}"


def _job_status(job: dict[str, Any]) -> str:
    stuck = job.get("tasks_stuck")
    return f"{job['status']}, {_tasks(stuck)} stuck" if stuck else str(job["status"])


def _status(task: dict[str, Any], silent_since: str | None) -> str:
    return f"{task['status']}, stuck since {silent_since}" if silent_since else str(task["status"])


def _why_it_waits(waiting: dict[str, Any]) -> str:
    tasks = waiting["tasks"]
    return f"{_tasks(tasks)}: {waiting['sentence']}" if tasks else str(waiting["sentence"])


def steps(item: dict[str, Any]) -> str:
    return f"{item['steps_completed']}/{item['steps_total']}"


def tasks_of(farm: Manager, found: str) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = farm.get(f"/api/v3/jobs/{found}/tasks")["tasks"]
    return sorted(tasks, key=lambda task: task["index_in_job"])


def _has_failed(farm: Manager, task: dict[str, Any]) -> bool:
    if task["status"] in ("failed", "soft-failed"):
        return True
    # A task that has failed may have another status now: canceled, because its job failed before
    # the task's last try, or queued for another try.
    if task["status"] == "completed" or not (task.get("worker") or {}).get("id"):
        return False
    return bool(farm.get(f"/api/v3/tasks/{task['id']}").get("failed_by_workers"))


def print_log_tail(farm: Manager, task: dict[str, Any]) -> bool:
    """Print the end of a task's log. Return False if the task has no log."""
    tail = farm.text(f"/api/v3/tasks/{task['id']}/logtail")
    if tail:
        say(f"== {task['name']} ({task['status']}, {task['id']})")
        say(tail.rstrip("\n"))
    return bool(tail)


def _set_status(manager: str, job: str, status: str, deed: str, reason: str) -> None:
    with Manager(manager) as farm:
        found = job_id(farm, job)
        body = {"status": status, "reason": reason or f"{deed} {default_reason()}"}
        farm.post(f"/api/v3/jobs/{found}/setstatus", body)
        _tell(farm, found)


def _tell(farm: Manager, found: str) -> None:
    say(f"Job {found} is now {farm.get(f'/api/v3/jobs/{found}')['status']}.")
