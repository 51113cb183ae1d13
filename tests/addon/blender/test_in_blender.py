"""The add-on in Debian's Blender 3.4, Blender 4.5 and 5.2, against a real manager and worker."""

from pathlib import Path
from typing import Any

import OpenEXR  # type: ignore[import-not-found] # compiled, and without stubs
import pytest
from PIL import Image

from tests.addon.blender.changed_settings import CHANGED

Found = dict[str, Any]
WAYS = ("in_place", "copied", "uploaded")
#: The values of settings before an artist changes them: defaults, moved into their bounds.
FIRST = {
    "text": "hola",
    "file": "//a.txt",
    "choice": "two",
    "count": 100,
    "share": 0.25,
    "switch": True,
    "on_demand": "Scene {stem}",
    "read_only": "my project/hola/1-2",
    "read_only_number": 200,
    "read_only_share": 1.25,
    "read_only_switch": False,
    "submission_only": 7,
    "hidden_default": "as it is",
    "name with spaces": "odd",
    "keys": "a name that Blender uses itself",
    "nonsense": 0,
}
SHOWN = (
    *("text", "file", "folder", "file_name", "hashed", "choice", "count", "share", "switch"),
    *("on_demand", "read_only", "read_only_number", "read_only_share", "read_only_switch"),
    *("submission_only", "keys", "nonsense"),
)


def pixels(file: str | Path) -> Any:
    with Image.open(file) as image:
        return image.size, image.convert("RGBA").tobytes()


def properties_in(drawn: list[list[str]]) -> list[str]:
    return [what for kind, what, _ in drawn if kind == "prop"]


def operators_in(drawn: list[list[str]]) -> list[str]:
    return [what for kind, what, _ in drawn if kind == "operator"]


def texts_in(drawn: list[list[str]]) -> str:
    return " ".join(text for _, _, text in drawn)


def frames_of(job: Found, suffix: str) -> list[Path]:
    folder = Path(job["settings"]["render_output_path"]).parent
    return sorted(folder.glob(f"*{suffix}"))


# --- registering ----------------------------------------------------------------------------------


def test_enabling_adds_operators_and_panels(found: Found) -> None:
    assert "TABLAO_OT_submit" in found["registered"]
    assert "TABLAO_PT_submit" in found["registered"]


def test_disabling_leaves_nothing_in_blender(found: Found) -> None:
    assert found["left_over"] == {}
    assert found["taken_along"] == {}


# --- the manager ----------------------------------------------------------------------------------


def test_without_a_manager_the_panel_says_how_to_get_one(found: Found) -> None:
    drawn = found["connecting"]["before"]

    assert "Set the manager's address" in texts_in(drawn)
    assert "tablao.find_managers" in operators_in(drawn)
    assert "tablao.submit" not in operators_in(drawn)


def test_refreshing_brings_job_types_and_tags(found: Found) -> None:
    connecting = found["connecting"]

    assert connecting["chosen"] == "echo-sleep-test"
    assert connecting["tag"] == "gpu"
    assert "Farm of tests (Tablao" in texts_in(connecting["after"])


def test_a_job_type_that_vanished_stays_chosen_and_is_told(found: Found) -> None:
    assert found["connecting"]["vanished"]["shown"] == "of-yesterday"
    assert "no-job-type" in found["connecting"]["vanished"]["codes"]


def test_a_painting_that_was_not_saved_is_told(found: Found) -> None:
    assert "unsaved-images" in found["connecting"]["painted"]
    assert "unsaved-images" not in found["connecting"]["vanished"]["codes"]


def test_out_of_reach_everything_known_stays(found: Found) -> None:
    offline = found["out_of_reach"]

    assert offline["still"] == offline["known"] != []
    assert "as last seen" in texts_in(offline["unasked"])
    assert f"No manager answers at {found['dead']}" in offline["said"]
    assert "is out of reach" in texts_in(offline["drawn"])
    assert "job_type_choice" in properties_in(offline["drawn"])


def test_a_manager_that_wants_a_login_is_offered_one(found: Found) -> None:
    login = found["login"]

    def buttons(drawn: list[list[str]]) -> int:
        return operators_in(drawn).count("tablao.log_in")

    # The preferences always have the button.
    assert (buttons(login["before"]), buttons(login["drawn"])) == (1, 2)
    assert "log in, or send a token" in login["said"][0]
    assert "needs Blender's window" in login["said"][2]


