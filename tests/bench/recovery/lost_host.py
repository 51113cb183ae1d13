"""How soon a farm misses a host, and begins its task on another one."""

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from tests.bench.rounds import Figures
from tests.farm.processes import FarmProcesses, wait_until

#: Seconds of a task. Several of them end while a host is missed.
FRAME_S = 3.0
HOSTS = 4
AIM_S = 15.0
_FRAMES = "1-5000"
_WITHIN_S = 180.0
_LOOK_EVERY_S = 0.02


class FarmAtWork(FarmProcesses):
    """A farm whose hosts have work all the time. All time-outs are production's."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, frame_s=FRAME_S, settings={})

    def set_to_work(self, hosts: int) -> None:
        self.start_hosts(hosts)
        self.submit_frames(_FRAMES)
        for host in self.hosts:
            wait_until(lambda name=host: self.frame_of(name), _WITHIN_S)

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
        farm.set_to_work(HOSTS)
        for struck, (strike, mend) in _strikes(farm).items():
            for number in range(rounds):
                host = f"host{number % HOSTS + 1}"
                said_s, begun_s = farm.miss(host, lambda on=host, do=strike: do(on))
                say(f"{struck}: said to be lost after {said_s:.1f} s, its task began {begun_s:.1f}")
                figures.add(struck, "said to be lost, s", said_s, AIM_S)
                figures.add(struck, "its task on another host, s", begun_s, AIM_S)
                mend(host)
                wait_until(lambda name=host: farm.frame_of(name), _WITHIN_S)


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
