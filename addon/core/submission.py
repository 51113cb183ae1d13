"""Submits a job: the manager checks it, its files are delivered, then the manager takes it."""

import getpass
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .checks import BLENDFILE, needs_blendfile
from .files import Delivered, Route, choose_route, deliver
from .job_types import JobType
from .manager import Manager, ManagerError
from .manager_info import ManagerInfo, SharedStorage
from .platforms import this_platform
from .progress import Canceled, IsCanceled, Progress, never, quiet
from .setting_values import Value

#: A manager needs seconds to make ten thousand tasks.
_SUBMIT_WITHIN_S = 120.0
#: With these statuses the manager has made no job. After other failures it may have made one, which
#: needs its files.
_REFUSED = range(400, 500)
#: The value of `blendfile` for the check, before the files are delivered.
_NOT_YET_DELIVERED = "checked-before-its-files-are-sent.blend"


@dataclass
class Submission:
    """The artist's decisions about a job, from which everything else follows."""

    name: str
    job_type: str
    settings: Mapping[str, Value]
    """Evaluated settings; `blendfile` is set when the file has been delivered."""
    blendfile: Path | None = None
    """The saved file. None: only for job types that have no setting `blendfile`."""
    project_root: Path | None = None
    """Relative paths stay within it; None: the file's folder."""
    priority: int = 50
    worker_tag: str = ""
    """The tag's id; empty: all workers."""
    is_paused: bool = False
    comment: str = ""
    project: str = ""
    """The project's name, for people; empty: none."""
    user_name: str = ""
    """The name of the job's owner; empty: the login name on this machine."""
    blender_version: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Further texts to keep with the job, by dotted names."""


def check_with_manager(manager: Manager, info: ManagerInfo, submission: Submission) -> None:
    """Let the manager check the job, without its files.

    Raises:
        ManagerError: the manager would refuse the job; see `checks.finding_of`.
    """
    job = job_for(info, submission, Delivered(_NOT_YET_DELIVERED))
    manager.with_timeout(_SUBMIT_WITHIN_S).request("POST", "/api/v3/jobs/check", json=job)


def submit(
    manager: Manager,
    info: ManagerInfo,
    submission: Submission,
    progress: Progress = quiet,
    is_canceled: IsCanceled = never,
    *,
    route: Route | None = None,
) -> dict[str, Any]:
    """Deliver the job's files and submit it. Blocks, so do not call it on Blender's main thread.

    Args:
        info: fetched from this manager, not long ago.
        route: the route of the files; None: the one that `choose_route` returns.

    Returns:
        The job, as the manager answers it.

    Raises:
        ManagerError: the manager is not reached, or refuses the job.
        FilesError: files could not be delivered.
        Canceled: `is_canceled` returned True.
    """
    progress("Checking the job with the manager", 0, 0)
    asking = manager.cancelable(is_canceled)
    check_with_manager(asking, info, submission)
    _stop_if(is_canceled)
    delivered, route = deliver_files(asking, info, submission, progress, is_canceled, route)
    # From here on a cancel is ignored: the manager may have made the job already.
    progress("Submitting the job", 0, 0)
    try:
        return send(manager, info, submission, delivered)
    except ManagerError as refusal:
        if is_refusal(refusal):
            take_back(delivered, route, info.storage)
        raise


def send(
    manager: Manager, info: ManagerInfo, submission: Submission, delivered: Delivered
) -> dict[str, Any]:
    """Submit a job whose files are delivered; return it as the manager answers it.

    Raises:
        ManagerError: the manager refuses it (`is_refusal`), or the job may have been made.
    """
    job = job_for(info, submission, delivered)
    try:
        return dict(manager.with_timeout(_SUBMIT_WITHIN_S).post("/api/v3/jobs", job))
    except ManagerError as failure:
        if failure.status is None:
            raise ManagerError(
                f"{failure}. The job may have been submitted all the same: "
                "look before you submit it again"
            ) from failure
        raise


def is_refusal(failure: ManagerError) -> bool:
    """Return whether the manager has surely made no job."""
    return failure.status in _REFUSED


def job_for(info: ManagerInfo, submission: Submission, delivered: Delivered) -> dict[str, Any]:
    """Return the body of the request `submitJob`.

    Raises:
        ManagerError: the manager has no such job type.
    """
    job_type = _job_type(info, submission)
    job: dict[str, Any] = {
        "name": submission.name.strip(),
        "type": job_type.name,
        "type_etag": job_type.etag,
        "priority": submission.priority,
        "settings": dict(submission.settings),
        "metadata": metadata_of(submission),
        "submitter_platform": this_platform(),
        "initial_status": "paused" if submission.is_paused else "queued",
    }
    if needs_blendfile(job_type):
        job["settings"][BLENDFILE] = delivered.blendfile
    if submission.worker_tag:
        job["worker_tag"] = submission.worker_tag
    if delivered.shaman_checkout_id:
        # With this id, deleting the job also deletes the checkout.
        job["storage"] = {"shaman_checkout_id": delivered.shaman_checkout_id}
    return job


def metadata_of(submission: Submission) -> dict[str, str]:
    """Return the job's metadata without empty texts."""
    said = {
        "user.name": submission.user_name.strip() or login_name(),
        "project": submission.project.strip(),
        "comment": submission.comment.strip(),
        "blender.version": submission.blender_version,
        **submission.metadata,
    }
    return {name: str(text) for name, text in said.items() if text}


def login_name() -> str:
    """Return the login name; empty if the system does not know it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _job_type(info: ManagerInfo, submission: Submission) -> JobType:
    job_type = info.job_type(submission.job_type)
    if job_type is None:
        raise ManagerError(f"The manager has no job type “{submission.job_type}”")
    return job_type


def deliver_files(
    manager: Manager,
    info: ManagerInfo,
    submission: Submission,
    progress: Progress,
    is_canceled: IsCanceled,
    route: Route | None = None,
) -> tuple[Delivered, Route | None]:
    """Bring the job's files to the farm; return where they are, and the route that they took.

    Raises:
        ManagerError, FilesError, Canceled: nothing is left behind.
    """
    if submission.blendfile is not None:
        route = route or choose_route(submission.blendfile, info.storage)
    if not needs_blendfile(_job_type(info, submission)):
        return Delivered(""), route
    if submission.blendfile is None or route is None:
        raise ManagerError(f"The job type “{submission.job_type}” needs a saved blend file")
    delivered = deliver(
        route,
        manager=manager,
        storage=info.storage,
        blendfile=submission.blendfile,
        project_root=submission.project_root or submission.blendfile.parent,
        job_name=submission.name,
        progress=progress,
        is_canceled=is_canceled,
    )
    return delivered, route


def take_back(delivered: Delivered, route: Route | None, storage: SharedStorage) -> None:
    """Remove the files that were copied for jobs of which the manager has made none."""
    if route is not Route.COPY or not delivered.blendfile:
        return
    location = Path(storage.location)
    folder = location / Path(delivered.blendfile).relative_to(location).parts[0]
    shutil.rmtree(folder, ignore_errors=True)


def _stop_if(is_canceled: IsCanceled) -> None:
    if is_canceled():
        raise Canceled
