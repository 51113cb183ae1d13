"""How soon a farm misses a host, and begins its task on another one.

One host is idle. While all others have other tasks, the lost one's task waits until one of them is
free, or until its host has taken none of the offers of rule 6; no machine's time is lost by that.
"""

import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import psutil

from tests.bench.rounds import Figures
from tests.farm.processes import FarmProcesses, wait_until

#: Seconds of a task: longer than a host is missed, or the task would end while its host is stopped.
FRAME_S = 20.0
#: At work. One more is idle.
HOSTS = 3
AIM_S = 15.0
_WITHIN_S = 180.0
_LOOK_EVERY_S = 0.02


class FarmAtWork(FarmProcesses):
    """A farm whose hosts have work all the time. All time-outs are production's."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, frame_s=FRAME_S, settings={})

    def set_to_work(self, frames: range) -> str:
        """Submit a job whose frames are rendered at the same time; return its id."""
        job = self.submit_frames(f"{frames[0]}-{frames[-1]}")
        wait_until(lambda: set(frames) <= self.start_times().keys(), _WITHIN_S)
        return job

    def host_at_work(self) -> str:
        return next(host for host in self.hosts if self.frame_of(host))

    def come_to_rest(self, job: str) -> None:
        """Cancel the job, and wait until all hosts are there and idle."""
        asked = {"status": "cancel-requested", "reason": "the benchmark has seen enough"}
        self.http.post(f"/api/v3/jobs/{job}/setstatus", json=asked).raise_for_status()
        self.until_job_is(job, "canceled", timeout_s=_WITHIN_S)
        wait_until(lambda: len(self.awake()) == len(self.hosts), _WITHIN_S)
        wait_until(lambda: not self.shim_pids(), _WITHIN_S)

    def frame_of(self, host: str) -> int:
        """The frame that the host renders at this moment; 0: none."""
        pids = {child.pid for shim in self.shim_pids(host) for child in _children(shim)}
        ended = {pid for _, pid in self.ended()}
        running = [int(frame) for frame, pid in self.started() if pid in pids - ended]
        return running[-1] if running else 0

    def is_lost(self, host: str) -> bool:
        """Whether the farm says so. The database is what all answers are made of."""
        ((status,),) = self.query("select status from workers where name = ?", host)
        return bool(status == "error")

    def starts_of(self, frame: int) -> int:
        return sum(int(started) == frame for started, _ in self.started())

    def miss(self, host: str, strike: Callable[[], None]) -> tuple[float, float]:
        """Strike a host at work.

        Returns:
            The seconds from then on until the farm says that the host is lost, and until the task
            that it had begins on another one.
        """
        frame = wait_until(lambda: self.frame_of(host), _WITHIN_S, _LOOK_EVERY_S)
        before = self.starts_of(frame)
        struck = time.monotonic()
        strike()
        wait_until(lambda: self.is_lost(host), _WITHIN_S, _LOOK_EVERY_S)
        said_s = time.monotonic() - struck
        wait_until(lambda: self.starts_of(frame) > before, _WITHIN_S, _LOOK_EVERY_S)
        return said_s, time.monotonic() - struck

    def kill_machine(self, host: str) -> None:
        self.kill_host(host, with_shims=True)

    def stop(self, host: str) -> None:
        self.hosts[host].send_signal(signal.SIGSTOP)

    def go_on(self, host: str) -> None:
        self.hosts[host].send_signal(signal.SIGCONT)


def measure(directory: Path, rounds: int, figures: Figures, say: Callable[[str], None]) -> None:
    with FarmAtWork(directory) as farm:
        farm.start_hosts(HOSTS + 1)
        first = 1
        for struck, (strike, mend) in _strikes(farm).items():
            for _ in range(rounds):
                job = farm.set_to_work(range(first, first + HOSTS))
                first += HOSTS
                host = farm.host_at_work()
                said_s, begun_s = farm.miss(host, partial(strike, host))
                say(f"{struck}: said to be lost after {said_s:.1f} s, its task began {begun_s:.1f}")
                figures.add(struck, "said to be lost, s", said_s, AIM_S)
                figures.add(struck, "its task on another host, s", begun_s, AIM_S)
                mend(host)
                farm.come_to_rest(job)


def _strikes(
    farm: FarmAtWork,
) -> Mapping[str, tuple[Callable[[str], None], Callable[[str], None]]]:
    return {
        "a host, killed with its run": (farm.kill_machine, farm.start_host),
        "a host, stopped": (farm.stop, farm.go_on),
    }


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
