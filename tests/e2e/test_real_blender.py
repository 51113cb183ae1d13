"""Real Blender on a farm: what a wrangler changes is in the pixels, and what it took is known."""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.farm.processes import SCALED, FarmProcesses, wait_until
from worker_host.processes.environment import clean_environment

SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
scene.render.resolution_percentage = 100
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
"""
ONE_FAILURE_IS_ENOUGH = {**SCALED, "TABLAO_TASK_FAIL_AFTER_SOFTFAIL_COUNT": "1"}


class BlenderFarm(FarmProcesses):
    def render(self, frames: str, *overrides: str) -> str:
        """The id of a job whose overrides were set before it began."""
        settings = self.render_settings(frames, str(self.out / uuid4().hex / "######"))
        job_id = self.submit("simple-blender-render", settings, initial_status="paused")
        self.until_job_is(job_id, "paused")
        answer = self.http.put(
            f"/api/tablao/v1/jobs/{job_id}/rna-overrides", json={"overrides": overrides}
        )
        assert answer.status_code == 200, answer.text
        resumed = self.http.post(f"/api/tablao/v1/jobs/{job_id}/actions", json={"action": "resume"})
        assert resumed.status_code == 204, resumed.text
        return job_id

    def render_settings(self, frames: str, output: str) -> dict[str, Any]:
        return {
            "frames": frames,
            "chunk_size": 1,
            "render_output_root": str(self.out),
            "add_path_components": 0,
            "render_output_path": output,
            "blendfile": str(self.blend_file),
            "format": "PNG",
            "image_file_extension": ".png",
            "scene": "Scene",
            "fps": 0,
        }

    def images(self, job_id: str) -> list[Path]:
        output = Path(self.job(job_id)["settings"]["render_output_path"])
        return sorted(output.parent.glob("*.png"))

    def log(self, task: dict[str, Any]) -> str:
        info = self.http.get(f"/api/v3/tasks/{task['id']}/log").json()
        return self.http.get(info["url"]).text


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlenderFarm]:
    blender = shutil.which("blender")
    assert blender, "apt-get install blender"
    directory = tmp_path_factory.mktemp("blender") / "farm"
    wrapper = f'#!/bin/sh\nexec {blender} "$@"\n'
    farm = BlenderFarm(directory, settings=ONE_FAILURE_IS_ENOUGH, blender=wrapper)
    with farm:
        farm.blend_file = directory / "scene.blend"
        subprocess.run(
            [blender, "-b", "--factory-startup", "--python-expr", SCENE, "--", farm.blend_file],
            check=True,
            capture_output=True,
            env=clean_environment(os.environ, {}, "scene"),
        )
        farm.start_host("anita")
        yield farm


def size(image: Path) -> tuple[int, int]:
    return struct.unpack(">II", image.read_bytes()[16:24])


def test_overrides_change_what_is_rendered(farm: BlenderFarm) -> None:
    usual = farm.render("1")
    changed = farm.render(
        "1-2",
        "bpy.context.scene.render.resolution_x = 40",
        "# and in the other direction",
        "bpy.data.scenes['Scene'].render.resolution_y -= 16",
    )

    farm.until_job_is(usual, "completed", timeout_s=60)
    farm.until_job_is(changed, "completed", timeout_s=60)

    assert [size(image) for image in farm.images(usual)] == [(64, 36)]
    assert [size(image) for image in farm.images(changed)] == [(40, 20), (40, 20)]
    assert "RNA override: bpy.context.scene.render.resolution_x = 40" in farm.log(
        farm.tasks(changed)[0]
    )


def test_an_override_that_fails_fails_its_task_and_renders_nothing(farm: BlenderFarm) -> None:
    job_id = farm.render("1", "bpy.context.scene.cycles.smples = 64")

    farm.until_job_is(job_id, "failed", timeout_s=60)

    assert farm.images(job_id) == []
    assert (
        "RNA override of line 1 failed: bpy.context.scene.cycles.smples = 64: AttributeError:"
    ) in farm.log(farm.tasks(job_id)[0])


def test_what_a_render_took_is_in_its_jobs_statistics(farm: BlenderFarm) -> None:
    # A second or two, so that it is looked at.
    job_id = farm.render("7", "bpy.context.scene.cycles.samples = 4000")
    farm.until_job_is(job_id, "completed", timeout_s=60)

    def peak() -> int:
        times = farm.http.get(f"/api/tablao/v1/jobs/{job_id}/statistics").json()
        return times["tasks"][0].get("memory_peak") or 0

    # Blender takes more than 30 MB before it does anything; the host's last word may come later.
    wait_until(lambda: peak() > 30_000_000)


def test_only_a_jobs_own_frames_count_until_it_is_requeued(farm: BlenderFarm) -> None:
    """Files of others, a resubmission that keeps them, and both ways of a requeue."""
    output = farm.out / uuid4().hex
    output.mkdir()
    settings = farm.render_settings("1-3", str(output / "######")) | {"chunk_size": 3}
    first = farm.submit("simple-blender-render", settings)
    farm.until_job_is(first, "completed", timeout_s=60)
    before = stamps(output)

    kept = farm.submit("simple-blender-render", settings | {"keep_existing_frames": True})
    farm.until_job_is(kept, "completed", timeout_s=60)
    assert stamps(output) == before

    second = farm.submit("simple-blender-render", settings)
    farm.until_job_is(second, "completed", timeout_s=60)
    of_the_second = stamps(output)
    assert of_the_second.keys() == before.keys()
    assert all(of_the_second[name] != before[name] for name in before)

    asked = {"action": "requeue", "frames": "keep"}
    assert farm.http.post(f"/api/tablao/v1/jobs/{second}/actions", json=asked).status_code == 204
    farm.until_job_is(second, "completed", timeout_s=60)
    assert stamps(output) == of_the_second

    asked = {"action": "requeue"}
    assert farm.http.post(f"/api/tablao/v1/jobs/{second}/actions", json=asked).status_code == 204
    farm.until_job_is(second, "completed", timeout_s=60)
    again = stamps(output)
    assert again.keys() == before.keys()
    assert all(again[name] != of_the_second[name] for name in before)


def stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
