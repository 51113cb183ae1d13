"""How soon a farm of two managers serves again: `python -m tests.chaos.serving`.

Both managers share a PostgreSQL; two hosts are connected to each. One part after another is killed.
From that moment on, a job is submitted until the farm takes it, and its first command is awaited.
The baseline is the same on the untouched farm. All time-outs are production's.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from tests.chaos.two_managers import TwoManagers
from tests.farm.processes import FarmProcesses, wait_until
from tests.manager.databases import create_database
from tests.manager.postgres import postgres_server, restart_at_once

_HOSTS = 4


class Measured(TwoManagers):
    """Submits through either manager, whichever takes the job first."""

    def serves_again(self, number: int) -> tuple[float, float]:
        """Return the seconds until a new job is accepted, and until its first command begins."""
        began = time.monotonic()
        wait_until(lambda: self.submitted(str(number)), 300, 0.1)
        accepted = time.monotonic() - began
        wait_until(lambda: any(int(frame) == number for frame, _ in self.started()), 300, 0.05)
        return accepted, time.monotonic() - began

    def submitted(self, frames: str) -> str:
        """Submit a job of these frames once; return its id, or nothing if no manager takes it."""
        return submitted(self, frames, (self.port, self.second_port))


def submitted(farm: FarmProcesses, frames: str, ports: Sequence[int]) -> str:
    """Submit a job of these frames once, through the first of the managers' ports that takes it.

    Returns:
        The job's id; empty if no manager takes it.
    """
    own = farm.http
    for port in ports:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as farm.http:
            try:
                return farm.submit_frames(frames)
            except (httpx.TransportError, AssertionError):
                continue
            finally:
                farm.http = own
    return ""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory(prefix="serving-") as directory, postgres_server() as server:
        url = create_database(server, "serving")
        with Measured(Path(directory), url, frame_s=0.2, settings={}) as farm:
            farm.start_hosts(_HOSTS)
            number = 0
            for struck, (strike, mend) in _strikes(farm, server).items():
                for _ in range(rounds):
                    number += 1
                    strike()
                    accepted, begun = farm.serves_again(number)
                    _say(f"{struck:28}accepted {accepted:6.1f} s   begun {begun:6.1f} s")
                    mend()
                    wait_until(lambda: len(farm.awake()) == _HOSTS, 120)


def _strikes(
    farm: Measured, server: str
) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    def nothing() -> None:
        pass

    def kill_both() -> None:
        farm.kill_manager()
        farm.kill_second()
        farm.start_manager()

    def kill_temporal() -> None:
        pid = farm.temporal_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    return {
        "nothing": (nothing, nothing),
        "the first manager": (farm.kill_manager, farm.start_manager),
        "the second manager": (farm.kill_second, farm.start_second),
        "both, and the first started": (kill_both, farm.start_second),
        "PostgreSQL, started at once": (lambda: restart_at_once(server), nothing),
        "Temporal": (kill_temporal, nothing),
    }


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
