"""Tells the meaning of exit codes that are no program's own: signals, and Windows' faults."""

from collections.abc import Mapping

#: By the signal's number, which is the same on Linux and macOS for all of these but SIGBUS.
_SIGNALS: Mapping[int, str] = {
    4: "it used an instruction that this CPU does not have, SIGILL",
    6: "it gave up, SIGABRT",
    7: "it could not read its memory, SIGBUS",
    8: "it crashed, SIGFPE",
    9: "it was killed, SIGKILL",
    11: "it crashed, SIGSEGV",
    15: "another program ended it, SIGTERM",
}
#: Windows' own codes, from `ntstatus.h`.
_WINDOWS: Mapping[int, str] = {
    0xC0000005: "it crashed, access violation 0xC0000005",
    0xC0000006: "it could not read its memory, in-page error 0xC0000006",
    0xC0000017: "there was not enough memory, 0xC0000017",
    0xC000001D: "it used an instruction that this CPU does not have, 0xC000001D",
    0xC00000FD: "it crashed, stack overflow 0xC00000FD",
    0xC000012D: "there was not enough memory, 0xC000012D",
    0xC0000135: "a library is missing, 0xC0000135",
    0xC0000142: "a library could not be started, 0xC0000142",
    0xC000013A: "another program ended it, 0xC000013A",
    0xC0000374: "it crashed, damaged heap 0xC0000374",
    0xC0000409: "it gave up, 0xC0000409",
}
#: A shell's exit code for a program that a signal has ended is the signal's number and this.
_OF_SHELL = 128


def said_of_code(code: int) -> str:
    """Return what a code means, in parentheses behind a space; empty if it is a program's own.

    Args:
        code: a signal's is negative, or a shell's. Windows' are signed or not.
    """
    if found := _WINDOWS.get(code & 0xFFFFFFFF):
        return f" ({found})"
    found = _SIGNALS.get(-code if code < 0 else code - _OF_SHELL)
    return f" ({found})" if found else ""
