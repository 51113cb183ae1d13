"""What tests of the add-on's core share."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.addon.core.contract_watch import ContractWatch
from tests.addon.core.small_farm import SmallFarm, make_blend_file
from tests.addon.core.stand_in_manager import StandInManager


@pytest.fixture
def stand_in() -> Iterator[StandInManager]:
    with StandInManager() as manager:
        yield manager


@pytest.fixture(scope="package")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallFarm]:
    """A farm that renders with the real Blender."""
    with SmallFarm(tmp_path_factory.mktemp("add-on") / "farm") as farm:
        farm.start_worker()
        yield farm


@pytest.fixture(scope="package")
def blend_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A blend file in a folder that no worker can read."""
    return make_blend_file(tmp_path_factory.mktemp("artist") / "Piloto ñ" / "sh 010.blend")


@pytest.fixture
def watch(farm: SmallFarm) -> Iterator[ContractWatch]:
    """A proxy to the farm's manager that accepts only requests of Flamenco's API."""
    with ContractWatch(farm.url) as watch:
        yield watch
    assert watch.wrong == []


@pytest.fixture(scope="package")
def rendered_job(farm: SmallFarm, blend_file: Path) -> dict[str, Any]:
    """A completed job, which the example of docs/scripting.md has submitted."""
    page = (Path(__file__).parents[3] / "docs/scripting.md").read_text()
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    ours = {"MANAGER": farm.url, "SHOT": str(blend_file), "FRAMES": str(farm.out)}
    for name, value in ours.items():
        pattern = rf'^({name} = [^"\n]*)"[^"\n]*"'
        example = re.sub(pattern, rf'\g<1>"{value}"', example, flags=re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    job_id = done.stdout.strip().rpartition("/")[2]
    return farm.until_job_is(job_id, "completed", "failed", timeout_s=240)
