"""A script submits a blend file with one call, without Blender, or gets the reasons against it."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from addon.core import Canceled, NotSubmittable, ProjectFinder, submit_blend_file
from addon.core.manager import ManagerError
from tests.addon.core.contract_watch import ContractWatch
from tests.addon.core.small_farm import SmallFarm

#: What `simple-blender-render` would ask Blender for.
KNOWN = {
    "frames": "3-4",
    "format": "PNG",
    "image_file_extension": ".png",
    "scene": "Scene",
}
#: Starts no Blender.
NO_PROGRAM = "no-such-blender"


def refusal_of(*arguments: Any, **more: Any) -> dict[str, str]:
    """Return the findings' sentences by their codes."""
    with pytest.raises(NotSubmittable) as refusal:
        submit_blend_file(*arguments, **more)
    return {each.code: str(each) for each in refusal.value.findings}


def test_the_example_of_the_page_renders(
    farm: SmallFarm, watch: ContractWatch, rendered_job: dict[str, Any]
) -> None:
    frames = sorted(each.name for each in farm.out.rglob("*.png"))

    assert rendered_job["status"] == "completed"
    assert frames == ["000003.png", "000004.png"]
    assert rendered_job["metadata"]["comment"] == "nightly"
    assert rendered_job["settings"]["frames"] == "3-4"
    assert rendered_job["settings"]["fps"] == 24
    assert rendered_job["metadata"]["blender.version"]


def test_what_is_said_needs_no_blender(
    farm: SmallFarm, watch: ContractWatch, blend_file: Path
) -> None:
    (blend_file.parent / ".blender_project").touch()

    job = submit_blend_file(
        watch.url,
        blend_file,
        settings={**KNOWN, "render_output_root": str(farm.out)},
        is_paused=True,
        user_name="ana",
        project_finder=ProjectFinder.BLENDER_PROJECT,
        name="from a script",
    )

    stored = farm.job(job["id"])
    assert (stored["name"], stored["status"]) == ("from a script", "paused")
    assert stored["metadata"] == {"user.name": "ana", "project": "Piloto ñ"}
    assert stored["settings"]["render_output_path"].startswith(f"{farm.out}/from a script/2")
    assert watch.wrong == []


def test_a_worker_tag_goes_by_its_name(
    farm: SmallFarm, watch: ContractWatch, blend_file: Path
) -> None:
    tag = farm.http.post("/api/v3/worker-mgt/tags", json={"name": "night shift"}).json()["id"]
    settings = {**KNOWN, "render_output_root": str(farm.out)}

    job = submit_blend_file(
        watch.url, blend_file, settings=settings, worker_tag="night shift", is_paused=True
    )

    assert farm.job(job["id"])["worker_tag"] == tag
    farm.http.delete(f"/api/v3/worker-mgt/tag/{tag}")


def test_what_only_blender_can_tell_is_named(farm: SmallFarm, blend_file: Path) -> None:
    with pytest.raises(NotSubmittable) as refusal:
        submit_blend_file(farm.url, blend_file, settings={"render_output_root": str(farm.out)})

    sentences = [each.sentence for each in refusal.value.findings]
    assert [each.partition(" cannot be evaluated")[0] for each in sentences] == [
        "Frames",
        "Format",
        "Image File Extension",
        "Scene",
    ]


def test_everything_wrong_is_told_at_once(farm: SmallFarm, tmp_path: Path) -> None:
    found = refusal_of(
        farm.url,
        tmp_path / "missing.blend",
        settings={**KNOWN, "frames": "9-1", "format": "FFMPEG"},
        priority=200,
        worker_tag="nobody",
    )

    assert set(found) == {
        *("file-gone", "video-format", "no-worker-tag", "bad-priority", "bad-frames"),
        "setting-empty",
    }


def test_bad_settings_are_refused_before_anything_is_read(
    farm: SmallFarm, blend_file: Path
) -> None:
    found = refusal_of(
        farm.url, blend_file, settings={"chunk_size": "many", "colour": "red"}, blender=NO_PROGRAM
    )

    assert "“many” is not a whole number" in found["bad-setting"]
    assert "has no setting “colour”" in found["unknown-setting"]


def test_a_job_type_that_is_not_there_is_refused(farm: SmallFarm, blend_file: Path) -> None:
    assert "no-job-type" in refusal_of(farm.url, blend_file, "ironing")


def test_a_file_that_is_no_scene_is_refused(farm: SmallFarm, tmp_path: Path) -> None:
    (tmp_path / "broken.blend").write_text("no scene")

    found = refusal_of(farm.url, tmp_path / "broken.blend", blender="blender")

    assert "Blender gave no answer about broken.blend" in found["scene-not-told"]


def test_a_blender_that_is_not_there_is_named(farm: SmallFarm, blend_file: Path) -> None:
    found = refusal_of(farm.url, blend_file, blender=NO_PROGRAM)

    assert found == {"scene-not-told": f"There is no program {NO_PROGRAM}. Say where Blender is."}


def test_a_manager_that_is_not_there_is_named(blend_file: Path) -> None:
    with pytest.raises(ManagerError, match="No manager answers at"):
        submit_blend_file("127.0.0.1:9", blend_file)


def test_a_script_can_cancel_while_blender_tells(
    farm: SmallFarm, watch: ContractWatch, blend_file: Path
) -> None:
    with pytest.raises(Canceled):
        submit_blend_file(watch.url, blend_file, blender="blender", is_canceled=lambda: True)

    assert "submitJob" not in watch.operations


def test_the_page_names_every_argument() -> None:
    page = (Path(__file__).parents[3] / "docs/scripting.md").read_text()
    named = set(re.findall(r"`(\w+)`", page)) | set(re.findall(r"(\w+)=", page))

    arguments = set(inspect.signature(submit_blend_file).parameters) - {
        "manager_address",
        "blendfile",
    }

    assert arguments <= named
