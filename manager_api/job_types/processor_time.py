"""Limits the processor time of a script's process, step by step."""

import contextlib
import math
import time

#: More than the engine's own limit, which gives a better answer where it holds.
_MORE_S = 1.0


def allow_step(cpu_s: float) -> None:
    """Let this process compute for so long from now on; then SIGXCPU tells the manager the reason.

    The engine notices its limit only between two instructions of a script. One instruction, such as
    sorting an array of four billion holes, may take hours. Some systems refuse limits; there the
    manager's limit by wall clock remains.
    """
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        until = math.ceil(time.process_time() + cpu_s + _MORE_S)
        is_limited = most != resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_CPU, (min(until, most) if is_limited else until, most))
