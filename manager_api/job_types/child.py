"""A process that runs one script and ends: reads a request, writes an answer, both on files.

It begins without the manager's environment (sandbox.py), and limits itself before it reads any
script.
"""

import contextlib
import math
import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # Started by its path and isolated, so that no folder of somebody else's is on the module path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from manager_api.job_types.exchange import Answer, Request

_MB = 2**20
#: Around the JavaScript engine, which keeps its own limits: for what it hands over.
_JAVASCRIPT_ROOM = 4
#: What an interpreter maps before it has read anything.
_PYTHON_ROOM_MB = 64


def main() -> None:
    # What a script or its own children print must not end up in the answer.
    answer_file = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    request = Request.from_text(sys.stdin.buffer.read().decode())
    _limit(request)
    text = _answer(request).as_text().encode(errors="replace")
    if len(text) > request.limits.answer_mb * _MB:
        limit = f"{request.limits.answer_mb} MB"
        problem = f"{request.file}: what it makes of the job is larger than {limit}."
        text = Answer(error=problem).as_text().encode()
    with answer_file:
        answer_file.write(text)


def _answer(request: Request) -> Answer:
    # Either engine alone: the other one's start would be for nothing.
    if request.file.endswith(".js"):
        from manager_api.job_types.javascript_engine import run_javascript

        return run_javascript(request)
    from manager_api.job_types.python_engine import run_python

    return run_python(request)


def _limit(request: Request) -> None:
    """The system's limits, where it has them."""
    limits, room = request.limits, _JAVASCRIPT_ROOM if request.file.endswith(".js") else 1
    if hasattr(signal, "setitimer"):
        # The manager ends us when time is up; this is for a manager that is no more.
        signal.setitimer(signal.ITIMER_REAL, limits.wall_s + 5)
    with contextlib.suppress(ImportError):
        import resource

        # The signal at the lower limit tells the manager why; the upper one lets nobody ignore it.
        cpu_s = math.ceil(limits.cpu_s) * room
        memory = (limits.memory_mb * room + _PYTHON_ROOM_MB) * _MB
        for what, lower, upper in (
            (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),
            (resource.RLIMIT_AS, memory, memory),
            # Its answer is a file, and so is what it says to nobody.
            (resource.RLIMIT_FSIZE, *[2 * limits.answer_mb * _MB] * 2),
            (resource.RLIMIT_CORE, 0, 0),
        ):
            # Some systems refuse the one or the other; the wall clock remains.
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(what, (lower, upper))


if __name__ == "__main__":
    main()
