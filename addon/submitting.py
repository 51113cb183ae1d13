"""Submits from Blender: reads the scene, saves the file, and leaves the rest to a thread."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import background, connecting, preferences, several, values
from .core import manager_info
from .core.batch import Result, submit_all
from .core.checks import Finding, NotSubmittable, SceneFacts, check, finding_of
from .core.files import missing_files
from .core.job_types import JobType
from .core.manager import Manager, ManagerError
from .core.manager_info import ManagerInfo
from .core.notices import notices_of
from .core.progress import Canceled, IsCanceled, Progress, never
from .core.submission import Submission, check_with_manager, submit
from .planning import findings_now, save_file, submission_of
from .session import Running, session, told

#: How long Blender, when it closes, waits for a submission that is canceled thereby.
_END_WITHIN_S = 5.0


@dataclass(frozen=True)
class Sent:
    """The result of a submission."""

    info: ManagerInfo
    results: "Sequence[Result]"
    """Of each job, in their order."""
    notices: "tuple[Finding, ...]"

    @property
    def job_ids(self) -> "list[str]":
        return [str(each.job["id"]) for each in self.results if each.job is not None]


def begin(
    context: Any,
    *,
    job_name: str = "",
    allow_missing: bool = False,
    is_several: bool = False,
    is_waiting: bool = False,
) -> None:
    """Check and save on this thread; do the rest in the background.

    Args:
        job_name: the job's name; empty: the panel's.
        is_several: submit a job for each ticked scene and camera.
        allow_missing: submit although files are missing.
        is_waiting: return only when the job is submitted, or that has failed; for scripts.

    Raises:
        NotSubmittable: something is wrong, so nothing was started.
        ManagerError: the manager's address or token is not valid.
    """
    if session.running is not None:
        raise NotSubmittable(
            [Finding("running", "A job is being submitted", "Wait for it, or cancel it")]
        )
    manager, known = preferences.manager_of(context), session.info
    try:
        submissions = (
            several.submissions_of(context, several.ticked(context), job_name)
            if is_several
            else [submission_of(context, job_name)]
        )
        save_file()
    except NotSubmittable as refusal:
        _not_sent(refusal)
        raise
    assert known is not None  # otherwise a finding has blocked it
    running = session.running = Running(submissions[0].name)
    session.outcome, session.has_failed = "", False
    session.findings, session.is_checked = (), False
    background.run(
        "submit",
        lambda: _send(manager, known, submissions, running, allow_missing),
        _sent,
        _not_sent,
        is_waiting=is_waiting,
    )


def begin_check(context: Any) -> bool:
    """Look for everything that is wrong, and ask the manager about the job, too.

    Returns:
        False if a check is running already.
    """
    found = findings_now(context)
    _show(tuple(found))
    blocking = [each for each in found if each.is_blocking]
    try:
        submission = None if blocking else submission_of(context)
        manager = preferences.manager_of(context)
    except (NotSubmittable, ManagerError) as problem:
        _not_checked(problem)
        return True
    blendfile, known = values.blendfile_path(), session.info
    job_type = session.job_type(context.scene.tablao.job_type)
    return background.run(
        "check",
        lambda: [*found, *_found_elsewhere(manager, known, submission, job_type, blendfile)],
        lambda more: _checked(more, blendfile),
        _not_checked,
    )


def cancel() -> None:
    if session.running is not None:
        session.running.canceled.set()


def stop() -> None:
    """Cancel the submission, and wait until its thread has removed unfinished files."""
    cancel()
    background.wait_for("submit", _END_WITHIN_S)


def _send(
    manager: Manager,
    known: ManagerInfo,
    submissions: "Sequence[Submission]",
    running: Running,
    allow_missing: bool,
) -> Sent:
    submission = submissions[0]  # all are of one file and one job type
    running.progress("Asking the manager", 0, 0)
    info = manager_info.fetch(manager.cancelable(running.canceled.is_set))
    if info.job_type(submission.job_type) != known.job_type(submission.job_type):
        raise ManagerError("The job type has changed", 412)
    running.progress("Looking for missing files", 0, 0)
    job_type = info.job_type(submission.job_type)
    if found := _on_disk(info, job_type, submission.blendfile, running, allow_missing):
        raise NotSubmittable(found)
    to_manager = (manager, info, running.progress, running.canceled.is_set)
    results = _submitted(*to_manager, submissions)
    sent = Sent(info, results, ())
    if not info.is_tablao:
        return sent
    found = [each for job_id in sent.job_ids for each in notices_of(manager, job_id)]
    return replace(sent, notices=tuple(dict.fromkeys(found)))


def _submitted(
    manager: Manager,
    info: ManagerInfo,
    progress: Progress,
    is_canceled: IsCanceled,
    submissions: "Sequence[Submission]",
) -> "list[Result]":
    if len(submissions) > 1:
        return submit_all(manager, info, submissions, progress, is_canceled)
    job = submit(manager, info, submissions[0], progress, is_canceled)
    return [Result(str(job["name"]), job)]


def _on_disk(
    info: "ManagerInfo | None",
    job_type: "JobType | None",
    blendfile: "Path | None",
    running: "Running | None" = None,
    allow_missing: bool = False,
) -> "list[Finding]":
    """Return what is wrong with the files and the storage. This may take long."""
    if blendfile is None or not blendfile.is_file():
        return []
    is_canceled = running.canceled.is_set if running else never
    missing = () if allow_missing else missing_files(blendfile, is_canceled)
    facts = SceneFacts(blendfile, is_dirty=False, has_camera=True, missing=missing)
    found = check(facts, job_type, info, {})
    return [each for each in found if each.code in {"missing-files", "storage-not-reached"}]


def _found_elsewhere(
    manager: Manager,
    known: "ManagerInfo | None",
    submission: "Submission | None",
    job_type: "JobType | None",
    blendfile: "Path | None",
) -> "list[Finding]":
    """Return what only the disk and the manager can tell."""
    found = _on_disk(known, job_type, blendfile)
    if submission is not None and known is not None:
        try:
            check_with_manager(manager, known, submission)
        except ManagerError as refusal:
            found.append(finding_of(refusal))
    return found


def _sent(sent: Sent) -> None:
    session.running = None
    to_see = ", but look at Files & Checks" if sent.notices else ""
    only = sent.results[0].name if len(sent.results) == 1 else ""
    session.outcome = (f"Submitted {only}" if only else several.told(sent.results)) + to_see
    session.has_failed = any(each.job is None for each in sent.results)
    _show(sent.notices)
    # The artist may have chosen another manager meanwhile.
    if sent.info.address == connecting.address_now():
        session.is_reached = True
        session.submitted += sent.job_ids
        session.to_select = next(iter(sent.job_ids), "")
        connecting.use(sent.info)


def _not_sent(problem: Exception) -> None:
    session.running = None
    _tell_of(problem)


def _checked(found: "list[Finding]", blendfile: "Path | None") -> None:
    # The artist may have opened another file meanwhile.
    if values.blendfile_path() == blendfile:
        _show(tuple(sorted(found, key=lambda each: not each.is_blocking)))


def _not_checked(problem: Exception) -> None:
    # If a submission was started meanwhile, keep its message.
    if session.running is None:
        _tell_of(problem)


def _tell_of(problem: Exception) -> None:
    session.has_failed = not isinstance(problem, Canceled)
    session.outcome = told(problem)
    if isinstance(problem, NotSubmittable):
        _show(problem.findings)
    elif isinstance(problem, ManagerError):
        _show((finding_of(problem),))
        session.outcome = str(session.findings[0])


def _show(findings: "tuple[Finding, ...]") -> None:
    session.findings, session.is_checked = findings, True
