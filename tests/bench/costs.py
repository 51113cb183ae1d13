"""What a manager costs: `python -m tests.bench.costs --against CHECKOUT`.

Measures this checkout and, if asked, an older one with its own environment (`make venv` there), in
turns, so that other load on the machine affects both. The table shows the medians of the rounds.
With `--frames 100000` it measures a large job, too.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.farm.processes import free_port, wait_until

ROOT = Path(__file__).parents[2]
_JOBS = 50
_CALLS = 300
_IDLE_S = 30.0
_MIB = 2**20


class ServedManager:
    """A manager of one checkout, with its embedded Temporal, on a new data directory."""

    def __init__(self, checkout: Path, data_dir: Path) -> None:
        port = free_port()
        environment = os.environ | {"TABLAO_AUTODISCOVERABLE": "false"}
        # Compiled modules count: an installed manager has them.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        began = time.monotonic()
        self._process = subprocess.Popen(
            [
                *(checkout / ".venv" / "bin" / "tablao", "manager"),
                *("--data-dir", data_dir, "--port", str(port)),
            ],
            env=environment,
            cwd=checkout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(data_dir / "stderr").open("w"),
        )
        self.manager = psutil.Process(self._process.pid)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600)
        wait_until(self._answers, 180, 0.02)
        self.ready_s = time.monotonic() - began
        self.ready_cpu_s = cpu_s(self.manager)
        wait_until(self._is_in_charge, 180)
        self.temporal = self.manager.children(recursive=True)

    def _answers(self) -> bool:
        try:
            return self.http.get("/api/v3/version").status_code == 200
        except httpx.TransportError:
            return False

    def _is_in_charge(self) -> bool:
        """Whether Temporal is up, so that a job can begin."""
        return bool(self.manager.children(recursive=True))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        for process in self.temporal:
            if process.is_running():
                process.kill()
        self.http.close()


@contextmanager
def served(checkout: Path) -> Iterator[ServedManager]:
    with tempfile.TemporaryDirectory(prefix="costs-") as directory:
        manager = ServedManager(checkout, Path(directory))
        try:
            yield manager
        finally:
            manager.stop()


def cpu_s(*processes: psutil.Process) -> float:
    times = [process.cpu_times() for process in processes]
    return float(sum(each.user + each.system for each in times))


def costs(manager: ServedManager, idle_s: float) -> dict[str, float]:
    """Measure one manager, from its start on."""
    figures = {"ready, s": manager.ready_s, "ready, CPU s": manager.ready_cpu_s}
    time.sleep(10)
    figures |= _idle(manager, idle_s)
    worker = _registered(manager.http)
    for number in range(_JOBS):
        manager.http.post("/api/v3/jobs", json=nap(number)).raise_for_status()
    task = wait_until(lambda: _fetched(manager.http, worker), 120)
    # What the submissions have started ends before anything is measured.
    wait_until(lambda: _is_quiet(manager), 120)
    jobs = _ms_per_call(manager, lambda: manager.http.get("/api/v3/jobs"))
    figures[f"fetchJobs of {_JOBS} jobs, CPU ms"] = jobs
    report = {"activity": "rendering", "log": "Fra:1 Mem:1.00M\n"}
    figures["task update, CPU ms"] = _ms_per_call(
        manager,
        lambda: manager.http.post(f"/api/v3/worker/task/{task['uuid']}", json=report, auth=worker),
    )
    return figures


def _idle(manager: ServedManager, seconds: float) -> dict[str, float]:
    both = [manager.manager, *manager.temporal]
    before, since = cpu_s(*both), time.monotonic()
    time.sleep(seconds)
    share = 100 * (cpu_s(*both) - before) / (time.monotonic() - since)
    return {
        "manager idle, MB": manager.manager.memory_info().rss / _MIB,
        "Temporal idle, MB": sum(each.memory_info().rss for each in manager.temporal) / _MIB,
        "both idle, % of a core": share,
    }


def _ms_per_call(manager: ServedManager, call: Callable[[], httpx.Response]) -> float:
    for _ in range(20):
        call().raise_for_status()
    before = cpu_s(manager.manager)
    for _ in range(_CALLS):
        call().raise_for_status()
    return 1000 * (cpu_s(manager.manager) - before) / _CALLS


def _is_quiet(manager: ServedManager) -> bool:
    before = cpu_s(manager.manager)
    time.sleep(3)
    return cpu_s(manager.manager) - before < 0.3


def _registered(http: httpx.Client) -> tuple[str, str]:
    secret = "bench-secret"
    worker: dict[str, Any] = {"name": "bench", "secret": secret, "platform": "linux"}
    worker["supported_task_types"] = ["misc"]
    registered = http.post("/api/v3/worker/register-worker", json=worker).raise_for_status()
    auth = (str(registered.json()["uuid"]), secret)
    sign_on = {"name": "bench", "supported_task_types": ["misc"], "software_version": "3.8"}
    http.post("/api/v3/worker/sign-on", json=sign_on, auth=auth).raise_for_status()
    awake = {"status": "awake"}
    http.post("/api/v3/worker/state-changed", json=awake, auth=auth).raise_for_status()
    return auth


def _fetched(http: httpx.Client, worker: tuple[str, str]) -> dict[str, Any] | None:
    answer = http.post("/api/v3/worker/task", auth=worker)
    return dict(answer.json()) if answer.status_code == 200 else None


def nap(number: int, seconds: float = 0) -> dict[str, Any]:
    """A job of two tasks: one ends at once, the other one takes so many seconds."""
    naps = {"message": "olé", "sleep_duration_seconds": seconds, "sleep_repeats": 1}
    return {
        "name": f"job {number}",
        "type": "echo-sleep-test",
        "priority": 50,
        "submitter_platform": "linux",
        "settings": naps,
    }


def large_job(manager: ServedManager, frames: int) -> dict[str, float]:
    """Measure a job of so many tasks: its submission, and the list of its tasks."""
    worst = 0.0
    is_over = threading.Event()

    def ask_meanwhile() -> None:
        nonlocal worst
        with httpx.Client(base_url=manager.http.base_url, timeout=600) as other:
            while not is_over.wait(0.05):
                began = time.monotonic()
                other.get("/api/v3/version")
                worst = max(worst, time.monotonic() - began)

    asking = threading.Thread(target=ask_meanwhile)
    asking.start()
    began, before = time.monotonic(), cpu_s(manager.manager)
    answer = manager.http.post("/api/v3/jobs", json=of_frames(frames)).raise_for_status()
    figures = {
        "submission, s": time.monotonic() - began,
        "submission, CPU s": cpu_s(manager.manager) - before,
    }
    began, size = time.monotonic(), 0
    with manager.http.stream("GET", f"/api/v3/jobs/{answer.json()['id']}/tasks") as tasks:
        for piece in tasks.iter_bytes():
            if not size:
                figures["list of tasks, first byte, s"] = time.monotonic() - began
            size += len(piece)
    figures |= {
        "list of tasks, s": time.monotonic() - began,
        "list of tasks, MB": size / 1e6,
        "manager afterwards, MB": manager.manager.memory_info().rss / _MIB,
    }
    is_over.set()
    asking.join()
    return {**figures, "longest wait of another caller, s": worst}


def of_frames(frames: int, chunk: int = 1) -> dict[str, Any]:
    """A job of a task for each `chunk` frames."""
    settings = {
        "frames": f"1-{frames}",
        "chunk_size": chunk,
        "render_output_root": "/render",
        "add_path_components": 0,
        "render_output_path": "/render/shot/######",
        "blendfile": "/shots/shot.blend",
        "fps": 0,
        "format": "PNG",
        "image_file_extension": ".png",
        "scene": "",
    }
    return nap(0) | {"type": "simple-blender-render", "settings": settings}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout, with its environment")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=float, default=_IDLE_S, help="seconds to be idle")
    parser.add_argument("--frames", type=int, default=0, help="also a job of so many tasks")
    wanted = parser.parse_args(arguments)
    checkouts = [ROOT, *([wanted.against.resolve()] if wanted.against else [])]
    rounds: dict[Path, list[dict[str, float]]] = {checkout: [] for checkout in checkouts}
    for _ in range(wanted.rounds):
        for checkout in checkouts:
            with served(checkout) as manager:
                rounds[checkout].append(costs(manager, wanted.idle))
            if wanted.frames:
                with served(checkout) as manager:
                    rounds[checkout][-1] |= large_job(manager, wanted.frames)
    _print([_medians(rounds[checkout]) for checkout in checkouts])


def _medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}


def _print(columns: Sequence[dict[str, float]]) -> None:
    here, *others = columns
    heads = ["here", *("there, ratio" for _ in others)]
    _say(f"{'':42}" + "".join(f"{head:>20}" for head in heads))
    for name, value in here.items():
        compared = "".join(f"{o[name]:12.2f}{value / o[name]:8.2f}" for o in others)
        _say(f"{name:42}{value:20.2f}{compared}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
