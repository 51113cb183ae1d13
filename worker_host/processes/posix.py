"""Processes on Linux and macOS. Standard library only, and few modules: shims must start fast."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence

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


def leave_terminal() -> None:
    """Move this process to its own session, without standard input and output."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)


def signal_group(leader: int, number: int) -> None:
    """Signal a whole group, if it still exists."""
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
