"""Blender installs the zip in an empty profile, and then has the panel."""

from pathlib import Path
from typing import Any

import pytest

from tests.addon.blender.blenders import BLENDERS, Blender
from tests.addon.package.installing import extension_command, install
from tests.farm.processes import FarmProcesses

pytestmark = pytest.mark.timeout(300)


def test_blender_finds_the_package_valid(downloaded: Path) -> None:
    printed = extension_command("validate", str(downloaded))

    assert "Success" in printed


@pytest.mark.parametrize("blender", BLENDERS, ids=lambda blender: blender.name)
def test_an_empty_profile_gets_the_add_on_enabled_and_its_panel(
    blender: Blender, downloaded: Path, manager: FarmProcesses, tmp_path: Path
) -> None:
    found: dict[str, Any] = install(blender, downloaded, tmp_path / "profile")

    assert not found["was_there_before"]
    assert found["is_enabled"]
    assert found["panel"] == "PROPERTIES > output > Tablao"
    assert "submit" in found["operators"]
    assert found["address"] == manager.url
    folder = Path(found["folder"])
    assert tmp_path in folder.parents
    assert len(list(folder.glob("wheels/blender_asset_tracer-*.whl"))) == 2
