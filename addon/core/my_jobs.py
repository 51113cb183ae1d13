"""Fetches the artist's jobs and the farm's status from the manager, and changes jobs."""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from .answers import understood
from .manager import Manager, ManagerError

_ENDED = frozenset({"completed", "canceled", "failed"})
_CAN_CANCEL = frozenset({"active", "queued", "paused", "pause-requested", "under-construction"})
_CAN_PAUSE = frozenset({"active", "queued"})
_CAN_RESUME = frozenset({"paused"})
_WAITING = frozenset({"queued", "active"})
#: The API can only list all jobs at once, and a farm may have ten thousand. So that each artist
#: takes a twentieth of the manager's time, the next list is due 20 times the duration of the last
#: one later, but after a minute at the latest.
_REST_SHARE = 20
_LONGEST_REST_S = 60.0
#: Until the list is due, at most this many jobs are asked for one by one.
_MOST_ALONE = 10


@dataclass(frozen=True)
class MyJob:
    id: str
    name: str
    status: str
    """The API's word for the status."""
    job_type: str
    priority: int
    created: str
    """A time in ISO 8601."""
    updated: str
    activity_text: str
    """The last event, for people."""
    progress: float | None
    """From 0 to 1; None: not known yet."""
    user_name: str = ""
    project: str = ""
    comment: str = ""
    tasks_stuck: int = 0
    """How many of its tasks give no sign of life."""
    waiting: str = ""
    """Why no worker is at work on it, in a sentence."""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)

    @property
    def has_ended(self) -> bool:
        return self.status in _ENDED

    @property
    def can_cancel(self) -> bool:
        return self.status in _CAN_CANCEL

    @property
    def can_pause(self) -> bool:
        return self.status in _CAN_PAUSE

    @property
    def can_resume(self) -> bool:
        return self.status in _CAN_RESUME

    @property
    def render_output_path(self) -> str:
        """The frames' path, as the submitter's platform sees it; `######` stands for a number."""
        return str(self.settings.get("render_output_path") or "")


@dataclass(frozen=True)
class FarmStatus:
    status: str
    """`active`, `idle`, `waiting`, `asleep`, `inoperative`, `starting` or `unknown`."""
    workers_awake: int
    workers: int
    jobs_waiting: int
    """The number of queued or active jobs of all users."""

    def __str__(self) -> str:
        workers = f"{self.workers_awake} of {self.workers} workers awake"
        jobs = "1 job" if self.jobs_waiting == 1 else f"{self.jobs_waiting} jobs"
        return f"Farm {self.status}: {workers}, {jobs} in the queue"


@dataclass(frozen=True)
class Overview:
    """The farm's status and the artist's jobs at one time."""

    farm: FarmStatus
    jobs: tuple[MyJob, ...]
    """The artist's jobs, newest first."""
    list_due_at: float = 0.0
    """When all jobs may be asked for again, by the monotonic clock."""


def overview(
    manager: Manager,
    user_name: str,
    *,
    also: Iterable[str] = (),
    limit: int = 50,
    before: Overview | None = None,
) -> Overview:
    """Fetch the farm's status and the artist's jobs.

    Args:
        user_name: the artist's name in the jobs' metadata.
        also: ids of further jobs, such as those submitted in this session.
        limit: the most jobs that are returned.
        before: the last overview of the same jobs. Until its `list_due_at`, only its jobs that
            have not ended, and new ones of `also`, are fetched.

    Raises:
        ManagerError: the manager is not reached, or refuses.
    """
    with understood(manager):
        if before is not None and time.monotonic() < before.list_due_at:
            return _renewed(manager, before, tuple(also), limit)
        began = time.monotonic()
        jobs = manager.get("/api/v3/jobs")["jobs"]
        now = time.monotonic()
        return Overview(
            _farm(manager, sum(each["status"] in _WAITING for each in jobs)),
            _mine(jobs, user_name, frozenset(also), limit),
            now + min(_LONGEST_REST_S, _REST_SHARE * (now - began)),
        )


def job_summary(manager: Manager, job_id: str) -> MyJob:
    """Fetch a job.

    Raises:
        ManagerError: the manager is not reached, or has no such job.
    """
    with understood(manager):
        return summary_of(manager.get(_job(job_id)))


def summary_of(job: Mapping[str, Any]) -> MyJob:
    """Make a `MyJob` of a job in the manager's answer."""
    metadata = job.get("metadata") or {}
    status, total = str(job["status"]), int(job.get("steps_total") or 0)
    done = min(1.0, int(job.get("steps_completed") or 0) / total) if total else None
    return MyJob(
        id=str(job["id"]),
        name=str(job["name"]),
        status=status,
        job_type=str(job["type"]),
        priority=int(job["priority"]),
        created=str(job["created"]),
        updated=str(job["updated"]),
        activity_text=str(job.get("activity") or ""),
        progress=1.0 if status == "completed" else done,
        user_name=str(metadata.get("user.name", "")),
        project=str(metadata.get("project", "")),
        comment=str(metadata.get("comment", "")),
        tasks_stuck=int(job.get("tasks_stuck") or 0),
        waiting=str(job.get("waiting") or ""),
        settings=job.get("settings") or {},
    )


