"""The add-on's state while Blender runs. Only Blender's main thread writes it; no `bpy` here."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from .core.checks import Finding
from .core.discovery import Found
from .core.job_types import JobType
from .core.manager_info import ManagerInfo
from .core.my_jobs import FarmStatus, MyJob


@dataclass
class Running:
    """A submission in progress. A thread writes the numbers, Blender's main thread reads them."""

    job_name: str
    step: str = "Preparing"
    done: int = 0
    total: int = 0
    """Bytes in total; 0: not known."""
    canceled: threading.Event = field(default_factory=threading.Event)

    def progress(self, step: str, done: int, total: int) -> None:
        self.step, self.done, self.total = step, done, total

    @property
    def told(self) -> str:
        """The step and the bytes done, for people."""
        if self.total <= 0:
            return f"{self.step}…"
        return f"{self.step}: {self.done / 1e6:,.1f} of {self.total / 1e6:,.1f} MB"

    @property
    def share(self) -> float:
        """The share that is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


@dataclass(frozen=True)
class Reasons:
    updated: str
    """When the job had changed last when the manager told them."""
    lines: tuple[str, ...]


@dataclass
class Session:
    info: ManagerInfo | None = None
    """The manager's last answer, perhaps from an earlier session."""
    is_reached: bool | None = None
    """Whether the manager answered the last request; None: there was no request yet."""
    message: str = ""
    """A sentence about the connection."""
    wants_login: bool = False
    """Whether the manager refused the last request because it does not know the artist."""
    is_checked: bool = False
    """Whether `findings` are the result of a check."""
    findings: tuple[Finding, ...] = ()
    outcome: str = ""
    """A sentence about the last submission, or other work for a job."""
    has_failed: bool = False
    """Whether `outcome` is a failure."""
    running: Running | None = None
    found: tuple[Found, ...] = ()
    """The managers that the last search of the network found."""
    jobs: tuple[MyJob, ...] = ()
    submitted: list[str] = field(default_factory=list)
    """Ids of the jobs submitted in this session."""
    to_select: str = ""
    """The id of a new job, which the list selects once it has it."""
    reasons: Mapping[str, Reasons] = field(default_factory=dict)
    """Why tasks failed or wait, and warnings: of ended jobs and of the selected one, by job id."""
    farm: FarmStatus | None = None
    list_due_at: float = 0.0
    """When all jobs of the farm may be asked for again, by the monotonic clock."""
    drawn_at: float = 0.0
    """When the list of jobs was last drawn, by the monotonic clock."""

    def job_type(self, name: str) -> JobType | None:
        return self.info.job_type(name) if self.info else None

    def forget(self) -> None:
        """Return to the state of a new session."""
        fresh = Session()
        for name in vars(fresh):
            setattr(self, name, getattr(fresh, name))


session = Session()


def told(problem: Exception) -> str:
    """Return the problem's text; the name of its type if it has none."""
    text = str(problem).strip()
    return text if text else type(problem).__name__
