"""Upgrades a farm from an earlier commit: `python -m tests.packages.from_commit COMMIT`.

The wheel is built from that commit, so its migrations and its messages are really older; this needs
the repository's history. The manager is replaced while real Blender renders, then the worker by
hand. What was seen is printed; the exit code is 1 if a render was lost or repeated.
"""

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.farm.processes import wait_until
from tests.packages.conftest import PROJECT, built
from tests.packages.environments import installed
from tests.packages.made_versions import older
from tests.packages.upgraded_farm import NAME, ToolFarm, all_alive

FRAMES = 4
SLOTS = 2


def wheel_of(commit: str, folder: Path) -> Path:
    """Build the wheel of a commit, with this tree's dashboard and add-on, which it needs."""
    sources, packages = folder / "sources", folder / "packages"
    command = ["git", "archive", commit]
    archive = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as content:
        content.extractall(sources, filter="data")
    for name in ("manager_api/dashboard_files", "manager_api/addon_files"):
        shutil.copytree(PROJECT / name, sources / name)
    time = ["git", "log", "-1", "--format=%ct", commit]
    epoch = subprocess.run(time, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    subprocess.run(
        [sys.executable, "deploy/package.py", str(packages)],
        cwd=sources,
        env={"SOURCE_DATE_EPOCH": epoch.strip()},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return next(packages.glob("*.whl"))


def problems(farm: ToolFarm, folder: Path) -> Iterator[str]:
    """Upgrade the farm; yield what went wrong."""
    job, held = farm.held(f"1-{FRAMES}", SLOTS)
    _say(farm, "before")
    farm.terminate_manager()
    replaced = farm.install(farm.newer)
    assert replaced.returncode == 0, replaced.stderr
    farm.start_manager()
    wait_until(lambda: farm.worker()["is_connected"], 120)
    _say(farm, "the manager is replaced")
    before = farm.worker()["version"]

    newer = installed(folder / "newer", sys.executable, farm.newer)
    farm.kill_host(NAME)
    farm.programs["worker_host.main"] = (str(newer / "tablao-worker"),)
    farm.start_host(NAME, "--slots", str(SLOTS))
    wait_until(lambda: farm.worker()["version"] != before, 120)
    wait_until(lambda: farm.worker()["is_connected"], 120)
    _say(farm, "the worker is replaced")
    if not all_alive(held):
        yield "a Blender has ended"
    farm.let_go()
    farm.until_job_is(job, "completed", timeout_s=240)
    if farm.started()[:SLOTS] != held or len(farm.started()) != FRAMES:
        yield f"frames were begun again: {farm.started()}"
    if farm.attempts(job) != [1] * FRAMES:
        yield f"tasks were tried so often: {farm.attempts(job)}"
    if len(list(farm.out.glob("*.png"))) != FRAMES:
        yield "a frame is missing"


def _say(farm: ToolFarm, when: str) -> None:
    version = farm.http.get("/api/v3/version").json()["git"]
    worker = farm.worker()["version"]
    sys.stdout.write(f"{when}: {version}, migration {farm.migration()}, worker {worker}\n")


def main(commit: str) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "this").mkdir()
        this = built(folder / "this").wheel
        farm = ToolFarm(folder / "farm", older(wheel_of(commit, folder), folder), this)
        begun = farm.install(farm.older)
        assert begun.returncode == 0, begun.stderr
        with farm:
            farm.save_scene()
            farm.start_host(NAME, "--slots", str(SLOTS))
            wait_until(lambda: farm.awake(), 180)
            found = list(problems(farm, folder))
    sys.stdout.write("\n".join(found or ["every render went on, and every frame is there"]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
