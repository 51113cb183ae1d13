"""What a host tells of its machine and of what runs on it."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.farm.ids import OWN_JOB
from worker_host.statistics import MachineStatistics, ProcessStatistics
from workflows.domain.messages import RunKey

KEY = RunKey(OWN_JOB, 1, 1, 1)


def test_the_machine_is_described_in_numbers(tmp_path: Path) -> None:
    told = MachineStatistics(tmp_path).of_machine()

    assert 0 <= told["cpu_percent"] <= 100
    assert 0 < told["memory_used"] < told["memory_total"]
    assert 0 < told["disk_free"] <= told["disk_total"]


def test_a_busy_machine_is_told_of_from_whatever_thread(tmp_path: Path) -> None:
    statistics = MachineStatistics(tmp_path)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        pass

    with ThreadPoolExecutor(1) as thread:
        told = thread.submit(statistics.of_machine).result()

    assert told["cpu_percent"] > 0


def test_a_run_uses_what_its_whole_process_tree_uses() -> None:
    child = "x = bytearray(64 * 2**20); import sys; print(); sys.stdin.read()"
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', sys.argv[1]])"
    with subprocess.Popen(
        [sys.executable, "-S", "-c", parent, child],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()

        told = ProcessStatistics().of_runs({KEY: process.pid})

        assert told[str(KEY)]["memory"] > 64 * 2**20
        process.communicate()


def test_a_run_that_has_ended_is_left_out() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        process.wait()

    assert ProcessStatistics().of_runs({KEY: process.pid}) == {}