def test_a_token_is_kept_in_a_file_of_the_artists_own_for_one_manager(found: Found) -> None:
    login = found["login"]

    assert login["kept"] == "tablao_user_of_the_artist"
    assert set(login["shown"]) == {"", "Bearer tablao_user_of_the_artist"}
    assert login["of_another"] == ""
    assert login["mode"] == 0o600


def test_what_one_manager_said_is_not_taken_for_anothers(found: Found) -> None:
    assert found["out_of_reach"]["kept_of_another"] is False


# --- settings -------------------------------------------------------------------------------------


def test_every_setting_has_the_property_that_its_type_asks_for(found: Found) -> None:
    described = found["settings"]["described"]

    assert {key: told["type"] for key, told in described.items()} == {
        **dict.fromkeys(described, "STRING"),
        **dict.fromkeys(("count", "read_only_number", "submission_only", "nonsense"), "INT"),
        **dict.fromkeys(("share", "read_only_share", "hidden_number"), "FLOAT"),
        **dict.fromkeys(("switch", "read_only_switch"), "BOOLEAN"),
        "choice": "ENUM",
    }
    subtypes = {"file": "FILE_PATH", "folder": "DIR_PATH", "file_name": "FILE_NAME"}
    for key, subtype in {**subtypes, "hashed": "FILE_PATH", "share": "FACTOR"}.items():
        assert described[key]["subtype"] == subtype
    assert described["choice"]["items"] == ["one", "two", "drei Ä"]
    assert described["folder"]["name"] == "A Folder"
    assert described["text"]["description"] == "A text"


def test_bounds_and_steps_are_those_of_the_job_type(found: Found) -> None:
    count, share = (found["settings"]["described"][key] for key in ("count", "share"))

    assert (count["hard_min"], count["hard_max"], count["soft_max"]) == (-3, 100, 50)
    assert (count["step"], count["default"]) == (5, 100)
    assert (share["hard_min"], share["hard_max"], share["precision"]) == (0, 1, 4)
    assert found["settings"]["clamped"] == 100


def test_settings_begin_with_defaults_and_what_expressions_give(found: Found) -> None:
    first = found["settings"]["first"]
    expected = {
        **FIRST,
        "on_demand": f"Scene {Path(found['file']).stem}",
    }

    assert {key: first[key] for key in expected} == expected


def test_hidden_and_linked_settings_are_evaluated_for_the_job(found: Found) -> None:
    sent = found["settings"]["sent"]

    assert sent["linked"] == "1-2"
    assert sent["web_only"] == "my project"
    assert sent["hidden_number"] == 12
    assert sent["hidden_default"] == "as it is"


def test_every_setting_that_is_shown_is_drawn_and_no_other(found: Found) -> None:
    drawn = properties_in(found["settings"]["drawn"])

    values = [name for name in drawn if name.startswith("value_")]
    odd = [name for name in values if name.startswith("value_name_with_spaces")]
    assert sorted(set(values) - set(odd)) == sorted(f"value_{key}" for key in SHOWN)
    assert len(odd) == 1
    assert "link_linked" in drawn
    assert "File *" in texts_in(found["settings"]["drawn"])
    assert "Scene frame range" in texts_in(found["settings"]["drawn"])
    assert operators_in(found["settings"]["drawn"]).count("tablao.evaluate_setting") == 1


@pytest.mark.parametrize("when", ["changed", "back", "reloaded"])
def test_what_an_artist_typed_stays(found: Found, when: str) -> None:
    values = found["settings"][when]

    assert {key: values[key] for key in CHANGED} == CHANGED
    assert values["read_only"] == "my project/¡olé!/1-2"
    assert values["read_only_number"] == 84
    assert values["read_only_switch"] is True


def test_what_was_typed_is_what_the_job_gets(found: Found) -> None:
    sent = found["settings"]["changed_sent"]

    assert {key: sent[key] for key in CHANGED} == CHANGED


def test_a_new_version_of_the_job_type_keeps_the_values(found: Found) -> None:
    newer = found["settings"]["new_version"]

    assert newer == {**CHANGED, "on_demand": f"Scene {Path(found['file']).stem}"}


