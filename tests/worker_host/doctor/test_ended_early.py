"""A doctor that is told to end leaves no program behind that it tried."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.farm.processes import wait_until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_doctor_that_is_told_to_end_ends_the_blender_that_it_tried(
    tmp_path: Path, number: signal.Signals
) -> None:
    blender, noted = tmp_path / "blender", tmp_path / "pid"
    blender.write_text(
        f'#!/bin/sh\necho $$ > "{noted}.new"\nmv "{noted}.new" "{noted}"\nsleep 600\n'
    )
    blender.chmod(0o700)
    where = ("--manager", "http://127.0.0.1:1", "--data-dir", str(tmp_path / "host"))
    doctor = subprocess.Popen(
        [sys.executable, "-m", "worker_host.main", "doctor", *where, "--blender", str(blender)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(noted.exists)
    tried = psutil.Process(int(noted.read_text()))

    doctor.send_signal(number)
    _, complaints = doctor.communicate(timeout=60)

    assert doctor.returncode == 130
    assert "Traceback" not in complaints
    wait_until(lambda: not tried.is_running() or tried.status() == psutil.STATUS_ZOMBIE)
