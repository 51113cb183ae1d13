"""Measures the dashboard and prints a table.

python -m tests.browser.figures [--tasks 10000] [--jobs 2000] [--rate 200] [--seconds 60]
    [--pages 50]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, cast

import psutil
from playwright.sync_api import Browser, Page
from websockets.sync.client import connect

from tests.browser.chromium import Problems, chromium
from tests.browser.conftest import open_view
from tests.browser.load_manager import Change

_PROBE = Path(__file__).with_name("figures_page.js")
_OPENINGS = 7
_SETTLE_MS = 2000
Row = tuple[str, str]


@dataclass(frozen=True)
class View:
    """A page with a long table."""

    of: str
    """What its rows are: tasks or jobs."""
    label: str
    """The table's label."""
    row_name: str
    """A regular expression for the names of its rows."""
    path: str
    """`{job}` is the job with the tasks."""

    def path_for(self, manager: "LoadManager") -> str:
        return self.path.format(job=manager.job)


TASKS = View("tasks", "Tasks of the job", r"render-\d{5}", "/jobs/{job}?tab=tasks")
JOBS = View("jobs", "Jobs", r"shot-\d{5}", "/jobs")


@dataclass
class LoadManager:
    process: "subprocess.Popen[str]"
    url: str
    job: str

    def change(self, of: str, rate: float, seconds: float) -> None:
        assert self.process.stdin is not None
        asked = {"rate": rate, "seconds": seconds, "of": of}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()

    def changed(self) -> list[Change]:
        assert self.process.stdout is not None
        return [
            (name, status, ms) for name, status, ms in json.loads(self.process.stdout.readline())
        ]

    def cpu_s(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def load_manager(tasks: int, jobs: int) -> Iterator[LoadManager]:
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.load_manager", folder, str(tasks), str(jobs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            yield LoadManager(process, f"http://127.0.0.1:{told['port']}", told["job"])
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def opened(browser: Browser, manager: LoadManager, view: View) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
    asked = f"{json.dumps(view.label)}, {json.dumps(view.row_name)}"
    context.add_init_script(f"({_PROBE.read_text()})({asked})")
    page = context.new_page()
    problems = Problems(page)
    open_view(page, manager.url, view.path_for(manager))
    page.wait_for_function("window.seen.firstRowsMs > 0")
    yield page
    problems.check()
    context.close()


def seen(page: Page, what: str) -> list[Any]:
    return cast(list[Any], page.evaluate(f"window.seen.{what}"))


def forget(page: Page) -> None:
    page.evaluate("for (const list of ['changes', 'longTasksMs', 'framesMs']) seen[list] = []")


def share(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


def opening(browser: Browser, manager: LoadManager, view: View) -> list[Row]:
    times, longest = [], []
    for _ in range(_OPENINGS):
        with opened(browser, manager, view) as page:
            times.append(page.evaluate("window.seen.firstRowsMs"))
            longest.append(max(seen(page, "longTasksMs"), default=0))
    return [
        (
            f"{view.of}: first rows, p50 and worst",
            f"{median(times):.0f} ms, {max(times):.0f} ms",
        ),
        (f"{view.of}: longest script while opening, worst", f"{max(longest):.0f} ms"),
    ]


def updates(
    browser: Browser, manager: LoadManager, view: View, rate: float, seconds: float
) -> list[Row]:
    with opened(browser, manager, view) as page:
        page.wait_for_timeout(_SETTLE_MS)
        forget(page)
        manager.change(view.of, rate, seconds)
        page.wait_for_timeout(seconds * 1000 + _SETTLE_MS)
        made, drawn = manager.changed(), seen(page, "changes")
        long_tasks = seen(page, "longTasksMs")
    delays = delays_of(made, drawn)
    first, last = delays[: len(delays) // 6], delays[-len(delays) // 6 :]
    return [
        (f"{view.of}: updates a second, for {seconds:.0f} s", f"{len(made) / seconds:.0f}"),
        (f"{view.of}: event to pixel, samples", str(len(delays))),
        (
            f"{view.of}: event to pixel, p50 and p99",
            f"{share(delays, 50):.0f} ms, {share(delays, 99):.0f} ms",
        ),
        (
            f"{view.of}: event to pixel, p99 of the first and the last sixth",
            f"{share(first, 99):.0f} ms, {share(last, 99):.0f} ms",
        ),
        (f"{view.of}: scripts over 50 ms; longest", _long(long_tasks)),
    ]


def delays_of(made: Sequence[Change], drawn: Sequence[Sequence[Any]]) -> list[float]:
    """From a change's commit to the end of the frame that shows it."""
    commits: dict[tuple[str, str], list[float]] = defaultdict(list)
    for name, status, at_ms in made:
        commits[name, status].append(at_ms)
    delays = []
    for name, label, at_ms in drawn:
        before = [ms for ms in commits[name, label.lower()] if ms <= at_ms + 1]
        if before:
            delays.append(at_ms - before[-1])
    return delays


def scrolling(
    browser: Browser, manager: LoadManager, view: View, rate: float, seconds: float
) -> list[Row]:
    with opened(browser, manager, view) as page:
        page.wait_for_timeout(_SETTLE_MS)
        page.get_by_role("grid", name=view.label).hover()
        forget(page)
        manager.change(view.of, rate, seconds + 1)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            page.mouse.wheel(0, 600)
            page.wait_for_timeout(30)
        long_tasks, frames = seen(page, "longTasksMs"), seen(page, "framesMs")
        manager.changed()
    return [
        (
            f"{view.of}: scrolling with updates, scripts over 50 ms; longest",
            _long(long_tasks),
        ),
        (
            f"{view.of}: scrolling, time between frames, p50 and p99",
            f"{median(frames):.0f} ms, {share(frames, 99):.0f} ms",
        ),
    ]


def idle_bytes(browser: Browser, url: str, view: str, seconds: float) -> int:
    """What an open page receives in a minute, on the wire."""
    page = browser.new_page()
    open_view(page, url, view)
    page.wait_for_timeout(_SETTLE_MS)
    received = [0]
    session = page.context.new_cdp_session(page)

    def add(event: dict[str, Any]) -> None:
        text = event.get("response", {}).get("payloadData", "")
        received[0] += len(text.encode()) + event.get("encodedDataLength", 0)

    session.on("Network.dataReceived", add)
    session.on("Network.webSocketFrameReceived", add)
    session.send("Network.enable")
    page.wait_for_timeout(seconds * 1000)
    page.close()
    return round(received[0] * 60 / seconds)


def listening(manager: LoadManager, pages: int, rate: float, seconds: float) -> list[Row]:
    """An open page costs the manager its connection and what is sent over it."""
    rows = []
    for count in (0, pages):
        with ExitStack() as stack:
            address = manager.url.replace("http", "ws") + "/api/tablao/v1/events"
            for _ in range(count):
                socket = stack.enter_context(connect(address, max_size=None))
                threading.Thread(
                    target=lambda socket=socket: [None for _ in socket], daemon=True
                ).start()
            for load in (0.0, rate):
                before = manager.cpu_s()
                if load:
                    manager.change(TASKS.of, load, seconds)
                    manager.changed()
                else:
                    time.sleep(seconds)  # what is measured
                used = 100 * (manager.cpu_s() - before) / seconds
                rows.append(
                    (
                        f"manager's CPU, {count} pages, {load:.0f} updates/s",
                        f"{used:.1f} % of a core",
                    )
                )
    return rows


def _long(tasks: Sequence[float]) -> str:
    return f"{len(tasks)}; {max(tasks, default=0):.0f} ms"


def measure(options: argparse.Namespace) -> list[Row]:
    with load_manager(options.tasks, options.jobs) as manager, chromium() as browser:
        rows = []
        for view in (TASKS, JOBS):
            rows += opening(browser, manager, view)
            rows += updates(browser, manager, view, options.rate, options.seconds)
            rows += scrolling(browser, manager, view, options.rate, min(15, options.seconds))
        for path in (JOBS.path, TASKS.path_for(manager), "/workers"):
            received = idle_bytes(browser, manager.url, path, min(60, options.seconds))
            rows.append((f"idle page, {path.split('?')[-1]}", f"{received} bytes a minute"))
        return rows + listening(manager, options.pages, options.rate, min(20, options.seconds))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.figures", description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pages", type=int, default=50)
    lines = [f"| {what} | {figure} |" for what, figure in measure(parser.parse_args())]
    sys.stdout.write("\n".join(["| what | figure |", "|---|---|", *lines]) + "\n")


if __name__ == "__main__":
    main()
