"""Submits several jobs of one blend file: all are checked first, and the file is delivered once."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .checks import Finding, NotSubmittable
from .files import Delivered, FilesError, Route
from .manager import Manager, ManagerError
from .manager_info import ManagerInfo
from .progress import Canceled, IsCanceled, Progress
from .submission import (
    Submission,
    check_with_manager,
    deliver_files,
    is_refusal,
    send,
    take_back,
)

#: The setting that says where a job's frames go.
_OUTPUT = "render_output_path"


@dataclass(frozen=True)
class Result:
    name: str
    job: "Mapping[str, Any] | None"
    """The job as the manager answers it; None: it was not submitted."""
    problem: str = ""
    """Why it was not submitted, in a sentence without its full stop."""


def same_outputs(submissions: Sequence[Submission]) -> "list[Finding]":
    """Return a finding for each path to which several of the jobs would write their frames."""
    jobs: dict[str, list[tuple[str, str]]] = {}
    for each in submissions:
        if path := str(each.settings.get(_OUTPUT) or ""):
            jobs.setdefault(_place(path), []).append((each.name, path))
    return [
        Finding(
            "same-output-in-batch",
            f"{len(found)} of these jobs would write to {found[0][1]}{_or_like(found)}",
            "Give their scenes or cameras other names, or submit them one after another",
            show=tuple(name for name, _ in found),
        )
        for found in jobs.values()
        if len(found) > 1
    ]


def _place(path: str) -> str:
    """Return what is the same for paths that may be one place.

    A render machine may be one with Windows or macOS, and the storage one that they share: there
    capitals do not count, nor how an accent is encoded.
    """
    parts = path.replace("\\", "/").split("/")
    joined = "/".join(part for part in parts if part not in ("", "."))
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", joined).casefold())


def _or_like(found: "Sequence[tuple[str, str]]") -> str:
    others = [path for _, path in found if path != found[0][1]]
    return f" (on Windows and macOS the same as {others[0]})" if others else ""


def submit_all(
    manager: Manager,
    info: ManagerInfo,
    submissions: Sequence[Submission],
    progress: Progress,
    is_canceled: IsCanceled,
) -> "list[Result]":
    """Submit the jobs in their order. Blocks, so do not call it on Blender's main thread.

    Returns:
        A result for each. After a cancel, or when the manager is out of reach, the rest are not
        submitted, and their results say so.

    Raises:
        NotSubmittable: the manager would refuse some of the jobs; nothing was sent.
        ManagerError, FilesError, Canceled: the manager is not reached, or the files could not be
            delivered; nothing was sent.
    """
    asking = manager.cancelable(is_canceled)
    _check_all(asking, info, submissions, progress)
    batch = _Batch(manager, info, progress, is_canceled)
    results: list[Result] = []
    for number, submission in enumerate(submissions, 1):
        batch.step = f"{number} of {len(submissions)}, {submission.name}"
        results.append(batch.submitted(submission))
    batch.end()
    return results


def _check_all(
    manager: Manager, info: ManagerInfo, submissions: Sequence[Submission], progress: Progress
) -> None:
    refused: list[Finding] = []
    for number, submission in enumerate(submissions, 1):
        progress(f"Checking {number} of {len(submissions)} jobs", 0, 0)
        try:
            check_with_manager(manager, info, submission)
        except ManagerError as refusal:
            if not is_refusal(refusal):
                raise
            sentence = f"The manager refuses {submission.name}: {refusal}".rstrip(".")
            advice = "Change what it names; none of the jobs was submitted"
            refused.append(Finding("manager-refuses", sentence, advice))
    if refused:
        raise NotSubmittable(refused)


class _Batch:
    """Sends one job after another, of files that are delivered once.

    Only Shaman's checkouts are made for each job, because a deleted job takes its checkout along.
    """

    def __init__(
        self, manager: Manager, info: ManagerInfo, progress: Progress, is_canceled: IsCanceled
    ) -> None:
        self._manager = manager
        self._info = info
        self._progress = progress
        self._is_canceled = is_canceled
        self._delivered: tuple[Delivered, Route | None] | None = None
        self._why_stopped = ""
        self._may_have_made_one = False
        self.step = ""

    def submitted(self, submission: Submission) -> Result:
        if not self._why_stopped and self._delivered is not None and self._is_canceled():
            self._why_stopped = "it was canceled"
        if self._why_stopped:
            return Result(submission.name, None, self._why_stopped)
        try:
            files = self._files(submission)
            job = send(self._manager, self._info, submission, files)
        except (ManagerError, FilesError, Canceled) as problem:
            return self._failed(submission, problem)
        self._may_have_made_one = True
        return Result(submission.name, job)

    def _failed(self, submission: Submission, problem: Exception) -> Result:
        is_refused = isinstance(problem, ManagerError) and is_refusal(problem)
        if not is_refused:
            if self._delivered is None:  # nothing was sent
                raise problem
            self._may_have_made_one = True
            self._why_stopped = f"it was not tried after {submission.name}"
        said = "it was canceled" if isinstance(problem, Canceled) else str(problem).rstrip(".")
        return Result(submission.name, None, said)

    def _files(self, submission: Submission) -> Delivered:
        if self._delivered is None or self._delivered[1] is Route.SHAMAN:
            self._delivered = deliver_files(
                self._manager.cancelable(self._is_canceled),
                self._info,
                submission,
                lambda step, done, total: self._progress(f"{self.step}: {step}", done, total),
                self._is_canceled,
            )
        self._progress(f"{self.step}: Submitting", 0, 0)
        return self._delivered[0]

    def end(self) -> None:
        """Remove the copied files if the manager has made no job of them."""
        if self._delivered is not None and not self._may_have_made_one:
            take_back(*self._delivered, self._info.storage)
