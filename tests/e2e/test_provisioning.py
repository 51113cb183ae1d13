"""Two hosts whose Blender builds and environments are set on the manager alone, while they run."""

import shutil
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from tests.farm.command_line import tablao
from tests.farm.custom_jobs import ScriptFarm
from tests.farm.processes import wait_until
from workflows.domain.job_types.definitions import AuthoredCommand, AuthoredTask
from workflows.domain.statuses import JobStatus

PROVISIONS = "/api/tablao/v1/provisions"
#: Stands for a build of Blender: says who and what it is, and renders until it is let go.
BUILD = """#!/bin/sh
for frame; do :; done
echo "Blender {version} (build of a test)"
echo "run {version} $HOST_NAME ${{SHOW:-none}} $frame: $1 $2 $3" >> "$LEDGER"
while [ ! -e "$OUT/go-{version}-$HOST_NAME" ] && [ ! -e "$OUT/go-$frame" ]; do sleep 0.2; done
echo "done {version} $HOST_NAME ${{SHOW:-none}} $frame" >> "$LEDGER"
"""


class ProvisionedFarm(ScriptFarm):
    """A farm with the frames of one job to render, and several builds of Blender."""

    def build(self, version: str) -> str:
        path = self.directory / f"blender-{version}"
        path.write_text(BUILD.format(version=version))
        path.chmod(0o755)
        return str(path)

    def set_for(self, name: str, **settings: Any) -> None:
        url = f"{PROVISIONS}/worker/{self.worker(name)['id']}"
        answer = self.http.put(url, json=settings)
        assert answer.status_code == 200, answer.text

    def runs(self, version: str, host: str, word: str = "run") -> list[str]:
        """What this build has written on this host, after its own name: environment, frame, …"""
        start = f"{word} {version} {host} "
        lines = self.ledger.read_text().splitlines()
        return [line.removeprefix(start) for line in lines if line.startswith(start)]

    def until_runs(self, version: str, host: str, count: int = 1) -> list[str]:
        wait_until(lambda: len(self.runs(version, host)) >= count, 90)
        return self.runs(version, host)

    def let_go(self, what: str) -> None:
        """A frame, or all of a build on a host (`4.5-north`)."""
        (self.out / f"go-{what}").touch()

    def is_returned(self, host: str, slot: int) -> bool:
        query = "SELECT count(*) FROM leases WHERE worker_id = ? AND slot = ? AND state <> ?"
        wanted = (self.worker(host)["id"], slot, "returned")
        with sqlite3.connect(self.database_file) as connection:
            return not connection.execute(query, wanted).fetchone()[0]

    def of_ours(self, name: str) -> dict[str, Any]:
        """A worker with what Flamenco's interface has no fields for."""
        return dict(self.http.get(f"/api/tablao/v1/workers/{self.worker(name)['id']}").json())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProvisionedFarm]:
    farm = ProvisionedFarm(tmp_path_factory.mktemp("provisioned") / "farm")
    with farm:
        farm.start_host("north")
        farm.start_host("south")
        farm.until_awake(2)
        yield farm


@pytest.fixture
def stage(running: ProvisionedFarm) -> ProvisionedFarm:
    """Nothing is set for anybody."""
    for each in running.http.get(PROVISIONS).json()["provisions"]:
        running.http.delete(f"{PROVISIONS}/{each['scope']}/{each['target']}")
    return running


