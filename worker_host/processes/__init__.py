"""Processes, their groups and their identity, and what else differs between the platforms.

Standard library only: shims import it too. What only hosts use is chosen in `supervision`.
"""

import sys

if sys.platform == "win32":
    from worker_host.processes.windows import (
        OUTPUT_ENCODING,
        Alarms,
        Spawned,
        adopt_orphans,
        ask_to_end,
        fork_for_each_line,
        identity,
        is_locked,
        kill_children,
        kill_group,
        program_names,
        read_file,
        reap,
        replace_file,
        spawn,
        sync_folder,
        try_lock,
        variable_name,
    )
else:
    from worker_host.processes.posix import (
        OUTPUT_ENCODING,
        Alarms,
        Spawned,
        adopt_orphans,
        ask_to_end,
        fork_for_each_line,
        identity,
        is_locked,
        kill_children,
        kill_group,
        program_names,
        read_file,
        reap,
        replace_file,
        spawn,
        sync_folder,
        try_lock,
        variable_name,
    )

__all__ = [
    "OUTPUT_ENCODING",
    "Alarms",
    "Spawned",
    "adopt_orphans",
    "ask_to_end",
    "fork_for_each_line",
    "identity",
    "is_locked",
    "kill_children",
    "kill_group",
    "program_names",
    "read_file",
    "reap",
    "replace_file",
    "spawn",
    "sync_folder",
    "try_lock",
    "variable_name",
]
