"""The wheel in an empty environment: a farm starts from it, and serves its dashboard."""

import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.farm.processes import wait_until
from tests.packages.conftest import PROJECT, Packages
from tests.packages.environments import INTERPRETERS, environment_of_steps, installed


@contextmanager
def up(programs: Path, folder: Path) -> Iterator[str]:
    """Run `tablao up` with one worker; yield the manager's address."""
    folder.mkdir()
    log = folder / "up.log"
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "CI": "1"}
    command = (str(programs / "tablao"), "up", "--data-dir", str(folder / "farm"), "--port", "0")
    with log.open("w") as output:
        farm = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:

            def is_up() -> bool:
                assert farm.poll() is None, log.read_text()
                return "Press Ctrl-C" in log.read_text()

            wait_until(is_up, 180)
            yield next(iter(re.findall(r"http://127\.0\.0\.1:\d+", log.read_text())))
        finally:
            farm.send_signal(signal.SIGINT)
            farm.wait(60)


def test_this_python_is_among_those_that_are_tried() -> None:
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in INTERPRETERS


@pytest.mark.parametrize("version", INTERPRETERS)
def test_a_farm_starts_from_the_wheel_and_serves_its_dashboard(
    packages: Packages, tmp_path: Path, version: str
) -> None:
    programs = installed(tmp_path / "environment", INTERPRETERS[version], packages.wheel)

    with up(programs, tmp_path / "home") as url:
        page = httpx.get(f"{url}/app/jobs")
        scripts = re.findall(r'src="[./]*(?:app/)?(assets/[^"]+)"', page.text)
        served = [httpx.get(f"{url}/app/{script}").content for script in scripts]
        addon = httpx.get(f"{url}/tablao-addon.zip")
        wait_until(lambda: bool(_awake(url)), 180)

    with zipfile.ZipFile(packages.wheel) as wheel:
        built = [wheel.read(f"manager_api/dashboard_files/{script}") for script in scripts]
    assert scripts
    assert served == built
    assert addon.status_code == 200
    helped = subprocess.run(
        [programs / "tablao-worker", "--help"], capture_output=True, text=True, cwd=tmp_path
    )
    assert (helped.returncode, "Renders for a Tablao farm" in helped.stdout) == (0, True)


def test_a_machine_installs_the_managers_package_by_its_digest_and_joins(tmp_path: Path) -> None:
    uv, folder = str(Path(sys.executable).parent / "uv"), tmp_path / "worker"
    install = (uv, "pip", "install", "--quiet", "--python", str(folder))
    pinned = ("--constraint", str(PROJECT / "requirements.txt"))

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        environment = environment_of_steps()
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)

    # This manager runs from a checkout.
    with up(Path(sys.executable).parent, tmp_path / "home") as url:
        about = httpx.get(f"{url}/api/tablao/v1/package").json()
        wheel = f"tablao @ {url}{about['path']}#sha256="
        assert run(uv, "venv", "--quiet", "--python", sys.executable, str(folder)).returncode == 0
        other = run(*install, "--no-deps", f"{wheel}{'0' * 64}")
        done = run(*install, *pinned, f"{wheel}{about['sha256']}")

        assert "Hash mismatch" in other.stderr
        assert done.returncode == 0, done.stderr
        command = (str(folder / "bin/tablao-worker"), "--manager", url, "--name", "joined")
        environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        host = subprocess.Popen(
            (*command, "--data-dir", str(tmp_path / "data")), env=environment, cwd=tmp_path
        )
        try:
            wait_until(lambda: "joined" in _awake(url), 180)
        finally:
            host.terminate()
            host.wait(60)


def _awake(url: str) -> set[str]:
    workers = httpx.get(f"{url}/api/tablao/v1/workers").json()["workers"]
    return {worker["name"] for worker in workers if worker["status"] == "awake"}
