"""Processes on Linux and macOS. Standard library only, and few modules: shims must start fast."""

import contextlib
import ctypes
import fcntl
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

# Tells the type checker, too, that the rest is not for Windows.
assert sys.platform != "win32"

#: What the output of programs is in where it is no UTF-8.
OUTPUT_ENCODING = "utf-8"

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_EXEC_FAILED = 127


class Spawned:
    """A running command: leader of its own session and group, with its output in our pipe."""

    __slots__ = ("output", "pid")

    def __init__(self, pid: int, output: int) -> None:
        self.pid = pid
        """The number of the process, and of its group."""
        self.output = output
        """The reading end of its standard output and error, non-blocking."""

    def read(self, limit: int) -> bytes | None:
        """Return a piece of the output; None if there is none yet, empty at its end."""
        try:
            return os.read(self.output, limit)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Read no more of the output."""
        os.close(self.output)


def spawn(argv: Sequence[str], environment: Mapping[str, str]) -> Spawned:
    """Start a program in a session of its own; on Linux it dies with this process.

    The caller must have one thread only. `argv[0]` is a path, not searched for.

    Raises:
        OSError: the program could not be started.
    """
    die_with_parent = _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    output, child_output = os.pipe()
    failure, child_failure = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(argv, environment, child_output, child_failure, parent, die_with_parent)
    os.close(child_output)
    os.close(child_failure)
    try:
        _raise_failure(failure, pid, argv[0])
    except OSError:
        os.close(output)
        raise
    os.set_blocking(output, False)
    return Spawned(pid, output)


def _become(
    argv: Sequence[str],
    environment: Mapping[str, str],
    output: int,
    failure: int,
    parent: int,
    die_with_parent: Callable[[], None],
) -> None:
    """Turn the child process into the program. Never returns."""
    try:
        os.setsid()
        die_with_parent()
        if os.getppid() != parent:
            os._exit(_EXEC_FAILED)  # the parent died before we asked to die with it
        nothing = os.open(os.devnull, os.O_RDONLY)
        for ours, theirs in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(ours, theirs)
        for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.execve(argv[0], list(argv), dict(environment))
    except OSError as error:
        os.write(failure, str(error.errno).encode())
    finally:
        os._exit(_EXEC_FAILED)


def _raise_failure(failure: int, pid: int, program: str) -> None:
    # A successful exec closes the pipe, so an empty read means success.
    with open(failure, "rb") as pipe:
        number = pipe.read()
    if number:
        os.waitpid(pid, 0)
        raise OSError(int(number), os.strerror(int(number)), program)


def _prctl(option: int, value: int) -> Callable[[], None]:
    """Return a call of prctl, prepared before a fork; it does nothing on other systems."""
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None).prctl

    def call() -> None:
        prctl(option, value, 0, 0, 0)

    return call


def adopt_orphans() -> None:
    """Make this process the parent of processes that its descendants leave behind (Linux only)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)()


def _leave_terminal() -> None:
    """Move this process to its own session, without standard input and output."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)


def ask_to_end(leader: int) -> bool:
    """Ask a group to end well, with SIGTERM, if it still exists; return whether it was asked."""
    _signal_group(leader, signal.SIGTERM)
    return True


def kill_group(leader: int) -> None:
    """Kill a whole group, if it still exists."""
    _signal_group(leader, signal.SIGKILL)


def _signal_group(leader: int, number: int) -> None:
    # macOS answers EPERM when only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def is_alive(pid: int) -> bool:
    """Return whether the process exists and is not a zombie."""
    stat = _stat(pid)
    if stat is not None:
        return stat[0] not in ("Z", "X")
    if sys.platform == "linux":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def identity(pid: int) -> str:
    """Return a text that tells a process from a later one of the same number.

    Empty if there is no such process.
    """
    stat = _stat(pid)
    if stat is not None:
        with open("/proc/sys/kernel/random/boot_id") as boot:
            return f"{stat[19]}@{boot.read().strip()}"
    if sys.platform == "linux":
        return ""
    import subprocess

    ps = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, check=False)
    return ps.stdout.decode().strip()


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from the state on.

    The process's name before them may have any characters.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].decode().split()
    except OSError:
        return None


def reap(pid: int) -> int | None:
    """Return the exit code of a child that has ended, None while it runs.

    A negative code is the number of the signal that killed it.
    """
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return -signal.SIGKILL
    return os.waitstatus_to_exitcode(status) if ended else None


def children(pid: int) -> list[int]:
    """Return the direct children. On macOS none are found, and only groups are signaled."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as listed:
            return [int(child) for child in listed.read().split()]
    except OSError:
        return _children_by_search(pid)


