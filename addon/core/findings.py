"""Findings tell the artist what is wrong with a submission, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass

from .manager import ManagerError

_CHANGED = 412


@dataclass(frozen=True)
class Finding:
    code: str
    """The kind of finding, for programs."""
    sentence: str
    """What is wrong."""
    advice: str
    """What to do about it."""
    is_blocking: bool = True
    """True: nothing is sent. False: the artist decides."""
    show: tuple[str, ...] = ()
    """The files, or the labels of settings, that it is about."""

    def __str__(self) -> str:
        return f"{self.sentence}. {self.advice}."


class NotSubmittable(Exception):
    """Findings block the submission, and nothing was sent. The text says why and what to do."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(" ".join(map(str, self.findings)))


def finding_of(error: ManagerError) -> Finding:
    """Return a finding that explains a manager's refusal to the artist."""
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
        advice = "Log in, in the add-on's preferences"
        return Finding("not-allowed", str(error).rstrip("."), advice)
    return Finding(
        "manager-refuses",
        f"The manager refuses the job: {error}".rstrip("."),
        "Change what it names, and submit again",
    )
