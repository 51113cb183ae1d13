"""The program of the child process that runs one script.

It imports the engine for one language, waits for a request on standard input, writes the answer to
standard output, which is a file, and ends. It begins without the manager's environment
(sandbox.py), and limits itself before it runs a script.
"""

import contextlib
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    # It is started by its path and isolated, so no foreign folder is on the module path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from manager_api.job_types.exchange import Answer, Request

_MB = 2**20
#: Factor on the process's limits for JavaScript. The engine enforces the limits of the script
#: itself; handing over its result needs more.
_JAVASCRIPT_ROOM = 4
#: The memory that a Python interpreter maps before it reads anything.
_PYTHON_ROOM_MB = 64


def main(suffix: str) -> None:
    run_script = _engine(suffix)
    # Output that a script or its children print must not get into the answer.
    answer_file = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    text = sys.stdin.buffer.read()
    if not text:
        return  # the manager has ended, or has no script to run any more
    request = Request.from_text(text.decode())
    os.chdir(request.folder)
    _limit(request)
    text = run_script(request).as_text().encode(errors="replace")
    if len(text) > request.limits.answer_mb * _MB:
        limit = f"{request.limits.answer_mb} MB"
        problem = f"{request.file}: its result is larger than {limit}."
        text = Answer(error=problem).as_text().encode()
    with answer_file:
        answer_file.write(text)


def _engine(suffix: str) -> Callable[[Request], Answer]:
    # Import only the engine that is needed: importing the other would cost time.
    if suffix == ".js":
        from manager_api.job_types.javascript_engine import run_javascript
        from manager_api.job_types.processor_time import allow_step

        return lambda request: run_javascript(request, allow_step)
    from manager_api.job_types.python_engine import run_python

    return run_python


def _limit(request: Request) -> None:
    """Set the limits that the operating system supports."""
    limits, room = request.limits, _JAVASCRIPT_ROOM if request.file.endswith(".js") else 1
    if hasattr(signal, "setitimer"):
        # The manager kills this process after `wall_s`; the timer is for a manager that has died.
        signal.setitimer(signal.ITIMER_REAL, limits.wall_s + 5)
    with contextlib.suppress(ImportError):
        import resource

        # At the lower limit SIGXCPU tells the manager the reason. A script can ignore it, but not
        # the SIGKILL at the upper limit.
        cpu_s = math.ceil(limits.cpu_s) * room + math.ceil(time.process_time())
        memory = (limits.memory_mb * room + _PYTHON_ROOM_MB) * _MB
        for what, lower, upper in (
            (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),
            (resource.RLIMIT_AS, memory, memory),
            # The answer and the error output are files.
            (resource.RLIMIT_FSIZE, *[2 * limits.answer_mb * _MB] * 2),
            (resource.RLIMIT_CORE, 0, 0),
        ):
            # Some systems refuse some limits; the time limit by wall clock remains.
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(what, (lower, upper))


if __name__ == "__main__":
    main(sys.argv[1])