def _children_by_search(pid: int) -> list[int]:
    try:
        numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    stats = ((number, _stat(number)) for number in numbers)
    return [number for number, stat in stats if stat is not None and int(stat[1]) == pid]


def kill_children(within_s: float = 5.0) -> None:
    """Kill and reap every descendant, daemons too; call `adopt_orphans` before.

    The children of a killed child become ours, so the search is repeated. A process that hangs in
    the kernel is given up after `within_s`.
    """
    until = time.monotonic() + within_s
    pause = 0.0005
    while (left := children(os.getpid())) and time.monotonic() < until:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if all(reap(pid) is None for pid in left):
            time.sleep(pause)
            pause = min(pause * 2, 0.05)


class Alarms:
    """Wakes a shim that waits: a child has ended, or the shim was told to stop (SIGTERM).

    Args:
        on_order: called when the shim is told to stop.
    """

    def __init__(self, on_order: Callable[[], None]) -> None:
        self._on_order = on_order
        self._wakeup, wake = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(wake, False)
        # The wake-up pipe gets a byte for each signal that has a Python handler.
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _heard)
        signal.signal(signal.SIGTERM, self._ordered)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait(self, timeout_s: float, program: Spawned | None) -> None:
        """Wait until the program has output, a signal arrives or the time is over.

        It may return early.
        """
        poll = select.poll()
        poll.register(self._wakeup, select.POLLIN)
        if program is not None:
            poll.register(program.output, select.POLLIN)
        poll.poll(timeout_s * 1000 + 1)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakeup, 4096)

    def _ordered(self, _number: int, _frame: FrameType | None) -> None:
        self._on_order()


def _heard(_number: int, _frame: FrameType | None) -> None:
    """Do nothing; with a handler, the signal writes a byte to the wake-up pipe."""


def try_lock(descriptor: int) -> bool:
    """Lock an open file, until it is closed or this process ends; return False if it is locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: str) -> bool:
    """Return whether a process holds the lock on a file; False if there is no such file."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def replace_file(source: str | Path, target: str | Path) -> None:
    """Give a file a name that another file may have, in one step, also while that one is open."""
    os.replace(source, target)


def read_file(path: str | Path) -> bytes:
    """Return the content of a file that another process may replace meanwhile."""
    with open(path, "rb") as file:
        return file.read()


def sync_folder(path: str | Path) -> None:
    """Make the names in a folder outlast a power cut."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def program_names(name: str) -> list[str]:
    """Return the names that the file of a program can have."""
    return [name]


def variable_name(name: str) -> str:
    """Return the name under which an environment has a variable."""
    return name


def fork_for_each_line(execute: Callable[[str], None]) -> None:
    """Fork for each line of standard input, and answer the pid of the new process.

    Args:
        execute: called with the line in the new process, which is in a session of its own then;
            must not return.
    """
    # The server does not wait for its shims: the host watches them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    pending = b""
    while chunk := os.read(0, 4096):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            pid = os.fork()
            if pid == 0:
                _leave_terminal()
                execute(os.fsdecode(line))
            os.write(1, b"%d\n" % pid)
