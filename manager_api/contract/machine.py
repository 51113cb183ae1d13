"""Our interface: statistics of a machine and progress of its runs, as its host reports them.

They are checked once, where they arrive. Hosts are not trusted: a value that is not valid becomes
null. The other values of the report still count, so hosts and managers may be of different builds.
"""

from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from manager_api.contract.base import Answer
from workflows.domain.messages import LONGEST_WORD

#: More than any machine has; a host cannot make the manager remember more.
MOST_GPUS = 16
MOST_RUNS = 256
MOST_PROGRAMS = 100
LONGEST_PATH = 4096
#: The largest numbers that the database can hold.
_LARGEST = 2**63 - 1
_LARGEST_NUMBER = 2**31 - 1


def _known(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    try:
        return check(value)
    except ValidationError:
        return None


T = TypeVar("T")
Known = Annotated[T | None, WrapValidator(_known)]
Percent = Known[Annotated[float, Field(strict=True, ge=0, le=100)]]
#: In bytes.
Size = Known[Annotated[int, Field(strict=True, ge=0, le=_LARGEST)]]
Number = Known[Annotated[float, Field(strict=True, ge=-1e6, le=1e6)]]
Count = Known[Annotated[int, Field(strict=True, ge=0, le=_LARGEST_NUMBER)]]
FrameNumber = Known[Annotated[int, Field(strict=True, ge=-_LARGEST_NUMBER, le=_LARGEST_NUMBER)]]
Word = Known[Annotated[str, Field(strict=True, max_length=LONGEST_WORD)]]


def _moment(value: Any) -> datetime:
    """Return the moment in an ISO text that the database and every time zone can hold."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    if moment is None or not 2000 <= moment.year < 3000:
        raise ValueError("no moment")
    return moment


Moment = Known[Annotated[AwareDatetime, BeforeValidator(_moment)]]


def _objects(value: Any) -> list[Any]:
    said = value if isinstance(value, list) else []
    return [each for each in said if isinstance(each, dict | Answer)][:MOST_GPUS]


def _words(value: Any) -> list[str]:
    said = value if isinstance(value, list | tuple) else []
    paths = [each for each in said if isinstance(each, str) and len(each) <= LONGEST_PATH]
    return paths[:MOST_PROGRAMS]


def _by_run(value: Any) -> dict[str, Any]:
    said = value.items() if isinstance(value, dict) else ()
    uses = [
        (key, use)
        for key, use in said
        if isinstance(use, dict | Answer) and len(key) <= LONGEST_WORD
    ]
    return dict(uses[:MOST_RUNS])


class GpuStatistics(Answer):
    name: Word = None
    percent: Percent = None
    memory_used: Size = None
    memory_total: Size = None
    temperature_c: Number = None


class RunStatistics(Answer):
    """The CPU time and memory that the processes of a run use."""

    cpu_percent: Number = None
    """In percent of one core."""
    memory: Size = None


class MachineStatistics(Answer):
    """A machine's statistics. Values that its host did not report, or not validly, are null."""

    cpu_percent: Percent = None
    cpu_count: Count = None
    load: Number = None
    """The load average of the last minute."""
    memory_used: Size = None
    memory_total: Size = None
    disk_free: Size = None
    disk_total: Size = None
    gpus: Annotated[list[GpuStatistics], BeforeValidator(_objects)] = Field(default=[])
    runs: Annotated[dict[str, RunStatistics], BeforeValidator(_by_run)] = Field(
        default_factory=dict
    )
    """The CPU time and memory of each run, by run key."""
    missing_programs: Annotated[list[str], BeforeValidator(_words)] = Field(default=[])
    """Programs that the farm has set for this host and that it does not have."""


class RenderProgress(Answer):
    """The progress of a render; unknown values are unset."""

    frame: FrameNumber = None
    frames_done: Count = None
    """How many of the task's frames are done."""
    frames_total: Count = None
    sample: Count = None
    """The number of the current frame's samples that are done."""
    samples: Count = None


class RunProgress(RenderProgress):
    """The progress of a run, as its host reports it."""

    steps_completed: Count = None
    memory_peak: Size = None
    silent_since: Moment = None
    """When the run gave its last sign of life, if it is stuck; null if it is not."""
