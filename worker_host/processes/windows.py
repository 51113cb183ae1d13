"""Processes on Windows, by means of jobs. Standard library only, and few modules."""

import contextlib
import msvcrt
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

from worker_host.processes import windows_api as api
from worker_host.processes.windows_names import program_names, stop_event, variable_name

# Tells the type checker, too, that the rest is for Windows only.
assert sys.platform == "win32"

__all__ = ["program_names", "variable_name"]

T = TypeVar("T")

#: What the output of programs is in where it is no UTF-8: the system's code page ("ANSI").
OUTPUT_ENCODING = "mbcs"
_CHUNK = 64 * 1024
#: How many chunks of output are read ahead.
_CHUNKS_AHEAD = 16
#: For how long a file is tried again that another program has open, in seconds.
_SHARING_S = 5.0
_SHARING_PAUSE_S = 0.01
#: Exit code of a child that is unknown.
_KILLED = 1

_children: dict[int, "subprocess.Popen[bytes]"] = {}
_jobs: list[int] = []
"""The job of this shim; its handle is never closed, so it ends with this process."""


class Spawned:
    """A running command: leader of its own process group, with its output in our pipe."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self.pid = child.pid
        """The number of the process, and of its group."""
        self.has_news = api.new_event()
        """An event that is set while there may be output to read."""
        self._chunks: queue.Queue[bytes] = queue.Queue(_CHUNKS_AHEAD)
        self._is_at_end = self._is_closed = False
        if child.stdout is None:
            raise AssertionError("started with a pipe")
        self._pipe = child.stdout
        # A pipe of this kind cannot be waited for, so a thread reads it.
        threading.Thread(target=self._read_ahead, daemon=True).start()

    def read(self, _limit: int) -> bytes | None:
        """Return a piece of the output; None if there is none yet, empty at its end."""
        if self._is_at_end:
            return b""
        # First, so that a piece that comes meanwhile sets it again.
        api.reset_event(self.has_news)
        try:
            chunk = self._chunks.get_nowait()
        except queue.Empty:
            return None
        self._is_at_end = not chunk
        api.set_event(self.has_news)
        return chunk

    def close(self) -> None:
        """Read no more of the output."""
        self._is_closed = True
        # The thread may wait for room. It closes the pipe: a pipe that is being read cannot be.
        with contextlib.suppress(queue.Empty):
            while True:
                self._chunks.get_nowait()

    def _read_ahead(self) -> None:
        while not self._is_closed:
            try:
                chunk = os.read(self._pipe.fileno(), _CHUNK)
            except OSError:
                chunk = b""
            self._chunks.put(chunk)
            api.set_event(self.has_news)
            if not chunk:
                break
        self._pipe.close()


def spawn(argv: Sequence[str], environment: Mapping[str, str]) -> Spawned:
    """Start a program in a process group of its own, in the job of this process.

    `argv[0]` is a path, not searched for.

    Raises:
        OSError: the program could not be started.
    """
    try:
        child = subprocess.Popen(
            list(argv),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
        )
    except ValueError as error:  # for example a NUL character
        raise OSError(None, str(error)) from error
    _children[child.pid] = child
    return Spawned(child)


def reap(pid: int) -> int | None:
    """Return the exit code of a child that has ended, None while it runs."""
    child = _children.get(pid)
    if child is None:
        return _KILLED
    code = child.poll()
    if code is not None:
        # Its exit code may be asked for again.
        child.returncode = code
    return code


def ask_to_end(leader: int) -> bool:
    """Ask a group to end well, with Ctrl-Break; return whether it was asked."""
    return api.send_break(leader)


def kill_group(leader: int) -> None:
    """Kill the leader of a group; `kill_children` kills the others."""
    child = _children.get(leader)
    if child is not None and child.poll() is None:
        with contextlib.suppress(OSError):
            child.kill()


def adopt_orphans() -> None:
    """Put this process in a job: its descendants belong to it, and die with it.

    They also get its console, where programs that ask how to write are told UTF-8, and end when
    they crash instead of waiting for a click.

    Raises:
        OSError: the system refuses the job.
    """
    api.speak_utf8()
    api.show_no_error_boxes()
    _jobs.append(api.job_of_this_process())


def kill_children(within_s: float = 5.0) -> None:
    """Kill every descendant, those too whose parents have ended; call `adopt_orphans` before.

    A process that hangs in the kernel is given up after `within_s`.
    """
    until = time.monotonic() + within_s
    pause = 0.0005
    while (left := _others()) and time.monotonic() < until:
        for pid in left:
            access = api.PROCESS_TERMINATE | api.PROCESS_QUERY_LIMITED_INFORMATION
            with api.opened_process(pid, access) as process:
                # Its number may belong to another process by now.
                if process and api.is_in(_jobs[0], process):
                    api.terminate(process)
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def _others() -> list[int]:
    return [pid for job in _jobs for pid in api.pids_in(job) if pid != os.getpid()]


def identity(pid: int) -> str:
    """Return a text that tells a process from a later one of the same number.

    Empty if there is no such process.
    """
    with api.opened_process(pid, api.PROCESS_QUERY_LIMITED_INFORMATION) as process:
        began = api.began_at(process) if process else 0
    return str(began) if began else ""


class Alarms:
    """Wakes a shim that waits: a child has ended, or the shim was told to stop.

    Args:
        on_order: called when the shim is told to stop.
    """

    def __init__(self, on_order: Callable[[], None]) -> None:
        self._on_order = on_order
        name = stop_event(os.getpid(), identity(os.getpid()))
        self._order = api.new_event(name, resets_itself=True)

    def wait(self, timeout_s: float, program: Spawned | None) -> None:
        """Wait until the program has output, a child ends, an order comes or the time is over.

        It may return early.
        """
        running = [child for child in _children.values() if child.returncode is None]
        handles = [self._order, *(int(child._handle) for child in running)]  # type: ignore[attr-defined] # no public way
        if program is not None:
            handles.append(program.has_news)
        if api.wait_for_any(handles, timeout_s) == 0:
            self._on_order()


def try_lock(descriptor: int) -> bool:
    """Lock an open file, until it is closed or this process ends; return False if it is locked."""
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


def is_locked(path: str) -> bool:
    """Return whether a process holds the lock on a file; False if there is no such file."""
    try:
        lock = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not try_lock(lock)
    finally:
        os.close(lock)


def replace_file(source: str | Path, target: str | Path) -> None:
    """Give a file a name that another file may have, in one step.

    Windows refuses it while a program has one of the two open, so it is tried for a while.

    Raises:
        OSError: it cannot be done.
    """
    _patiently(lambda: os.replace(source, target))


def read_file(path: str | Path) -> bytes:
    """Return the content of a file that another process may replace meanwhile.

    Raises:
        OSError: it cannot be read.
    """
    return _patiently(Path(path).read_bytes)


def _patiently(action: Callable[[], T]) -> T:
    until = time.monotonic() + _SHARING_S
    while True:
        try:
            return action()
        except PermissionError:
            if time.monotonic() > until:
                raise
        time.sleep(_SHARING_PAUSE_S)


def sync_folder(path: str | Path) -> None:
    """Do nothing: NTFS keeps a journal of the names in a folder."""


def fork_for_each_line(execute: Callable[[str], None]) -> NoReturn:
    """
    Raises:
        OSError: always; Windows has no fork.
    """
    raise OSError("Windows cannot fork")
