"""The times that farm, task type and job set for runs.

The settings of the farm count unless those of the task's type say otherwise, and those unless the
job's metadata says otherwise.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from workflows.domain.durations import parse_duration

#: The keys of a job's metadata.
SILENT_AFTER, WHEN_SILENT, LONGEST_RUN = "silent_after", "when_silent", "longest_run"


class WhenSilent(StrEnum):
    SHOW = "show"
    """The task is shown as stuck."""
    STOP = "stop"
    """The run is stopped and has failed; another worker tries."""


@dataclass(frozen=True, slots=True)
class RunTimes:
    """The times of one run, in seconds."""

    end_grace_s: float = 60.0
    """How long Blender may take to end after its last frame; 0 for any time."""
    silent_after_s: float = 1800.0
    """A run without output and CPU time for so long is silent; 0: never."""
    stops_silent: bool = False
    """Whether a silent run is stopped; else it is shown."""
    longest_s: float = 0.0
    """The longest run of a task; 0 for any time."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> "RunTimes":
        """Return the times in a message or file, which may be of an older or a newer build.

        Raises:
            TypeError, ValueError: a value is wrong.
        """
        known = asdict(cls()).items()
        return cls(**{n: type(default)(content[n]) for n, default in known if n in content})


@dataclass(frozen=True, slots=True)
class RunLimits:
    """The limits that one place sets; None leaves a limit to the next place."""

    silent_after: timedelta | None = None
    when_silent: WhenSilent | None = None
    longest_run: timedelta | None = None

    def over(self, weaker: "RunLimits") -> "RunLimits":
        """Return these limits, and those of a weaker place where these are not set."""
        return RunLimits(
            weaker.silent_after if self.silent_after is None else self.silent_after,
            weaker.when_silent if self.when_silent is None else self.when_silent,
            weaker.longest_run if self.longest_run is None else self.longest_run,
        )


@dataclass(frozen=True, slots=True)
class FarmTimes:
    """The settings of the farm."""

    end_grace: timedelta = timedelta(minutes=1)
    limits: RunLimits = RunLimits(timedelta(minutes=30), WhenSilent.SHOW, timedelta())
    by_task_type: Mapping[str, RunLimits] | None = None

    def of_run(self, task_type: str, job_metadata: Mapping[str, str]) -> RunTimes:
        """Return the times of a run. A wrong value in a job's metadata does not count."""
        of_type = (self.by_task_type or {}).get(task_type, RunLimits())
        limits = _known(job_metadata).over(of_type).over(self.limits)
        return RunTimes(
            self.end_grace.total_seconds(),
            (limits.silent_after or timedelta()).total_seconds(),
            limits.when_silent is WhenSilent.STOP,
            (limits.longest_run or timedelta()).total_seconds(),
        )


def limits_of_job(metadata: Mapping[str, str]) -> RunLimits:
    """Return the limits in a job's metadata.

    Raises:
        ValueError: a value is wrong; the message is a sentence for the submitter.
    """
    return RunLimits(
        _duration(metadata, SILENT_AFTER), _when_silent(metadata), _duration(metadata, LONGEST_RUN)
    )


def _known(metadata: Mapping[str, str]) -> RunLimits:
    try:
        return limits_of_job(metadata)
    except ValueError:
        return RunLimits()


def _duration(metadata: Mapping[str, str], key: str) -> timedelta | None:
    if not (text := metadata.get(key, "")):
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueError(f"the job's metadata {key}: {error}") from error


def _when_silent(metadata: Mapping[str, str]) -> WhenSilent | None:
    if not (text := metadata.get(WHEN_SILENT, "")):
        return None
    if text not in tuple(WhenSilent):
        raise ValueError(f'the job\'s metadata {WHEN_SILENT}: it is "show" or "stop"')
    return WhenSilent(text)
