"""Blender keeps working with any job types that a manager may have."""

from pathlib import Path
from typing import Any

import pytest

from tests.addon.blender.blenders import Blender, install, run_scenario

SCENARIO = Path(__file__).with_name("scenario_hostile.py")


@pytest.fixture(scope="module")
def found(
    blender: Blender, addon_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    profile = tmp_path_factory.mktemp(f"hostile-{blender.name}")
    install(addon_zip, profile)
    return run_scenario(blender, profile, {}, SCENARIO)


def test_every_job_type_gets_properties_that_blender_takes(found: dict[str, Any]) -> None:
    assert found["wrong"] == []


def test_scenes_of_other_files_are_left_as_they_are(found: dict[str, Any]) -> None:
    assert found["linked"] == {"mine": "mine", "theirs": ""}


def test_two_hundred_settings_are_drawn_quickly(found: dict[str, Any]) -> None:
    assert 0 < found["reads"] <= 200
