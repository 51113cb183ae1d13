"""The functions of Windows that Python lacks, through ctypes. Standard library only.

Handles are numbers; who gets one closes it with `close`.
"""

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import wintypes

# Tells the type checker, too, that the rest is for Windows only.
assert sys.platform == "win32"

PROCESS_TERMINATE = 0x0001
PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
SYNCHRONIZE = 0x00100000
_EVENT_MODIFY_STATE = 0x0002
_INFINITE = 0xFFFFFFFF
_WAIT_TIMEOUT = 0x102
_WAIT_FAILED = 0xFFFFFFFF
_JOB_BASIC_PROCESS_ID_LIST = 3
_JOB_EXTENDED_LIMIT_INFORMATION = 9
_JOB_KILL_ON_CLOSE = 0x2000
_ERROR_MORE_DATA = 234
_CTRL_BREAK_EVENT = 1
_CP_UTF8 = 65001
_SEM_FAIL_CRITICAL_ERRORS = 0x0001
_SEM_NO_GP_FAULT_ERROR_BOX = 0x0002
_SEM_NO_OPEN_FILE_ERROR_BOX = 0x8000

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)


class _BasicLimits(ctypes.Structure):
    _fields_ = (
        ("per_process_user_time", ctypes.c_int64),
        ("per_job_user_time", ctypes.c_int64),
        ("limit_flags", wintypes.DWORD),
        ("minimum_working_set", ctypes.c_size_t),
        ("maximum_working_set", ctypes.c_size_t),
        ("active_process_limit", wintypes.DWORD),
        ("affinity", ctypes.c_size_t),
        ("priority_class", wintypes.DWORD),
        ("scheduling_class", wintypes.DWORD),
    )


