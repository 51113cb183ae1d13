"""What hosts do with processes that are not their children, on this platform."""

import sys

if sys.platform == "win32":
    from worker_host.processes.windows_shims import Shims
    from worker_host.processes.windows_supervision import (
        kill,
        kill_leftovers,
        on_order_to_end,
        order_to_stop,
        wait_for_exit,
    )
else:
    from worker_host.processes.posix_shims import Shims
    from worker_host.processes.posix_supervision import (
        kill,
        kill_leftovers,
        on_order_to_end,
        order_to_stop,
        wait_for_exit,
    )

__all__ = [
    "Shims",
    "kill",
    "kill_leftovers",
    "on_order_to_end",
    "order_to_stop",
    "wait_for_exit",
]
