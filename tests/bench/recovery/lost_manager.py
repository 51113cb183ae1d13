"""How soon a farm serves again whose only manager was killed."""

import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.bench.costs import cpu_s
from tests.bench.rounds import Figures
from tests.chaos.serving import submitted
from tests.farm.processes import FarmProcesses, wait_until

HOSTS = 4
AIM_S = 3.0
#: Between two rounds, so that none begins with what the one before it has left.
SETTLE_S = 15.0
WITHIN_S = 180.0
LOOK_EVERY_S = 0.02
_FRAME_S = 0.2
_OF = "the only manager, started at once"


def measure(directory: Path, rounds: int, figures: Figures, say: Callable[[str], None]) -> None:
    """Kill the manager, whose Temporal lives on, and start it at once."""
    with FarmProcesses(directory, frame_s=_FRAME_S, settings={}) as farm:
        farm.start_hosts(HOSTS)
        for frame in range(1, rounds + 1):
            time.sleep(SETTLE_S)
            answered_s, used_s, begun_s = _strike(farm, frame)
            say(f"{_OF}: answered after {answered_s:.1f} s, a new job began after {begun_s:.1f}")
            figures.add(_OF, "first answer, s", answered_s, AIM_S)
            figures.add(_OF, "the manager's CPU until then, s", used_s)
            figures.add(_OF, "first command of a new job, s", begun_s, AIM_S)


def _strike(farm: FarmProcesses, frame: int) -> tuple[float, float, float]:
    """Return the seconds until the first answer, of the manager's CPU until then, and until the
    first command of a new job.
    """
    killed_at = time.time()
    farm.kill_manager()
    farm.launch_manager()
    wait_until(farm.answers, WITHIN_S, LOOK_EVERY_S)
    answered_s = time.time() - killed_at
    assert farm.manager is not None
    used_s = cpu_s(psutil.Process(farm.manager.pid))
    wait_until(lambda: submitted(farm, str(frame), [farm.port]), WITHIN_S, LOOK_EVERY_S)
    wait_until(lambda: frame in farm.start_times(), WITHIN_S, LOOK_EVERY_S)
    return answered_s, used_s, farm.start_times()[frame] - killed_at
