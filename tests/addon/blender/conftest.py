"""One farm for all Blenders, and one run of the scenario in each, whose result the tests check."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.addon.blender.blenders import BLENDERS, Blender, build_zip, install, run_scenario
from tests.addon.blender.render_farm import RenderFarm
from tests.farm.processes import free_port


@pytest.fixture(scope="package")
def addon_zip() -> Path:
    return build_zip()


@pytest.fixture(scope="package")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RenderFarm]:
    with RenderFarm(tmp_path_factory.mktemp("addon") / "farm") as farm:
        yield farm


@pytest.fixture(scope="package", params=BLENDERS, ids=lambda blender: blender.name)
def blender(request: pytest.FixtureRequest) -> Blender:
    assert isinstance(request.param, Blender)
    request.param.check_is_there()
    return request.param


@pytest.fixture(scope="package")
def found(
    blender: Blender, farm: RenderFarm, addon_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The scenario's findings in this Blender."""
    folder = tmp_path_factory.mktemp(blender.name)
    profile = folder / "profile"
    install(addon_zip, profile)
    given = {
        "blender": blender.name,
        "manager": farm.url,
        "admin": farm.admin.token,
        "dead": f"http://127.0.0.1:{free_port()}",
        "storage": str(farm.storage),
        "project": str(folder / "my project"),
        "file": f"{blender.name}-escena ä 1.blend",
        "output": str(folder / "frames"),
        "local": str(folder / "local"),
    }
    return {**given, **run_scenario(blender, profile, given)}
