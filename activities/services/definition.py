"""What a service of Tablao is, before any system's way of writing it down."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

#: Begins the note in each file that we write. A file without it belongs to another program.
MARK = "Written by `tablao service install`, which writes it again."
_DATA = " Data directory: "

#: The host stops its runs within `stop_grace_s` (10 s) and signs off within `sign_off_s` (5 s); the
#: manager has 30 s for its Temporal. A service waits for longer than both.
STOP_WITHIN_S = 90
#: The pause before a start after a crash.
RESTART_AFTER_S = 10
#: Each client of the manager, and each file of a scene, needs one.
OPEN_FILES = 65536


class ServiceError(Exception):
    """A service cannot be what was asked for. The message is a sentence for the user."""


class Program(StrEnum):
    MANAGER = "manager"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Account:
    """The user whose rights a service of the system has."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Service:
    program: Program
    command: tuple[str, ...]
    """The launcher's absolute path, and its arguments. Others can read them: no secrets."""
    account: Account | None = None
    """None: a service of the user who installs it, which needs no administrator."""
    data_dir: Path | None = None
    """Absolute; None: the default of the user's own programs."""
    state_directory: str = ""
    """The name below /var/lib of a data directory that systemd makes; empty: it makes none."""

    @property
    def name(self) -> str:
        return name_of(self.program)

    @property
    def title(self) -> str:
        return f"Tablao {self.program}"

    @property
    def note(self) -> str:
        """The mark, and where the data is, in a line."""
        return f"{MARK}{_DATA}{self.data_dir}" if self.data_dir else MARK


def name_of(program: Program) -> str:
    return f"tablao-{program}"


def data_dir_in(note: str) -> str:
    """Return the data directory that a note names; empty: none."""
    return note.partition(_DATA)[2]


class Command(NamedTuple):
    """A command of the system's own service manager."""

    words: tuple[str, ...]
    may_fail: bool = False
    """Whether a failure means that there was nothing to do."""


class Answer(NamedTuple):
    """What a command has said."""

    code: int
    output: str
    errors: str


class Runner(Protocol):
    def __call__(self, words: Sequence[str], /) -> Answer:
        """
        Raises:
            ServiceError: the program is not there.
        """
        ...


class Standing(NamedTuple):
    """How a service is."""

    is_running: bool
    sentence: str


class ServiceSystem(Protocol):
    """One system's way of services: systemd, launchd, Windows' Task Scheduler."""

    @property
    def restarts_for_changes(self) -> bool:
        """Whether a service that runs has to be stopped to take over a change."""
        ...

    def file(self, program: Program) -> Path:
        """Where the service is written down."""
        ...

    def content(self, service: Service) -> bytes: ...

    def note_in(self, content: bytes) -> str:
        """Return the note in a file; empty: we did not write it."""
        ...

    def other_place(self, program: Program, run: Runner) -> str:
        """Return where another service of this name is written down; empty: there is none."""
        ...

    def installing(self, program: Program, *, is_changed: bool) -> Sequence[Command]:
        """Return the commands that follow when the file is written, or is as it was."""
        ...

    def removing(self, program: Program) -> Sequence[Command]:
        """Return the commands that come before the file is removed."""
        ...

    def removed(self, program: Program) -> Sequence[Command]:
        """Return the commands that come after the file is removed."""
        ...

    def starting(self, program: Program) -> Sequence[Command]: ...

    def stopping(self, program: Program) -> Sequence[Command]: ...

    def standing(self, program: Program, run: Runner) -> Standing: ...

    def hint(self, service: Service) -> str:
        """Return what is left for a person to do after an installation; empty: nothing."""
        ...
