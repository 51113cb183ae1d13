"""What is wrong with a submission, and what to do about it, in words for the artist."""

from collections.abc import Iterable
from dataclasses import dataclass

from .manager import ManagerError

_CHANGED = 412


@dataclass(frozen=True)
class Finding:
    code: str
    """For programs: one word for each kind of finding."""
    sentence: str
    """What is wrong."""
    advice: str
    """What to do about it."""
    is_blocking: bool = True
    """Nothing is sent while there is one; else the artist decides."""
    show: tuple[str, ...] = ()
    """What it is about: files, or settings' labels."""

    def __str__(self) -> str:
        return f"{self.sentence}. {self.advice}."


class NotSubmittable(Exception):
    """Nothing was sent; the text says why and what to do."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(" ".join(map(str, self.findings)))


def finding_of(error: ManagerError) -> Finding:
    """What a refusal by the manager means for the artist."""
    if error.status == _CHANGED:
        return Finding(
            "job-type-changed",
            "The job type has changed on the manager since it was last asked",
            "Refresh from the manager, look at the settings again, and submit",
        )
    if error.status is None:
        advice = "Check the address in the preferences, and that the manager runs"
        return Finding("manager-not-reached", str(error).rstrip("."), advice)
    if error.status in (401, 403):
        advice = "Set a valid API token in the preferences"
        return Finding("not-allowed", str(error).rstrip("."), advice)
    return Finding(
        "manager-refuses",
        f"The manager refuses the job: {error}".rstrip("."),
        "Change what it names, and submit again",
    )