def test_two_hosts_run_what_the_manager_says_before_and_after_a_change(
    stage: ProvisionedFarm,
) -> None:
    lts, stable, newest = (stage.build(version) for version in ("4.5", "5.0", "5.1"))
    stage.set_for("north", blender={"4.5": lts}, environment={"SHOW": "tangos"})
    stage.set_for("south", blender={"5.0": stable}, environment={"SHOW": "solea"})

    job = stage.submit_frames("1-7")
    north, south = stage.until_runs("4.5", "north"), stage.until_runs("5.0", "south")
    assert {north[0][:6], south[0][:5]} == {"tangos", "solea"}
    assert north[0].endswith(": -b -y " + str(stage.blend_file))

    # Both are rendering. Everything of north's changes, and south gets a second slot.
    stage.set_for(
        "north",
        blender={"4.5": lts, "5.1": newest},
        blender_args="-b --threads",
        environment={"SHOW": "bulerias"},
    )
    stage.set_for("south", blender={"5.0": stable}, environment={"SHOW": "alegrias"}, slots=2)
    second = stage.until_runs("5.0", "south", 2)[1]
    stage.let_go("4.5-north")
    after = stage.until_runs("5.1", "north")

    assert second.startswith("alegrias ")
    assert stage.runs("4.5", "north", "done")[0].startswith("tangos ")  # left alone by the change
    assert stage.runs("5.0", "south", "done") == []
    assert after[0].startswith("bulerias ")
    assert after[0].endswith(f": -b --threads {stage.blend_file}")

    # South has one slot less again: the second is given back after its frame; the first goes on.
    stage.set_for("south", blender={"5.0": stable}, slots=1)

    def is_given_back() -> bool:
        # It may have begun another frame in the moment before the recall came.
        for run in stage.runs("5.0", "south")[1:]:
            stage.let_go(run.split()[1].rstrip(":"))
        return stage.is_returned("south", 1)

    wait_until(is_given_back, 60)
    assert stage.runs("5.0", "south", "done")[0] == second.split(":")[0]
    assert south[0].split(":")[0] not in stage.runs("5.0", "south", "done")

    stage.let_go("5.1-north")
    stage.let_go("5.0-south")
    stage.until_job_is(job, JobStatus.COMPLETED)
    lines = stage.ledger.read_text().splitlines()
    print("\n" + "\n".join(line.split(":")[0] for line in lines))  # noqa: T201 -- what was shown
    assert sum(line.startswith("run ") for line in lines) == 7
    assert len(stage.runs("4.5", "north")) == 1


def test_hosts_are_told_at_once_and_say_which_programs_are_missing(
    stage: ProvisionedFarm,
) -> None:
    stage.set_for("north", ffmpeg="/nowhere/ffmpeg", slots=2, environment={"LICENSE": "s3cret"})
    missing = wait_until(lambda: stage.of_ours("north")["statistics"].get("missing_programs"), 30)

    said = (stage.directory / "north.log").read_text()
    assert missing == ["/nowhere/ffmpeg"]
    assert "settings that the farm has for this worker: environment, ffmpeg, slots" in said
    assert "the farm's settings name /nowhere/ffmpeg, which is no program here" in said
    assert "s3cret" not in said
    assert stage.of_ours("north")["slots"] == 2

    # Set for all, over the command line; a host that starts anew is told at its sign-on.
    stage.terminate_host("south")
    assert tablao(stage, "worker-settings", "set", "--farm", "slots=3").exit_code == 0
    stage.start_host("south")
    told = "settings that the farm has for this worker: slots"
    wait_until(lambda: told in (stage.directory / "south.log").read_text(), 60)
    assert (stage.of_ours("north")["slots"], stage.of_ours("south")["slots"]) == (2, 3)


def test_a_real_blender_is_the_one_that_the_farm_names(stage: ProvisionedFarm) -> None:
    real = shutil.which("blender")
    stage.set_for("north", blender={"real": real}, environment={"SHOW": "fandango"})
    stage.set_for("south", task_types=["misc"])
    wait_until(lambda: stage.of_ours("south")["supported_task_types"] == ["misc"], 30)
    script = "import bpy, os; print('it is', bpy.app.version[0] > 2, os.environ['SHOW'])"

    asked = stage.submit_frames("1", name="of another build", metadata={"blender_version": "9.9"})
    stage.until_job_is(asked, JobStatus.FAILED)
    job = stage.insert(blender_task(script))
    stage.until_job_is(job, JobStatus.COMPLETED)

    [failed], [rendered] = stage.tasks(asked), stage.tasks(job)
    assert 'nothing is set for "{blender-9.9}" on this worker' in stage.log(failed["id"])
    assert "it is True fandango" in stage.log(rendered["id"])
    assert f"({stage.worker('north')['id']})" in stage.log(rendered["id"])


def blender_task(script: str) -> AuthoredTask:
    parameters = {
        "exe": "{blender}",
        "exeArgs": "{blenderArgs}",
        "blendfile": "",
        "args": ["--python-exit-code", "3", "--python-expr", script],
    }
    command = AuthoredCommand("blender-render", parameters, 1)
    return AuthoredTask("ask Blender", "blender", (command,))