def test_read_only_settings_are_live_after_a_refresh_too(found: Found) -> None:
    assert found["settings"]["refreshed"]["read_only"] == "my project/¡olé!/1-2"


def test_presets_are_saved_applied_and_deleted(found: Found) -> None:
    assert found["settings"]["presets"]["applied"] == "¡olé!"
    assert "cannot be read" in found["settings"]["presets"]["said"]


def test_a_button_evaluates_on_demand(found: Found) -> None:
    assert found["settings"]["evaluated"] == f"Scene {Path(found['file']).stem}"


def test_unlinked_a_setting_is_what_the_artist_types(found: Found) -> None:
    assert found["settings"]["unlinked"]["sent"] == "7-9"
    assert "value_linked" in properties_in(found["settings"]["unlinked"]["drawn"])


# --- jobs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_job_is_followed_until_it_is_completed(found: Found, way: str) -> None:
    job = found["jobs"][way]

    # The frames go beside the shared storage, and the artist is told so.
    submitted = f"Submitted {found['blender']}-{way} ñ, but look at Files & Checks"
    assert job["outcome"] == submitted
    assert [finding["code"] for finding in job["findings"]] == ["output-not-seen"]
    assert "outside the shared storage" in job["findings"][0]["sentence"]
    assert job["findings"][0]["is_blocking"] is False
    assert job["status"] == "completed"
    assert job["progress"] == 1.0
    assert (job["user"], job["comment"]) == ("María", f"sent {way}")
    assert "1 of 1 workers awake" in job["farm"]
    assert "TABLAO_UL_jobs" in [what for _, what, _ in job["drawn"]]


@pytest.mark.parametrize("way", WAYS)
def test_frames_are_on_disk_and_load_into_blender(found: Found, way: str) -> None:
    job = found["jobs"][way]

    frames = frames_of(job, ".exr" if way == "copied" else ".png")
    assert [file.stem for file in frames] == ["000001", "000002"]
    assert job["image"]["source"] == "SEQUENCE"
    assert Path(job["image"]["file"]) == frames[0]
    assert job["strip"] == {"frames": 2, "start": 1}


def test_files_take_the_way_that_suits_them(found: Found) -> None:
    blendfiles = {way: found["jobs"][way]["settings"]["blendfile"] for way in WAYS}
    stem = Path(found["file"]).stem

    assert blendfiles["in_place"].startswith(f"{found['storage']}/project ñ/{stem}")
    assert blendfiles["in_place"].endswith(".flamenco.blend")
    assert blendfiles["copied"].startswith(f"{found['storage']}/")
    assert "project ñ" not in blendfiles["copied"]
    assert blendfiles["uploaded"].startswith("{jobs}/")


def test_the_last_rendered_frame_comes_as_a_picture(found: Found) -> None:
    assert found["jobs"]["in_place"]["picture"]


def test_frames_equal_those_that_this_blender_renders(found: Found) -> None:
    rendered = frames_of(found["jobs"]["uploaded"], ".png")

    assert [pixels(file) for file in rendered] == [pixels(file) for file in found["jobs"]["local"]]