class _ExtendedLimits(ctypes.Structure):
    _fields_ = (
        ("basic", _BasicLimits),
        ("io", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


def _declare(name: str, result: type | None, *arguments: type) -> None:
    function = getattr(_kernel32, name)
    function.restype, function.argtypes = result, arguments


_BOOL, _DWORD, _HANDLE, _POINTER = (
    wintypes.BOOL,
    wintypes.DWORD,
    wintypes.HANDLE,
    ctypes.c_void_p,
)
_declare("AssignProcessToJobObject", _BOOL, _HANDLE, _HANDLE)
_declare("CloseHandle", _BOOL, _HANDLE)
_declare("CreateEventW", _HANDLE, _POINTER, _BOOL, _BOOL, wintypes.LPCWSTR)
_declare("CreateJobObjectW", _HANDLE, _POINTER, wintypes.LPCWSTR)
_declare("GenerateConsoleCtrlEvent", _BOOL, _DWORD, _DWORD)
_declare("GetCurrentProcess", _HANDLE)
_declare("GetProcessTimes", _BOOL, _HANDLE, _POINTER, _POINTER, _POINTER, _POINTER)
_declare("IsProcessInJob", _BOOL, _HANDLE, _HANDLE, _POINTER)
_declare("OpenEventW", _HANDLE, _DWORD, _BOOL, wintypes.LPCWSTR)
_declare("OpenProcess", _HANDLE, _DWORD, _BOOL, _DWORD)
_declare("QueryInformationJobObject", _BOOL, _HANDLE, ctypes.c_int, _POINTER, _DWORD, _POINTER)
_declare("ResetEvent", _BOOL, _HANDLE)
_declare("SetConsoleCP", _BOOL, wintypes.UINT)
_declare("SetConsoleOutputCP", _BOOL, wintypes.UINT)
_declare("SetErrorMode", wintypes.UINT, wintypes.UINT)
_declare("SetEvent", _BOOL, _HANDLE)
_declare("SetInformationJobObject", _BOOL, _HANDLE, ctypes.c_int, _POINTER, _DWORD)
_declare("TerminateProcess", _BOOL, _HANDLE, wintypes.UINT)
_declare("WaitForMultipleObjects", _DWORD, _DWORD, _POINTER, _BOOL, _DWORD)


def close(handle: int) -> None:
    _kernel32.CloseHandle(handle)


# --- processes -----------------------------------------------------------------------------------


@contextmanager
def opened_process(pid: int, access: int) -> Iterator[int | None]:
    """A context with a handle to a process; None if there is none, or access to it is denied."""
    handle = _kernel32.OpenProcess(access, False, pid)
    try:
        yield handle
    finally:
        if handle:
            close(handle)


def began_at(process: int) -> int:
    """Return when a process began, in units of 100 ns since 1601; 0 if that is not known."""
    times = [wintypes.FILETIME() for _ in range(4)]
    if not _kernel32.GetProcessTimes(process, *(ctypes.byref(each) for each in times)):
        return 0
    return (times[0].dwHighDateTime << 32) | times[0].dwLowDateTime


def terminate(process: int) -> None:
    _kernel32.TerminateProcess(process, 1)


# --- jobs ----------------------------------------------------------------------------------------


def job_of_this_process() -> int:
    """Put this process, with all that it starts, in a new job; return the job.

    The system kills what is in it when its last handle is closed, as at this process's end. The
    handle is not inherited, and nothing can leave the job.

    Raises:
        OSError: the system refuses it.
    """
    job = _kernel32.CreateJobObjectW(None, None)
    limits = _ExtendedLimits()
    limits.basic.limit_flags = _JOB_KILL_ON_CLOSE
    size = ctypes.sizeof(limits)
    _check(
        job
        and _kernel32.SetInformationJobObject(
            job, _JOB_EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), size
        )
        and _kernel32.AssignProcessToJobObject(job, _kernel32.GetCurrentProcess())
    )
    return int(job)


def pids_in(job: int) -> list[int]:
    """Return the numbers of the processes in a job.

    Raises:
        OSError: the job cannot be asked.
    """
    room = 64
    while True:
        # Two counts of 32 bits, then the numbers: those that the job has, and those that follow.
        buffer = (ctypes.c_size_t * (room + 1))()
        is_whole = _kernel32.QueryInformationJobObject(
            job, _JOB_BASIC_PROCESS_ID_LIST, buffer, ctypes.sizeof(buffer), None
        )
        if is_whole:
            return list(buffer[1 : 1 + (buffer[0] >> 32)])
        if ctypes.get_last_error() != _ERROR_MORE_DATA:
            _check(is_whole)
        room *= 4


def is_in(job: int, process: int) -> bool:
    answer = wintypes.BOOL()
    _check(_kernel32.IsProcessInJob(process, job, ctypes.byref(answer)))
    return bool(answer)


# --- events --------------------------------------------------------------------------------------


def new_event(name: str | None = None, *, resets_itself: bool = False) -> int:
    """Return an event that is not set.

    Raises:
        OSError: the system refuses it.
    """
    event = _kernel32.CreateEventW(None, not resets_itself, False, name)
    _check(event)
    return int(event)


def set_event(event: int) -> None:
    _kernel32.SetEvent(event)


def reset_event(event: int) -> None:
    _kernel32.ResetEvent(event)


def set_named_event(name: str) -> bool:
    """Set another process's event; return False if there is none."""
    event = _kernel32.OpenEventW(_EVENT_MODIFY_STATE, False, name)
    if not event:
        return False
    try:
        return bool(_kernel32.SetEvent(event))
    finally:
        close(event)


def wait_for_any(handles: Sequence[int], timeout_s: float | None) -> int | None:
    """Wait until one of at most 64 handles is signaled; return its position, None after the time.

    Raises:
        OSError: a handle cannot be waited for.
    """
    array = (wintypes.HANDLE * len(handles))(*handles)
    milliseconds = _INFINITE if timeout_s is None else min(_INFINITE - 1, int(timeout_s * 1000) + 1)
    found: int = _kernel32.WaitForMultipleObjects(len(handles), array, False, milliseconds)
    _check(found != _WAIT_FAILED)
    return None if found == _WAIT_TIMEOUT else found


# --- the console ---------------------------------------------------------------------------------


def send_break(group: int) -> bool:
    """Send Ctrl-Break to a process group on this console; return whether that was possible."""
    return bool(_kernel32.GenerateConsoleCtrlEvent(_CTRL_BREAK_EVENT, group))


def speak_utf8() -> None:
    """Make programs that ask this console how to write, such as `cmd`, write UTF-8."""
    _kernel32.SetConsoleCP(_CP_UTF8)
    _kernel32.SetConsoleOutputCP(_CP_UTF8)


def show_no_error_boxes() -> None:
    """Let this process and what it starts end when they crash, without waiting for a click."""
    _kernel32.SetErrorMode(
        _SEM_FAIL_CRITICAL_ERRORS | _SEM_NO_GP_FAULT_ERROR_BOX | _SEM_NO_OPEN_FILE_ERROR_BOX
    )


def _check(succeeded: object) -> None:
    if not succeeded:
        number = ctypes.get_last_error()
        raise OSError(None, ctypes.FormatError(number).strip(), None, number)


def python_without_launcher() -> str:
    """Return Python's own program: that of a virtual environment only starts it."""
    return str(getattr(sys, "_base_executable", "") or os.path.abspath(sys.executable))