def age_told(created: str, now: datetime) -> str:
    """Return how long ago a time in ISO 8601 was, for a list: `now`, `5 min`, `3 h`, `12 d`.

    Returns:
        An empty text, if the time is not understood.
    """
    # Python 3.10, which Blender 3.4 has, reads neither Z nor fractions of every length.
    plain = re.sub(r"\.\d+", "", created).replace("Z", "+00:00")
    try:
        age_s = (now - datetime.fromisoformat(plain)).total_seconds()
    except (ValueError, TypeError):
        return ""
    for unit, unit_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if age_s >= unit_s:
            return f"{age_s // unit_s:.0f} {unit}"
    return "now"


def thumbnail(manager: Manager, job_id: str) -> bytes | None:
    """Fetch the last-rendered frame as a small JPEG; return None if there is none yet.

    Raises:
        ManagerError: the manager is not reached, or refuses.
    """
    told = manager.get(f"{_job(job_id)}/last-rendered")
    with understood(manager):
        if not told or not told.get("suffixes"):
            return None
        suffixes = [str(each) for each in told["suffixes"]]
        suffix = next((each for each in suffixes if "tiny" in each), suffixes[-1])
        # Use only the path: the manager may name another host than the one that we reach.
        base = urlsplit(str(told["base"])).path.rstrip("/")
    try:
        return manager.bytes_of(manager.path_below(f"{base}/{quote(suffix)}"))
    except ManagerError as error:
        if error.status == 404:
            return None
        raise


def reasons_of(manager: Manager, job_id: str) -> tuple[str, ...]:
    """Return why tasks of a job failed or wait, then their warnings, the most frequent first.

    Returns:
        Nothing, if the manager does not tell, as Flamenco and older managers of Tablao.

    Raises:
        ManagerError: the manager is not reached, or refuses.
    """
    address = f"/api/tablao/v1/jobs/{quote(job_id, safe='')}/reasons"
    try:
        with understood(manager):
            found = manager.get(address)
            warnings = (f"Warning in {_reason(each)}" for each in found.get("warnings", ()))
            return (*map(_reason, found["reasons"]), *warnings)
    except ManagerError as error:
        if error.status != 404:
            raise
        return ()


def _reason(like: Mapping[str, Any]) -> str:
    count = int(like["tasks"])
    return f"{count} task{'' if count == 1 else 's'}: {like['text']}"


def cancel_job(manager: Manager, job_id: str) -> None:
    _ask_for(manager, job_id, "cancel-requested", "Canceled in Blender")


def pause_job(manager: Manager, job_id: str) -> None:
    _ask_for(manager, job_id, "pause-requested", "Paused in Blender")


def resume_job(manager: Manager, job_id: str) -> None:
    _ask_for(manager, job_id, "queued", "Resumed in Blender")


def job_page(manager: Manager, job_id: str) -> str:
    """Return the URL of the job's page in the dashboard."""
    return manager.page(f"/app/jobs/{quote(job_id, safe='')}")


def _ask_for(manager: Manager, job_id: str, status: str, reason: str) -> None:
    change = {"status": status, "reason": reason}
    manager.request("POST", f"{_job(job_id)}/setstatus", json=change)


def _farm(manager: Manager, jobs_waiting: int) -> FarmStatus:
    status = manager.get("/api/v3/status")
    workers = manager.get("/api/v3/worker-mgt/workers")["workers"]
    return FarmStatus(
        status=str(status["status"]),
        workers_awake=sum(each["status"] == "awake" for each in workers),
        workers=len(workers),
        jobs_waiting=jobs_waiting,
    )


def _renewed(manager: Manager, before: Overview, also: tuple[str, ...], limit: int) -> Overview:
    jobs: dict[str, MyJob | None] = {job.id: job for job in before.jobs}
    new = [job_id for job_id in also if job_id not in jobs]
    going_on = [job.id for job in before.jobs if not job.has_ended]
    for job_id in [*new, *going_on][:_MOST_ALONE]:
        jobs[job_id] = _if_there(manager, job_id)
    there = [job for job in jobs.values() if job is not None]
    newest_first = sorted(there, key=lambda job: job.created, reverse=True)
    farm = _farm(manager, before.farm.jobs_waiting)
    return Overview(farm, tuple(newest_first[:limit]), before.list_due_at)


def _if_there(manager: Manager, job_id: str) -> MyJob | None:
    try:
        return job_summary(manager, job_id)
    except ManagerError as error:
        if error.status != 404:
            raise
        return None


def _mine(
    jobs: Iterable[Mapping[str, Any]], user_name: str, also: frozenset[str], limit: int
) -> tuple[MyJob, ...]:
    mine = [
        each
        for each in jobs
        if each["id"] in also or (each.get("metadata") or {}).get("user.name") == user_name
    ]
    newest_first = sorted(mine, key=lambda each: str(each["created"]), reverse=True)
    return tuple(map(summary_of, newest_first[:limit]))


def _job(job_id: str) -> str:
    return f"/api/v3/jobs/{quote(job_id, safe='')}"