def test_cameras_that_markers_bind_are_respected(found: Found) -> None:
    first, second = (pixels(file)[1] for file in frames_of(found["jobs"]["uploaded"], ".png"))
    middle = (36 // 2 * 64 + 64 // 2) * 4

    # Blue is the delivered texture, green the cube that only the second camera sees.
    assert first[middle + 2] > 150 > first[middle + 1]
    assert second[middle + 1] > 150 > second[middle + 2]


def test_the_device_that_was_chosen_is_told_to_the_worker(found: Found) -> None:
    assert {found["jobs"][way]["settings"]["cycles_device"] for way in WAYS} == {"CPU"}


def test_the_job_keeps_existing_frames_if_the_artist_says_so(found: Found) -> None:
    assert {found["jobs"][way]["settings"].get("keep_existing_frames") for way in WAYS} == {True}


def test_all_view_layers_are_rendered(found: Found) -> None:
    channels: set[str] = set()
    for part in OpenEXR.File(str(frames_of(found["jobs"]["copied"], ".exr")[0])).parts:
        channels |= {f"{part.name()}.{channel}" for channel in part.channels}

    assert any("ViewLayer" in channel for channel in channels)
    assert any("Second Layer" in channel for channel in channels)


def test_scenes_and_cameras_are_listed_and_scenes_are_ticked(found: Found) -> None:
    listed = [tuple(each) for each in found["jobs"]["several"]["listed"]]

    cameras = [("camera on green", False), ("camera on red", False)]
    of_each = [("", True), *cameras]
    scenes = sorted({scene for scene, _, _ in listed})
    assert listed == [(scene, *row) for scene in scenes for row in of_each]
    assert "Close/up" in scenes


def test_a_camera_and_another_scene_are_jobs_of_their_own(found: Found) -> None:
    several = found["jobs"]["several"]
    by_scene, by_camera = several["jobs"]
    names = ["Close-up", "Scene - camera on green"]

    assert "Submitted 2 jobs" in several["outcome"]
    assert several["selected_first"]
    assert several["scene_after"]
    of_file = f"{found['blender']}-several"
    assert [job["name"] for job in several["jobs"]] == [f"{of_file} - {name}" for name in names]
    assert {job["status"] for job in several["jobs"]} == {"completed"}
    assert by_camera["settings"]["camera"] == "camera on green"
    assert by_scene["settings"]["scene"] == "Close/up"
    assert by_scene["settings"]["frames"] == "2-2"
    outputs = [job["settings"]["render_output_path"] for job in several["jobs"]]
    assert len({Path(output).parent for output in outputs}) == 2


def test_jobs_that_are_submitted_together_have_project_and_batch_in_common(found: Found) -> None:
    first, second = found["jobs"]["several"]["metadata"]

    assert first["batch"] == second["batch"]
    assert first["batch"].startswith(f"{found['blender']}-several 2")
    assert first["project"] == second["project"] != ""
    assert (first["scene"], "camera" in first) == ("Close/up", False)
    assert (second["scene"], second["camera"]) == ("Scene", "camera on green")


def test_a_camera_that_is_chosen_comes_before_those_that_markers_bind(found: Found) -> None:
    by_scene, by_camera = found["jobs"]["several"]["jobs"]
    middle = (36 // 2 * 64 + 64 // 2) * 4

    for frame in frames_of(by_camera, ".png"):
        pixel = pixels(frame)[1][middle : middle + 3]
        assert pixel[1] > 150 > pixel[2], frame
    assert [frame.stem for frame in frames_of(by_camera, ".png")] == ["000001", "000002"]
    assert [frame.stem for frame in frames_of(by_scene, ".png")] == ["000002"]


def test_if_one_of_several_jobs_cannot_be_submitted_none_is(found: Found) -> None:
    refused = found["jobs"]["several"]["refused"]

    assert "The scene “Close/up” has no camera" in refused["no_camera"]
    assert "Nothing is ticked" in refused["nothing"]


def test_buttons_mend_what_is_odd_about_a_scene(found: Found) -> None:
    mended = found["jobs"]["mended"]

    odd = {"frame-step", "resolution-scaled", "render-region", "no-view-layer", "video-format"}
    assert set(mended["before"]) - {"unsaved-changes"} == odd | (
        {"no-composite"} if mended["has_tree"] else set()
    )
    assert set(mended["after"]) <= {"unsaved-changes"}
    assert (mended["frames"], mended["format"]) == ("1-9x3", "PNG")
    assert [Path(file).name for file in mended["used"]] == ["weiße Wand.png"]


def test_simulations_that_are_rendered_and_not_baked_are_found(found: Found) -> None:
    simulations = found["jobs"]["simulations"]

    assert simulations["before"] == [
        "Cloth of “banner”",
        "Cloth of “flag”",
        "Dynamic Paint of “paper”",
        "Fluid of “tank”",
        "Particles “sparks” of “sparks”",
        "Rigid bodies",
        "Soft Body of “jelly”",
    ]
    assert simulations["after"] == ["Fluid of “tank”"]


def test_a_job_is_paused_resumed_and_canceled_from_blender(found: Found) -> None:
    assert found["jobs"]["controlled"]["name"] == Path(found["file"]).stem
    assert found["jobs"]["controlled"]["priority"] == 77


def test_a_script_hears_in_words_why_nothing_was_sent(found: Found) -> None:
    refused = found["jobs"]["refused"]

    assert "missing" in refused["missing"]
    assert "has no camera" in refused["no_camera"]
    assert "never saved" in refused["not_saved"]
