"""What the manager notices of a job that it has taken. Needs no Blender."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from .answers import understood
from .findings import Finding
from .manager import Manager, ManagerError

#: How these lines begin in the job's history.
_SAYS = "The job type says: "


def notices_of(manager: Manager, job_id: str) -> tuple[Finding, ...]:
    """Return what the artist should know of a submitted job: lines of its job type, its output.

    What the manager does not tell is left out: the job is submitted all the same.
    """
    job = f"/api/tablao/v1/jobs/{quote(job_id, safe='')}"
    found: list[Finding] = []
    for part, read in ((f"{job}/history", _printed), (f"{job}/same-output", _of_output)):
        with suppress(ManagerError), understood(manager):
            found += read(manager.get(part))
    return tuple(found)


def _printed(history: Any) -> list[Finding]:
    texts = [str(each["text"]) for each in reversed(history["happenings"])]
    lines = [text[len(_SAYS) :].rstrip(".") for text in texts if text.startswith(_SAYS)]
    advice = "The job type says this about your job"
    return [Finding("job-type-says", line, advice, is_blocking=False) for line in lines]


def _of_output(told: Any) -> list[Finding]:
    unseen = [_unseen(str(sentence)) for sentence in told["unseen"]]
    jobs = [_named(each) for each in told["jobs"]]
    return [*unseen, *([_same_output(jobs)] if jobs else [])]


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
