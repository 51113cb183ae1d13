"""An artist goes on using Blender while the add-on works, in Blender with a window."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.addon.blender.blenders import install
from tests.addon.blender.pictures import build_scene
from tests.addon.blender.render_farm import RenderFarm
from tests.addon.blender.windows import run_with_window
from tests.addon.core.stand_in_manager import silent_port

SCENARIO = Path(__file__).with_name("window_scenario.py")
#: Copying it must take longer than a click.
_LARGE = 600_000_000


@pytest.fixture(scope="module")
def found(
    farm: RenderFarm, addon_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("hurry")
    profile, scene = folder / "profile", folder / "project" / "shot.blend"
    install(addon_zip, profile)
    build_scene(scene)
    with next((scene.parent / "textures").iterdir()).open("r+b") as texture:
        texture.truncate(_LARGE)
    before = set(farm.storage.iterdir())
    with silent_port() as listener:
        given = {
            "manager": farm.url,
            "silent": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "answer": str(folder / "found.json"),
        }
        question = folder / "given.json"
        question.write_text(json.dumps(given))
        printed = run_with_window(scene, SCENARIO, question, profile, (300, 300)).stdout
    left = [each.name for each in set(farm.storage.iterdir()) - before]
    answer = Path(given["answer"])
    assert answer.exists(), printed[-6000:]
    return {
        **json.loads(answer.read_text()),
        "manager": farm.url,
        "left": left,
        "printed": printed,
    }


def test_a_manager_is_asked_although_another_one_has_not_answered_yet(
    found: dict[str, Any],
) -> None:
    assert found["other manager"] == found["manager"]


def test_asking_anew_is_no_error_before_there_is_an_answer(found: dict[str, Any]) -> None:
    assert found["asked again"] == ["FINISHED"]


def test_a_token_that_cannot_be_sent_is_a_sentence(found: dict[str, Any]) -> None:
    assert "Error: The API token has characters that no token has" in found["said"]


def test_access_that_is_given_in_the_browser_comes_with_the_last_question(
    found: dict[str, Any],
) -> None:
    assert found["token of the page"] == "tablao_user_x"
    assert found["old page"] == "too late"


def test_pictures_stay_in_their_folder_whatever_a_jobs_id_is(found: dict[str, Any]) -> None:
    assert found["pictures"] == [".jpg"]
    assert found["pictures kept"] == []


def test_an_error_in_one_thing_keeps_nobody_else_waiting(found: dict[str, Any]) -> None:
    assert found["told after an error"] == [1]
    assert found["printed"].count("Traceback") == 1
    assert "ZeroDivisionError" in found["printed"]


def test_what_worked_for_a_disabled_add_on_is_not_heard_by_the_next(found: dict[str, Any]) -> None:
    assert found["still running"]
    assert found["heard"] == ["new"]


def test_a_check_ends_no_submission(found: dict[str, Any]) -> None:
    assert found["running after a check"]
    assert "Canceled" in found["canceled"]


def test_a_job_of_another_manager_and_file_is_told_and_changes_nothing_else(
    found: dict[str, Any],
) -> None:
    # The frames go beside the shared storage, and the artist is told so.
    outcome = "Submitted shot, but look at Files & Checks"
    assert found["moved"] == {"outcome": outcome, "info": False, "submitted": []}


def test_closing_blender_leaves_nothing_half_copied(found: dict[str, Any]) -> None:
    assert [name for name in found["left"] if name.startswith(".")] == []
    # Of the submission that was not disturbed.
    assert len(found["left"]) == 1
