"""Says which of the artist's jobs have ended between two looks. Needs no Blender."""

from collections.abc import Iterable

from .my_jobs import MyJob

#: What is told. A job that was canceled was canceled by a person.
_TOLD = {"completed": "is completed", "failed": "failed"}
_MOST_NAMED = 3


def ended(before: Iterable[MyJob], after: Iterable[MyJob]) -> "tuple[MyJob, ...]":
    """Return the jobs that were completed or failed since `before`.

    A job that was not there before is not among them: it may have ended long ago.
    """
    going_on = {job.id for job in before if not job.has_ended}
    return tuple(job for job in after if job.id in going_on and job.status in _TOLD)


def sentence(jobs: Iterable[MyJob]) -> str:
    """Return what is told of jobs that have ended, in one line, failures first."""
    parts = []
    found = tuple(jobs)
    for status in ("failed", "completed"):
        names = [job.name for job in found if job.status == status]
        if len(names) > _MOST_NAMED:
            are = "jobs failed" if status == "failed" else "jobs are completed"
            parts.append(f"{len(names)} {are}")
        else:
            parts += [f"{name} {_TOLD[status]}" for name in names]
    return ", ".join(parts)


def has_unfinished(jobs: Iterable[MyJob]) -> bool:
    return any(not job.has_ended for job in jobs)
