"""A worker that was installed from an older wheel is upgraded by its manager while it renders."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from manager_api.version import VERSION
from tests.farm.processes import SCALED, STAND_IN, FarmProcesses, wait_until
from tests.packages import manager_of_broken_workers
from tests.packages.conftest import PROJECT, Packages
from tests.packages.environments import environment_of_steps, installed
from tests.packages.made_versions import OLDER, older

NAME = "carmen"
#: Frames are held until the file `go` is there.
HELD = STAND_IN.replace('sleep "$FRAME_S"', 'while [ ! -e "$OUT/go" ]; do sleep 0.1; done')
#: Production's, because a host that begins takes its time on a busy machine.
PATIENT = {**SCALED, "TABLAO_LOST_AFTER_S": "60", "TABLAO_HEARTBEAT_S": "120"}


class UpgradedFarm(FarmProcesses):
    """A farm with one worker, which was installed from an older wheel and has two slots."""

    def __init__(self, directory: Path, programs: Path) -> None:
        uv = {name: value for name, value in environment_of_steps().items() if "UV_" in name}
        settings = {
            **PATIENT,
            **uv,
            "UV_CONSTRAINT": str(PROJECT / "requirements.txt"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        super().__init__(directory, settings=settings, blender=HELD)
        self.programs["worker_host.main"] = (str(programs / "tablao-worker"),)

    def begin_manager(self, *script: str) -> None:
        """Run the manager in place of the one that runs, from a script or as it is."""
        self.terminate_manager()
        self.programs.pop("manager_api.cli.main", None)
        if script:
            self.programs["manager_api.cli.main"] = (sys.executable, *script)
        self.start_manager()

    def worker(self) -> dict[str, Any]:
        workers = self.http.get("/api/tablao/v1/workers").json()["workers"]
        (found,) = [each for each in workers if each["name"] == NAME]
        return dict(found)

    def upgrade(self) -> Any:
        """What is known of the worker's upgrade."""
        groups = self.http.get("/api/tablao/v1/versions").json()["workers"]
        (found,) = [each for group in groups for each in group["workers"]]
        return found["upgrade"]

    def order(self) -> None:
        wait_until(lambda: self.worker()["is_connected"], 60)
        answer = self.http.post(f"/api/tablao/v1/workers/{self.worker()['id']}/upgrade")
        assert answer.status_code == 204, answer.text

    def held(self, frames: str, slots: int) -> tuple[str, Sequence[tuple[str, int]]]:
        """A job of which as many frames are held as there are slots; its id, and their pids."""
        (self.out / "go").unlink(missing_ok=True)
        before = len(self.started())
        job = self.submit_frames(frames)
        wait_until(lambda: len(self.started()) == before + slots, 60)
        return job, self.started()[before:]

    def finish(self, job: str) -> None:
        (self.out / "go").touch()
        self.until_job_is(job, "completed")


@pytest.fixture(scope="module")
def farm(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpgradedFarm]:
    folder = tmp_path_factory.mktemp("upgrade")
    programs = installed(folder / "older", sys.executable, older(packages.wheel, folder))
    with UpgradedFarm(folder / "farm; #1", programs) as farm:
        farm.start_host(NAME, "--slots", "2")
        wait_until(lambda: farm.awake(), 180)
        yield farm


def test_a_version_that_cannot_work_leaves_the_old_one_at_work_with_its_frames(
    farm: UpgradedFarm,
) -> None:
    farm.begin_manager(manager_of_broken_workers.__file__)
    before, pid = farm.worker(), farm.hosts[NAME].pid
    job, held = farm.held("1-3", slots=2)

    farm.order()
    failed = wait_until(lambda: _failed(farm.upgrade(), "broken on purpose"), 240)
    wait_until(lambda: farm.worker()["is_connected"], 60)
    alive = [psutil.pid_exists(each) for _, each in held]
    farm.finish(job)

    assert failed["version"] == VERSION
    assert alive == [True, True]
    assert farm.started()[:2] == held
    assert sorted(farm.started()) == sorted(farm.ended())
    assert len(farm.started()) == 3
    after = farm.worker()
    assert (after["id"], after["version"]) == (before["id"], f"Tablao {OLDER}")
    assert (farm.hosts[NAME].poll(), farm.hosts[NAME].pid) == (None, pid)
    versions = farm.directory / NAME / "versions"
    wait_until(lambda: {each.name for each in versions.iterdir()} == {"chosen.json"}, 30)


def test_a_worker_is_upgraded_while_its_frames_render(farm: UpgradedFarm) -> None:
    farm.begin_manager()
    before, pid = farm.worker(), farm.hosts[NAME].pid
    assert before["version"] == f"Tablao {OLDER}"
    job, held = farm.held("11-14", slots=2)
    count = len(farm.started())

    farm.order()
    states = set()

    def is_upgraded() -> bool:
        states.add((farm.upgrade() or {}).get("state"))
        worker = farm.worker()
        return bool(worker["version"] == f"Tablao {VERSION}" and worker["is_connected"])

    wait_until(is_upgraded, 240)
    wait_until(lambda: _serves(farm, pid), 60)
    alive = [psutil.pid_exists(each) for _, each in held]
    assert len(farm.started()) == count
    farm.finish(job)

    assert alive == [True, True]
    rendered = farm.started()[count - 2 :]
    assert rendered[:2] == held
    assert sorted(frame for frame, _ in rendered) == ["11", "12", "13", "14"]
    assert sorted(rendered) == sorted(farm.ended()[count - 2 :])
    assert farm.upgrade() is None
    assert "installing" in states
    after = farm.worker()
    assert (after["id"], after["version"]) == (before["id"], f"Tablao {VERSION}")
    assert (farm.hosts[NAME].poll(), farm.hosts[NAME].pid) == (None, pid)


def test_the_new_version_begins_when_a_service_starts_the_worker_again(
    farm: UpgradedFarm,
) -> None:
    farm.terminate_host(NAME)
    farm.start_host(NAME, "--slots", "2")

    wait_until(lambda: farm.awake(), 120)

    assert farm.worker()["version"] == f"Tablao {VERSION}"
    assert _serves(farm, farm.hosts[NAME].pid)
    farm.terminate_host(NAME)
    assert farm.hosts[NAME].returncode == 0


def _failed(upgrade: Any, reason: str) -> Any:
    has_failed = upgrade and upgrade["state"] == "failed" and reason in upgrade["reason"]
    return upgrade if has_failed else None


def _serves(farm: UpgradedFarm, pid: int) -> bool:
    """Whether the process is the new version's."""
    folder = str(farm.directory / NAME / "versions")
    # A process that takes another program's place has no command line for a moment.
    return "".join(psutil.Process(pid).cmdline()[:1]).startswith(folder)
