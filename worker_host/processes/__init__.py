"""Processes, their groups and their identity on this platform.

Standard library only: shims import it too.
"""

import sys

if sys.platform == "win32":
    raise ImportError("Windows cannot run tasks yet: worker_host/processes has only posix.py")

from worker_host.processes.posix import (
    Spawned,
    adopt_orphans,
    children,
    identity,
    is_alive,
    kill_children,
    leave_terminal,
    reap,
    signal_group,
    spawn,
)

__all__ = [
    "Spawned",
    "adopt_orphans",
    "children",
    "identity",
    "is_alive",
    "kill_children",
    "leave_terminal",
    "reap",
    "signal_group",
    "spawn",
]
