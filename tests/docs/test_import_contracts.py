"""Each contract of import-linter fails when it is broken; rooms import each other in no circle."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.import_graph import arrows_between_rooms, circles

#: By contract, a module that breaks it, and what that module imports.
BREAKING = {
    "Manager and worker host are built from activities, activities from workflows": (
        "workflows/breaking_layers.py",
        "activities.projection",
    ),
    "Activities stand on the rooms that manager and worker host share": (
        "activities/process/breaking_rooms.py",
        "activities.heartbeats",
    ),
    "The manager's rooms stand on floors": (
        "manager_api/database/breaking_floors.py",
        "manager_api.web.app",
    ),
    "Workflows are built from the domain": ("workflows/domain/breaking_layers.py", "workflows.job"),
    "The domain is the standard library's and its own": (
        "workflows/domain/breaking_purity.py",
        "pydantic",
    ),
    "The add-on ships alone": ("addon/breaking_apartness.py", "workflows.domain.frames"),
    "The add-on's core needs no Blender": ("addon/core/breaking_apartness.py", "bpy"),
}


@pytest.fixture(scope="module")
def said_of_broken(root: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy of the code in which each contract is broken once."""
    copy = tmp_path_factory.mktemp("broken")
    for package in ("workflows", "activities", "manager_api", "worker_host", "addon"):
        only_code = shutil.ignore_patterns("*_files", "wheels", "__pycache__")
        shutil.copytree(root / package, copy / package, ignore=only_code)
    shutil.copy(root / "pyproject.toml", copy)
    for module, imported in BREAKING.values():
        (copy / module).write_text(f"import {imported}\n")
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout


def test_every_contract_is_broken_here_once(root: Path) -> None:
    configuration = tomllib.loads((root / "pyproject.toml").read_text())

    names = {contract["name"] for contract in configuration["tool"]["importlinter"]["contracts"]}

    assert names == set(BREAKING)


@pytest.mark.parametrize("contract", BREAKING)
def test_a_contract_that_is_broken_fails(said_of_broken: str, contract: str) -> None:
    assert re.search(rf"^{re.escape(contract)} BROKEN", said_of_broken, re.MULTILINE)


@pytest.mark.parametrize("package", ["manager_api", "worker_host", "activities", "workflows"])
def test_no_circle_of_rooms(package: str) -> None:
    assert circles(arrows_between_rooms(package)) == []
