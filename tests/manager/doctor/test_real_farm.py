"""Both doctors on a farm of real processes: well, then with one part after the other taken away."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from tests.farm.processes import FarmProcesses, wait_until

Checks = Mapping[str, Mapping[str, str]]

#: The machine that tests may be short of them.
OF_THE_MACHINE = frozenset(
    {"storage.space", "data-directory", "logs", "database.size", "disk", "memory"}
)
REAL_BLENDER = '#!/bin/sh\nexec blender "$@"\n'


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarmProcesses]:
    with FarmProcesses(tmp_path_factory.mktemp("farm") / "farm", blender=REAL_BLENDER) as farm:
        farm.start_hosts(1)
        yield farm


def tablao_doctor(farm: FarmProcesses) -> tuple[int, Checks]:
    environment = {"TABLAO_MANAGER": farm.url, "TABLAO_DATA_DIR": str(farm.data_dir)}
    return _called(["manager_api.cli.main", "doctor", "--json"], environment)


def worker_doctor(farm: FarmProcesses) -> tuple[int, Checks]:
    where = ("--manager", farm.url, "--data-dir", str(farm.directory / "host1"))
    return _called(["worker_host.main", "doctor", "--json", *where], {})


def _called(arguments: list[str], environment: Mapping[str, str]) -> tuple[int, Checks]:
    code, report = _reported(arguments, environment)
    return code, by_id(report["checks"])


def by_id(checks: list[dict[str, str]]) -> Checks:
    return {each["id"]: each for each in checks}


def _reported(arguments: list[str], environment: Mapping[str, str]) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def not_fine(checks: Checks) -> dict[str, str]:
    return {
        name: each["sentence"]
        for name, each in checks.items()
        if each["state"] != "fine" and name not in OF_THE_MACHINE
    }


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_farm_that_is_well(farm: FarmProcesses) -> None:
    # Of a farm that has just started, it comes a moment later.
    wait_until(lambda: tablao_doctor(farm)[1]["temporal.keeper"]["state"] == "fine")

    code, checks = tablao_doctor(farm)

    assert not_fine(checks) == {}
    assert code == 0
    assert "1 of 1" in checks["workers"]["sentence"]
    wait_until(lambda: "of 1 hosts" in tablao_doctor(farm)[1]["workers.clocks"]["sentence"])


def test_a_render_machine_that_is_well_renders_a_frame(farm: FarmProcesses) -> None:
    code, checks = worker_doctor(farm)

    assert not_fine(checks) == {}
    assert code == 0
    assert "rendered a frame" in checks["blender.frame"]["sentence"]
    assert str(farm.data_dir / "storage") in checks["storage"]["sentence"]


def test_a_machine_is_looked_at_from_the_manager(farm: FarmProcesses) -> None:
    asked = ["manager_api.cli.main", "doctor", "--workers", "--json"]

    _, report = _reported(asked, {"TABLAO_MANAGER": farm.url})

    (machine,) = report["workers"]
    checks = by_id(machine["checks"])
    assert not_fine(checks) == {}
    assert "rendered a frame" in checks["blender.frame"]["sentence"]
    assert machine["version"] == report["version"]


def test_a_temporal_that_hangs(farm: FarmProcesses) -> None:
    pid = farm.temporal_pid()
    assert pid is not None
    with stopped(pid):
        code, checks = tablao_doctor(farm)

    assert (code, checks["temporal"]["state"]) == (1, "broken")
    assert "temporal/temporal.log" in checks["temporal"]["advice"]
    assert checks["database"]["state"] == checks["workers"]["state"] == "fine"


def test_a_worker_whose_secret_is_wrong(farm: FarmProcesses) -> None:
    file = farm.directory / "host1" / "tablao-worker-credentials.yaml"
    before = file.read_text()
    content = yaml.safe_load(before)
    content[farm.url]["secret"] = "wrong"
    file.write_text(yaml.safe_dump(content))

    code, checks = worker_doctor(farm)
    file.write_text(before)

    assert (code, checks["credentials"]["state"]) == (1, "broken")
    assert "joins again" in checks["credentials"]["advice"]


# The last one: it takes the manager away.


def test_a_manager_that_was_killed(farm: FarmProcesses) -> None:
    farm.kill_manager()

    code, checks = tablao_doctor(farm)
    _, of_worker = worker_doctor(farm)

    assert (code, checks["manager"]["state"]) == (1, "broken")
    assert checks["port"]["state"] == "to-look-at"
    # Its Temporal outlives it, and its database is whole.
    assert "answers, version" in checks["temporal"]["sentence"]
    assert checks["database"]["state"] == checks["database.schema"]["state"] == "fine"
    assert of_worker["manager"]["state"] == "broken"
    assert "tablao doctor" in of_worker["manager"]["advice"]
