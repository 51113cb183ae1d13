"""What the add-on knows while Blender runs. Written on Blender's main thread; no `bpy` here."""

import threading
from dataclasses import dataclass, field

from .core.checks import Finding
from .core.discovery import Found
from .core.job_types import JobType
from .core.manager_info import ManagerInfo
from .core.my_jobs import FarmStatus, MyJob


@dataclass
class Running:
    """A submission on its way. A thread writes the numbers, Blender's main thread reads them."""

    job_name: str
    step: str = "Preparing"
    done: int = 0
    total: int = 0
    """In bytes; 0: not known."""
    canceled: threading.Event = field(default_factory=threading.Event)

    def progress(self, step: str, done: int, total: int) -> None:
        self.step, self.done, self.total = step, done, total

    @property
    def told(self) -> str:
        """What it does, for people."""
        if self.total <= 0:
            return f"{self.step}…"
        return f"{self.step}: {self.done / 1e6:,.1f} of {self.total / 1e6:,.1f} MB"

    @property
    def share(self) -> float:
        """0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


@dataclass
class Session:
    info: ManagerInfo | None = None
    """As last heard, also from an earlier session."""
    is_reached: bool | None = None
    """At the last attempt; None: there was none yet."""
    message: str = ""
    """A sentence about the connection."""
    is_checked: bool = False
    """The findings are of a check that was made."""
    findings: tuple[Finding, ...] = ()
    outcome: str = ""
    """A sentence about the last submission."""
    has_failed: bool = False
    """The last submission has."""
    running: Running | None = None
    found: tuple[Found, ...] = ()
    """Managers on the network, when they were last looked for."""
    jobs: tuple[MyJob, ...] = ()
    submitted: list[str] = field(default_factory=list)
    """Ids of the jobs submitted in this session."""
    farm: FarmStatus | None = None
    list_due_at: float = 0.0
    """When all jobs of the farm may be asked for again, by the monotonic clock."""
    drawn_at: float = 0.0
    """When somebody last saw the list of jobs, by the monotonic clock."""

    def job_type(self, name: str) -> JobType | None:
        return self.info.job_type(name) if self.info else None

    def forget(self) -> None:
        """As at the start."""
        fresh = Session()
        for name in vars(fresh):
            setattr(self, name, getattr(fresh, name))


session = Session()


def told(problem: Exception) -> str:
    """A sentence for people; bugs have none, so they get their name."""
    text = str(problem).strip()
    return text if text else type(problem).__name__
