"""Keeps the memory and the environment of a process from other processes of the same user."""

import contextlib
import ctypes
import sys

_PR_SET_DUMPABLE = 4


def keep_memory_private() -> None:
    """Let no process without root's rights read this one's memory or environment; Linux only.

    Programs of the same user could else read passwords of settings from `/proc`. The price is that
    debuggers and core dumps need root's rights, too. Programs that it starts are readable.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
