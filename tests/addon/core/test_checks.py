"""The checks find everything that would go wrong, with advice, before anything is sent."""

import ast
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from addon.core import checks, findings, pipeline, scene_asking
from addon.core.checks import (
    Finding,
    NotSubmittable,
    SceneFacts,
    check,
    finding_of,
    is_folder,
)
from addon.core.evaluation import EvaluationFailed
from addon.core.files import MissingFile
from addon.core.job_types import JobType, Setting, SettingType, Visibility
from addon.core.manager import ManagerError
from addon.core.manager_info import ManagerInfo, SharedStorage, Tag

RENDER = JobType(
    "simple-blender-render",
    "Simple Blender Render",
    (
        Setting("frames", label="Frames", required=True),
        Setting("chunk_size", SettingType.INT32, label="Chunk Size"),
        Setting("render_output_root", label="Render Output Root", required=True),
        Setting("blendfile", label="Blendfile", required=True, visible=Visibility.WEB),
        Setting("format", label="Format", required=True, visible=Visibility.WEB),
    ),
)
ECHO = JobType("echo-sleep-test", "Echo", (Setting("message", label="Message", required=True),))
GOOD: Mapping[str, Any] = {
    "frames": "1-10",
    "chunk_size": 1,
    "render_output_root": "/render",
    "format": "PNG",
}
TAG = "11111111-0000-4000-8000-000000000000"


class Scene:
    """The facts of a submission without problems, until a test changes one."""

    def __init__(self, folder: Path) -> None:
        blendfile = folder / "light.blend"
        blendfile.touch()
        self.facts = SceneFacts(blendfile, is_dirty=False, has_camera=True)
        self.job_type: JobType | None = RENDER
        self.info: ManagerInfo | None = ManagerInfo(
            address="http://farm:8080",
            name="Farm",
            version="3.9",
            is_tablao=True,
            storage=SharedStorage(str(folder), shaman_enabled=False),
            job_types=(RENDER, ECHO),
            tags=(Tag(TAG, "GPU"),),
            variables={},
        )
        self.settings = dict(GOOD)
        self.options: dict[str, Any] = {}

    def found(self) -> list[Finding]:
        return check(self.facts, self.job_type, self.info, self.settings, **self.options)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_nothing_is_wrong_with_a_good_scene(scene: Scene) -> None:
    assert scene.found() == []


TEXTURE = MissingFile("//wood.png", "Image “Wood”")
SHAMAN = SharedStorage("/nowhere", shaman_enabled=True)

#: By code: what is changed about the facts, the settings, or what else is asked for.
WRONG: Mapping[str, list[dict[str, Any]]] = {
    "not-saved": [{"facts": {"blend_path": None}}],
    "file-gone": [{"facts": {"blend_path": Path("/nowhere/light.blend")}}],
    "unsaved-changes": [{"facts": {"is_dirty": True}}],
    "unsaved-images": [
        {"facts": {"unsaved_images": ("Wood",)}},
        {"facts": {"unsaved_images": ("Wood", "Wall")}},
    ],
    "missing-files": [
        {"facts": {"missing": (TEXTURE,)}},
        {"facts": {"missing": (TEXTURE, MissingFile("//lib.blend", "Library"))}},
    ],
    "no-camera": [{"facts": {"has_camera": False}}],
    "no-view-layer": [{"facts": {"view_layers": ()}}],
    "video-format": [{"settings": {"format": each}} for each in ("FFMPEG", "AVI_RAW", "AVI_JPEG")],
    "frame-step": [{"facts": {"frame_end": 10, "frame_step": step}} for step in (2, 3, 12, 21)],
    "resolution-scaled": [{"facts": {"resolution_percentage": each}} for each in (50, 200)],
    "render-region": [{"facts": {"has_render_region": True}}],
    "no-composite": [{"facts": {"lacks_composite": True}}],
    "not-baked": [
        {"facts": {"unbaked": ("Cloth of “Flag”",)}},
        {"facts": {"unbaked": ("Cloth of “Flag”", "Rigid bodies")}},
    ],
    "outside-storage": [
        {"facts": {"used_files": (__file__,)}},
        {"facts": {"used_files": (__file__, checks.__file__)}},
    ],
    "manager-unknown": [{"info": None}],
    "no-job-type": [{"job_type": None}],
    "no-worker-tag": [{"options": {"worker_tag": "gone"}}],
    "storage-not-reached": [
        {"storage": SharedStorage("/nowhere", shaman_enabled=False)},
        {"storage": SharedStorage("", shaman_enabled=False)},
    ],
    "no-name": [{"options": {"job_name": "  "}}],
    "bad-priority": [{"options": {"priority": 101}}, {"options": {"priority": -1}}],
    "setting-not-evaluated": [
        {"options": {"failures": [EvaluationFailed("Frames", NameError("no C"))]}}
    ],
    "setting-empty": [{"settings": {"render_output_root": each}} for each in ("", None)],
    "bad-setting": [{"settings": {"chunk_size": "many"}}],
    "bad-frames": [
        {"settings": {"frames": each}}
        for each in ("", None, "10-1", "-3--5", "1,,2", "all", "1-99999999999")
    ],
    "too-many-frames": [{"settings": {"frames": "1-100001"}}],
}


NOT_BLOCKING = {
    *("unsaved-changes", "unsaved-images"),
    *("frame-step", "resolution-scaled", "render-region", "no-composite"),
    *("not-baked", "outside-storage"),
}


