"""What the manager notices of a job that it has taken. Needs no Blender."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from .answers import understood
from .findings import Finding
from .manager import Manager, ManagerError


def notices_of(manager: Manager, job_id: str) -> tuple[Finding, ...]:
    """Return what the artist should know of a submitted job's output.

    Returns:
        Nothing, if the manager does not tell: the job is submitted all the same.
    """
    try:
        with understood(manager):
            told = manager.get(f"/api/tablao/v1/jobs/{quote(job_id, safe='')}/same-output")
            unseen = [_unseen(str(sentence)) for sentence in told["unseen"]]
            jobs = [_named(each) for each in told["jobs"]]
    except ManagerError:
        return ()
    return (*unseen, *([_same_output(jobs)] if jobs else []))


def _unseen(sentence: str) -> Finding:
    return Finding(
        "output-not-seen",
        sentence.rstrip("."),
        "Look whether the frames arrive where you expect them",
        is_blocking=False,
    )


def _same_output(jobs: list[str]) -> Finding:
    which = "Another job writes" if len(jobs) == 1 else f"{len(jobs)} other jobs write"
    return Finding(
        "same-output",
        f"{which} to the same files",
        "Where two jobs write a frame, the later one stays. Cancel a job, or change its output",
        is_blocking=False,
        show=tuple(jobs),
    )


def _named(job: Mapping[str, Any]) -> str:
    return f"{job['name']} ({job['status']})"