@pytest.mark.parametrize(
    ("code", "change"),
    [
        pytest.param(code, change, id=f"{code} {number}")
        for code, changes in WRONG.items()
        for number, change in enumerate(changes, 1)
    ],
)
def test_what_is_wrong_is_found_alone_and_says_what_to_do(
    scene: Scene, code: str, change: dict[str, Any], record_property: Any
) -> None:
    scene.facts = replace(scene.facts, **change.get("facts", {}))
    scene.settings |= change.get("settings", {})
    scene.options |= change.get("options", {})
    scene.job_type = change.get("job_type", scene.job_type)
    if "storage" in change and scene.info:
        scene.info = replace(scene.info, storage=change["storage"])
    scene.info = change.get("info", scene.info)

    [finding] = scene.found()

    record_property("finding", str(finding))
    assert finding.code == code
    assert finding.is_blocking is (code not in NOT_BLOCKING)
    for text in (finding.sentence, finding.advice):
        assert not text[0].islower()
        assert text[-1] not in ".!?"


def test_every_finding_that_the_code_can_make_is_shown_by_a_test() -> None:
    known = {*WRONG, *(code for _, code in REFUSALS), "unknown-setting", "scene-not-told"}
    sources = (
        Path(str(each.__file__)).read_text() for each in (checks, findings, pipeline, scene_asking)
    )

    made = {
        call.args[0].value
        for source in sources
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "Finding"
        and isinstance(call.args[0], ast.Constant)
    }

    assert made == known


#: What the manager answers, and what it means.
REFUSALS = [
    (ManagerError("etag mismatch", 412), "job-type-changed"),
    (
        ManagerError("No manager answers at http://farm: nothing listens there"),
        "manager-not-reached",
    ),
    (ManagerError("no token", 403), "not-allowed"),
    (ManagerError("compiling the job: no frames", 400), "manager-refuses"),
]


@pytest.mark.parametrize(("refusal", "code"), REFUSALS)
def test_a_refusal_by_the_manager_says_what_to_do(refusal: ManagerError, code: str) -> None:
    finding = finding_of(refusal)

    assert finding.code == code
    assert finding.advice
    assert code == "job-type-changed" or str(refusal) in finding.sentence


def test_missing_files_are_listed_with_what_uses_them(scene: Scene) -> None:
    scene.facts = replace(scene.facts, missing=(TEXTURE,))

    [finding] = scene.found()

    assert finding.show == ("//wood.png (used by Image “Wood”)",)


def test_frames_that_the_artist_chose_are_not_doubted(scene: Scene) -> None:
    scene.facts = replace(scene.facts, frame_end=10, frame_step=2)
    scene.settings["frames"] = "1-10x2"

    assert scene.found() == []


def test_missing_files_may_be_allowed(scene: Scene) -> None:
    scene.facts = replace(scene.facts, missing=(TEXTURE,))
    scene.options["allow_missing"] = True

    [finding] = scene.found()

    assert (finding.code, finding.is_blocking) == ("missing-files", False)


def test_what_blocks_comes_first(scene: Scene) -> None:
    scene.facts = replace(scene.facts, is_dirty=True, has_camera=False)

    assert [each.code for each in scene.found()] == ["no-camera", "unsaved-changes"]


def test_with_shaman_nobody_needs_the_storage(scene: Scene) -> None:
    assert scene.info is not None
    scene.info = replace(scene.info, storage=SHAMAN)

    assert scene.found() == []


def test_strips_need_neither_camera_nor_view_layer(scene: Scene) -> None:
    scene.facts = replace(scene.facts, has_camera=False, view_layers=(), uses_sequencer=True)

    assert scene.found() == []


def test_a_job_without_a_blend_file_needs_nothing_of_the_scene(scene: Scene) -> None:
    scene.job_type, scene.settings = ECHO, {"message": "hello"}
    scene.facts = SceneFacts(None, is_dirty=True, has_camera=False, output_format="FFMPEG")

    assert scene.found() == []


def test_other_job_types_may_render_videos(scene: Scene) -> None:
    scene.job_type = replace(RENDER, name="one-video")
    scene.settings["format"] = "FFMPEG"

    assert scene.found() == []


def test_a_chosen_worker_tag_that_is_there_is_fine(scene: Scene) -> None:
    scene.options["worker_tag"] = TAG

    assert scene.found() == []


def test_a_refusal_tells_of_everything_that_is_wrong(scene: Scene) -> None:
    scene.facts = replace(scene.facts, has_camera=False)
    scene.settings["frames"] = "10-1"

    refusal = NotSubmittable(scene.found())

    assert str(refusal) == (
        "The scene “Scene” has no camera. Add one, or choose it in the scene's properties. "
        "“10-1” runs backwards. Type frames such as 1-20 or 1, 5, 10-15."
    )


def test_a_storage_that_never_answers_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(checks, "_FOLDER_WITHIN_S", 0.05)
    monkeypatch.setattr(checks, "_is_folder", lambda _: released.wait(60))

    assert not is_folder(str(tmp_path))

    released.set()


def test_files_on_the_storage_and_those_that_go_along_are_found_by_workers(
    scene: Scene, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    texture = tmp_path / "textures" / "wood.png"
    texture.parent.mkdir()
    texture.touch()
    gone = str(tmp_path_factory.mktemp("elsewhere") / "gone.png")
    scene.facts = replace(scene.facts, used_files=(str(texture), gone))
    assert scene.found() == []

    away = tmp_path_factory.mktemp("project") / "light.blend"
    away.touch()
    scene.facts = replace(scene.facts, blend_path=away, used_files=(__file__,))
    assert scene.found() == []


def test_a_link_on_the_storage_to_a_file_elsewhere_is_told(scene: Scene, tmp_path: Path) -> None:
    link = tmp_path / "wood.png"
    link.symlink_to(__file__)
    scene.facts = replace(scene.facts, used_files=(str(link),))

    (finding,) = scene.found()

    assert (finding.code, finding.show) == ("outside-storage", (str(link),))
